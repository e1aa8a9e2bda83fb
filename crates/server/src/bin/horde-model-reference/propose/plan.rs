//! What is to be proposed about one model, found out by looking at what the server has.

use blake3::Hasher;
use bytes::Bytes;
use horde_model_reference::category_file::{CategoryFile, Form};
use horde_model_reference::change::Operation;
use horde_model_reference::json::{Json, Object, Style};
use horde_model_reference::legacy::{self, Origin};
use horde_model_reference::queue::{FieldDiff, field_diffs};
use horde_model_reference::record::{self, Record};
use horde_model_reference::shape::Print;
use horde_model_reference::{Category, Format};
use http::header::IF_MATCH;
use http::{Method, StatusCode};

use crate::api::{Api, Call, segment};

/// Members that stay as they are where a record does not have them.
const KEPT: [&str; 2] = ["metadata", "licensing"];

/// What a record was made with stays as well.
const MADE: [&str; 2] = ["created_at", "created_by"];

/// A change of one model.
pub(super) struct Plan {
    pub(super) category: Category,
    pub(super) name: String,
    pub(super) operation: Operation,
    pub(super) format: Format,
    record: Option<Object>,
    stored: Option<Object>,
    /// The entity tag of what is stored.
    tag: Option<String>,
}

/// What is stored where the change is to be made.
pub(super) struct Present<'a> {
    pub(super) api: &'a Api,
    pub(super) category: Category,
    pub(super) format: Format,
    /// All legacy records, which have no route of their own; read once.
    legacy: Option<Object>,
}

impl<'a> Present<'a> {
    pub(super) fn of(api: &'a Api, category: Category, format: Format) -> Self {
        Self { api, category, format, legacy: None }
    }

    fn record(&mut self, name: &str) -> anyhow::Result<(Option<Object>, Option<String>)> {
        if self.format == Format::Legacy {
            return Ok((self.legacy_record(name)?, None));
        }
        let path = format!("{}/model/{}", root(self.format, self.category), segment(name));
        let answer = self.api.send(&Call::get(path))?;
        let is_no_model = answer.status == StatusCode::NOT_FOUND && !is_no_route(&answer.body);
        if is_no_model {
            return Ok((None, None));
        }
        let tag = answer.tag.clone();
        let Json::Object(record) = answer.accepted()? else { return Ok((None, None)) };
        Ok((Some(without_additions(self.category, name, record)), tag))
    }

    fn legacy_record(&mut self, name: &str) -> anyhow::Result<Option<Object>> {
        if self.legacy.is_none() {
            let answer = self.api.send(&Call::get(root(self.format, self.category)))?;
            let is_empty = answer.status == StatusCode::NOT_FOUND && !is_no_route(&answer.body);
            let read = if is_empty { Json::Null } else { answer.accepted()? };
            self.legacy =
                Some(if let Json::Object(records) = read { records } else { Object::new() });
        }
        let record = self.legacy.as_ref().and_then(|records| records.get(name));
        Ok(record.and_then(Json::as_object).cloned())
    }

    /// What it takes for the model to become `record`, or to go.
    pub(super) fn plan(&mut self, name: String, record: Option<Object>) -> anyhow::Result<Plan> {
        let (stored, tag) = self.record(&name)?;
        let record = record.map(|record| match self.format {
            // Whoever sends back what was read need not say what servers add.
            Format::V2 => without_additions(self.category, &name, record),
            Format::Legacy => record,
        });
        let operation = match (&record, &stored) {
            (None, _) => Operation::Delete,
            (Some(_), None) => Operation::Create,
            (Some(_), Some(_)) => Operation::Update,
        };
        let (category, format) = (self.category, self.format);
        Ok(Plan { category, name, operation, format, record, stored, tag })
    }
}

/// Nothing of the kind at this address, rather than no such model.
fn is_no_route(body: &Json) -> bool {
    body.get("detail").and_then(Json::as_str).is_none_or(|words| words == "Not Found")
}

fn root(format: Format, category: Category) -> String {
    let version = if format == Format::V2 { "v2" } else { "v1" };
    format!("/model_references/{version}/{category}")
}

/// The record without what servers add.
fn without_additions(category: Category, name: &str, record: Object) -> Object {
    let records = Object::from_iter([(name.to_owned(), Json::Object(record.clone()))]);
    let file = CategoryFile { category, form: Form::V2(records), bytes: Bytes::new() };
    let Form::V2(mut records) = file.without_additions().form else { return record };
    match records.shift_remove(name) {
        Some(Json::Object(record)) => record,
        _ => record,
    }
}

impl Plan {
    /// `update clip/name`.
    pub(super) fn title(&self) -> String {
        format!("{} {}/{}", self.operation.name(), self.category, self.name)
    }

    /// What would become of the fields, as the server will store them: with their defaults, and with
    /// what stays although the record does not name it.
    pub(super) fn differences(&self) -> Vec<FieldDiff> {
        let mut after = self.record.clone();
        if let (Some(after), Some(stored)) = (&mut after, &self.stored) {
            self.keep(after, stored);
        }
        let settled = |record: &Option<Object>| record.as_ref().map(|record| self.settled(record));
        let mut differences = field_diffs(settled(&self.stored).as_ref(), settled(&after).as_ref());
        let is_update = self.operation == Operation::Update;
        differences.retain(|field| !is_update || field.path != "metadata.updated_at");
        differences
    }

    /// What the server keeps of the stored record. Metadata of legacy records are its own.
    fn keep(&self, after: &mut Object, stored: &Object) {
        if self.format == Format::Legacy {
            after.shift_remove("metadata");
            after.extend(stored.get("metadata").map(|own| ("metadata".to_owned(), own.clone())));
            return;
        }
        for name in KEPT {
            if let Some(kept) = stored.get(name).filter(|_| !after.contains_key(name)) {
                after.insert(name.to_owned(), kept.clone());
            }
        }
        let own = stored.get("metadata").and_then(Json::as_object);
        if let (Some(own), Some(Json::Object(metadata))) = (own, after.get_mut("metadata")) {
            for name in MADE {
                if let Some(kept) = own.get(name) {
                    metadata.insert(name.to_owned(), kept.clone());
                }
            }
        }
    }

    /// The record with its defaults. One that cannot be read stays as it is, and will be refused.
    fn settled(&self, record: &Object) -> Object {
        let value = Json::Object(record.clone());
        match self.format {
            Format::V2 => {
                let options = record::Options { knows_baseline: &|_| true, ..Default::default() };
                let read = Record::parse(self.category, &value, options);
                read.map_or_else(
                    |_| record.clone(),
                    |(mut record, _)| {
                        record.fill_text_model_group();
                        record.to_json(Print::PLAIN)
                    },
                )
            }
            // The entries of the table are made of its lines, and look like nothing that is sent.
            Format::Legacy if self.category == Category::TextGeneration => record.clone(),
            Format::Legacy => {
                let read = legacy::Record::parse(self.category, &value, Origin::File);
                read.map_or_else(|_| record.clone(), |record| record.to_json(Print::PLAIN))
            }
        }
    }

    /// Whether there is nothing to propose.
    pub(super) fn is_so_already(&self) -> bool {
        self.operation == Operation::Update && self.differences().is_empty()
    }

    /// Names the request by all that makes it what it is, what is stored among it: to propose the
    /// same once more, even after this program was killed, does nothing twice.
    pub(super) fn request_name(&self, salt: &str) -> String {
        let object = |object: &Option<Object>| Json::from(object.clone()).to_text(Style::COMPACT);
        let (record, stored) = (object(&self.record), object(&self.stored));
        let mut hasher = Hasher::new();
        for part in
            [self.category.name(), self.operation.name(), &self.name, &record, &stored, salt]
        {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        hasher.finalize().to_hex()[..32].to_owned()
    }

    /// The request that proposes it.
    pub(super) fn call(&self, request_name: &str) -> Call {
        let root = root(self.format, self.category);
        let model = || format!("{root}/model/{}", segment(&self.name));
        let body = self.record.clone().map(Json::Object);
        let call = match (self.operation, self.format) {
            (Operation::Create, _) => Call::new(Method::POST, root, body),
            (Operation::Update, Format::V2) => Call::new(Method::PUT, model(), body),
            (Operation::Update, Format::Legacy) => Call::new(Method::PUT, root, body),
            (Operation::Delete, _) => Call::new(Method::DELETE, model(), None),
        };
        let call = call.named(request_name);
        match &self.tag {
            // Nobody's change since the difference was told gets lost.
            Some(tag) => call.header(IF_MATCH, tag),
            None => call,
        }
    }

    /// What would be sent.
    pub(super) fn as_json(&self) -> Json {
        let differences = self.differences().iter().map(FieldDiff::to_json).collect();
        Json::from([
            ("category", self.category.name().into()),
            ("model_name", self.name.as_str().into()),
            ("operation", self.operation.name().into()),
            ("field_diffs", Json::Array(differences)),
        ])
    }
}
