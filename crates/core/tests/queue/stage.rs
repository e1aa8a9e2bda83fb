//! A folder, those who propose and approve, and what the files say.

use std::path::PathBuf;
use std::sync::Arc;

use horde_model_reference::audit::{Event, Filter, Payload, Tail, Trail};
use horde_model_reference::backend::files::Files;
use horde_model_reference::backend::files::layout::Layout;
use horde_model_reference::change::Operation;
use horde_model_reference::json::Object;
use horde_model_reference::queue::{Actor, Decision, Draft};
use horde_model_reference::{Category, Json, Options, Primary};
use tempfile::TempDir;

pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// One more process, as far as files can tell.
    pub(crate) fn open(&self) -> Primary {
        let options = Options { compress: false, ..Options::default() };
        let trail = Trail::new(self.path("audit"), 1 << 20);
        let files = Arc::new(Files::new(Layout::below(self.0.path())));
        Primary::open(files, options, Some(trail)).unwrap()
    }

    pub(crate) fn json(&self, name: &str) -> Json {
        Json::parse(&std::fs::read(self.path(name)).unwrap()).unwrap()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// All events, as `category:model_name:action or operation`.
    pub(crate) fn events(&self) -> Vec<String> {
        let told = Tail::new(self.path("audit"), Filter::default()).read_on().unwrap();
        let mut told: Vec<Event> = told;
        told.sort_by_key(|event| event.id);
        told.iter().map(in_words).collect()
    }

    /// The status of each entry.
    pub(crate) fn statuses(&self) -> Vec<(i64, String)> {
        let changes = self.json("pending_queue/changes.json");
        let status = |entry: &Json| {
            let status = entry.get("status").and_then(Json::as_str).unwrap().to_owned();
            (entry.get("change_id").and_then(Json::as_i64).unwrap(), status)
        };
        changes.as_array().unwrap().iter().map(status).collect()
    }
}

fn in_words(event: &Event) -> String {
    let action = match &event.payload {
        Some(Payload::After(after)) => after.get("action").and_then(Json::as_str),
        _ => None,
    };
    let what = action.unwrap_or(event.operation.name());
    format!("{}:{}:{what}", event.category, event.model_name)
}

pub(crate) fn requestor() -> Actor {
    Actor { id: "101".into(), name: "requestor#101".into() }
}

pub(crate) fn approver() -> Actor {
    Actor { id: "201".into(), name: "approver#201".into() }
}

pub(crate) fn create(name: &str) -> Draft {
    let record = format!(r#"{{"name":"{name}"}}"#);
    let record = Json::parse(record.as_bytes()).unwrap().as_object().cloned().unwrap();
    Draft::about_model(Category::Clip, name, Operation::Create, record, "create_v2_clip")
}

pub(crate) fn delete(name: &str) -> Draft {
    Draft::about_model(Category::Clip, name, Operation::Delete, Object::new(), "delete_v2_model")
}

pub(crate) fn approve(ids: &[i64]) -> Decision {
    Decision { title: "t".into(), approved: ids.to_vec(), ..Decision::default() }
}
