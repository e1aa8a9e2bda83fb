//! What the traced writer does, step by step, and what a document holds after so many of them.

use std::collections::BTreeMap;

use horde_model_reference::change::{Committed, Operation, WriteError, WriteOptions};
use horde_model_reference::json::Object;
use horde_model_reference::{Category, Format, Json, Primary};

/// Which documents are written, and by whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// Two v2 documents, one of which is not there yet, in a folder in which nothing was ever
    /// written.
    New,
    /// The same in a folder that was prepared.
    V2,
    /// A legacy document and the table of text models, which is not there yet; v2 follows.
    Legacy,
    /// A v2 document that another program replaces now and then, without lock or flush.
    Shared,
}

/// One change of a record.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) category: Category,
    pub(crate) name: String,
    pub(crate) operation: Operation,
    /// Tells this record from every other one.
    pub(crate) text: String,
    pub(crate) user: Option<&'static str>,
    pub(crate) request: Option<String>,
    /// Whether the other program does it.
    pub(crate) is_foreign: bool,
}

/// Names and texts.
pub(crate) type Records = BTreeMap<String, String>;

impl Way {
    pub(crate) const ALL: [Self; 4] = [Self::New, Self::V2, Self::Legacy, Self::Shared];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::V2 => "v2",
            Self::Legacy => "legacy",
            Self::Shared => "shared",
        }
    }

    pub(crate) fn of_name(name: &str) -> Self {
        Self::ALL.into_iter().find(|way| way.name() == name).expect("a way")
    }

    pub(crate) fn is_prepared(self) -> bool {
        self != Self::New
    }

    pub(crate) fn canonical(self) -> Format {
        if self == Self::Legacy { Format::Legacy } else { Format::V2 }
    }

    pub(crate) fn categories(self) -> &'static [Category] {
        match self {
            Self::New | Self::V2 => &[Category::Clip, Category::Blip],
            Self::Legacy => &[Category::ImageGeneration, Category::TextGeneration],
            Self::Shared => &[Category::Clip],
        }
    }

    /// The canonical document of a category.
    pub(crate) fn document(self, category: Category) -> &'static str {
        match (self, category) {
            (Self::Legacy, Category::ImageGeneration) => "legacy/stable_diffusion.json",
            (Self::Legacy, Category::TextGeneration) => "legacy/models.csv",
            (_, Category::Blip) => "blip.json",
            _ => "clip.json",
        }
    }

    /// What is there before the first step, as path, name and text.
    pub(crate) fn before(self, category: Category) -> Records {
        match category {
            Category::Blip | Category::TextGeneration => Records::new(),
            _ => Records::from([("base".to_owned(), "base".to_owned())]),
        }
    }

    /// The first `count` steps.
    pub(crate) fn steps(self, count: usize) -> Vec<Step> {
        let categories = self.categories();
        let step = |number: usize| {
            let turn = number / categories.len();
            let (operation, of) = match turn % 4 {
                0 | 1 => (Operation::Create, turn),
                2 => (Operation::Update, turn - 2),
                _ => (Operation::Delete, turn - 2),
            };
            Step {
                category: categories[number % categories.len()],
                name: format!("m{of}"),
                operation,
                // Long enough to be torn.
                text: format!("t{number}").repeat(300),
                user: (number != 3).then_some("101"),
                request: (number % 3 != 1).then(|| format!("r{number}")),
                is_foreign: self == Self::Shared && turn % 4 == 1,
            }
        };
        (0..count).map(step).collect()
    }

    /// What the steps make of the records.
    pub(crate) fn after<'a>(
        self,
        category: Category,
        steps: impl IntoIterator<Item = &'a Step>,
    ) -> Records {
        let mut records = self.before(category);
        for step in steps {
            match step.operation {
                Operation::Delete => records.remove(&step.name),
                _ => records.insert(step.name.clone(), step.text.clone()),
            };
        }
        records
    }

    /// The content of a JSON document.
    pub(crate) fn to_json(self, category: Category, records: &Records) -> Json {
        let record = |(name, text): (&String, &String)| {
            (name.clone(), Json::Object(record(category, self.canonical(), name, text)))
        };
        Json::Object(records.iter().map(record).collect())
    }
}

impl Step {
    /// Does it; not for foreign ones.
    pub(crate) async fn make(
        &self,
        primary: &Primary,
        options: WriteOptions,
    ) -> Result<Committed, WriteError> {
        let (category, name) = (self.category, self.name.as_str());
        let record = record(category, primary.canonical(), name, &self.text);
        match (self.operation, primary.canonical()) {
            (Operation::Delete, Format::V2) => primary.delete(category, name, options).await,
            (Operation::Delete, Format::Legacy) => {
                primary.delete_legacy(category, name, options).await
            }
            (_, Format::V2) => primary.update(category, name, record, options).await,
            (_, Format::Legacy) => primary.update_legacy(category, name, record, options).await,
        }
    }

    pub(crate) fn options(&self) -> WriteOptions {
        WriteOptions {
            logical_user_id: self.user.map(str::to_owned),
            request_id: self.request.clone(),
            ..WriteOptions::default().local()
        }
    }
}

fn record(category: Category, format: Format, name: &str, text: &str) -> Object {
    let record = match (category, format) {
        (Category::TextGeneration, _) => {
            format!(r#"{{"parameters":3000000000,"description":"{text}"}}"#)
        }
        (_, Format::Legacy) => format!(
            r#"{{"name":"{name}","baseline":"stable diffusion 1","type":"ckpt","inpainting":false,"description":"{text}","version":"1","style":"generalist","nsfw":false,"download_all":true,"config":{{"files":[],"download":[]}},"available":false}}"#
        ),
        // The times are such as a start would add.
        _ => format!(
            r#"{{"name":"{name}","description":"{text}","metadata":{{"created_at":5,"updated_at":6}}}}"#
        ),
    };
    Json::parse(record.as_bytes()).unwrap().as_object().cloned().unwrap()
}
