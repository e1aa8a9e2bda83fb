//! What writes leave in the files, byte by byte where the contract says so.

use std::sync::Arc;

use horde_model_reference::backend::files::Files;
use horde_model_reference::backend::files::layout::Layout;
use horde_model_reference::change::{Validation, WriteOptions};
use horde_model_reference::disk::faults::set_clock_offset_ms;
use horde_model_reference::{Category, Document, Format, Json, Options, Primary};

use crate::shared::{Vector, run, run_where, same};

/// Both tests set the process's wall clock.
static CLOCK: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

struct Place {
    _folder: tempfile::TempDir,
    layout: Layout,
    category: Category,
    canonical: Format,
}

impl Place {
    fn of(vector: &Vector, canonical: Format, before: &[(Document, Option<String>)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::below(folder.path());
        for (document, text) in before {
            if let Some(text) = text {
                let path = layout.path(*document);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, text).unwrap();
            }
        }
        let category = vector.text("category").parse().unwrap();
        Self { _folder: folder, layout, category, canonical }
    }

    /// Does the vector's steps; fails with the first that ends otherwise than `expects` says.
    fn do_steps(
        &self,
        vector: &Vector,
        expects: impl Fn(&str, bool) -> bool,
    ) -> Result<(), String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let _clock = CLOCK.lock().await;
            let options =
                Options { canonical: self.canonical, compress: false, ..Options::default() };
            let files = Arc::new(Files::new(self.layout.clone()));
            let primary = Primary::open(files, options, None).unwrap();
            for step in vector.get("steps").unwrap().as_array().unwrap() {
                let now = step.get("now").and_then(Json::as_i64).unwrap();
                let name = step.get("model_name").and_then(Json::as_str).unwrap();
                let fails = step.get("fails").and_then(Json::as_bool).unwrap();
                let done = self.step(&primary, now, name, step.get("record")).await;
                if done.is_ok() == expects(name, fails) {
                    return Err(format!("{name}: {done:?}"));
                }
            }
            Ok(())
        })
    }

    async fn step(
        &self,
        primary: &Primary,
        now: i64,
        name: &str,
        record: Option<&Json>,
    ) -> Result<(), String> {
        let real = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
        set_clock_offset_ms(now * 1000 - i64::try_from(real.as_millis()).unwrap());
        let options = WriteOptions { validation: Validation::Shape, ..WriteOptions::default() };
        let options = options.local();
        let record = record.and_then(Json::as_object).cloned();
        let done = match (self.canonical, record) {
            (Format::V2, Some(record)) => {
                primary.update(self.category, name, record, options).await
            }
            (Format::V2, None) => primary.delete(self.category, name, options).await,
            (Format::Legacy, Some(record)) => {
                primary.update_legacy(self.category, name, record, options).await
            }
            (Format::Legacy, None) => primary.delete_legacy(self.category, name, options).await,
        };
        set_clock_offset_ms(0);
        done.map(|_| ()).map_err(|error| error.to_string())
    }

    fn text(&self, document: Document) -> Option<String> {
        std::fs::read_to_string(self.layout.path(document)).ok()
    }

    fn json(&self, document: Document) -> Option<Json> {
        self.text(document).map(|text| Json::parse(text.as_bytes()).unwrap())
    }
}

/// The vector's metadata with the number of models, which the reference does not keep.
fn counted(metadata: Option<&Json>, models: usize) -> Option<Json> {
    let mut metadata = metadata?.as_object()?.clone();
    metadata.insert("total_models".into(), Json::Int(i64::try_from(models).unwrap()));
    Some(Json::Object(metadata))
}

fn len(document: Option<&Json>) -> usize {
    document.and_then(Json::as_object).map_or(0, |records| records.keys().count())
}

#[test]
fn v2_files() {
    run("v2_file_write", |vector| {
        let category = vector.text("category").parse().unwrap();
        let (v2, metadata) = (Document::V2(category), Document::V2Metadata(category));
        let before = vector.get("before").map(Json::to_string);
        let place = Place::of(vector, Format::V2, &[(v2, before.clone())]);
        match vector.name() {
            // Where the reference fails, or skips in silence, we do what was asked or say no.
            "metadata null" | "text record with the long parameter name" => {
                place.do_steps(vector, |_, _| false)?;
                assert_eq!(len(place.json(v2).as_ref()), 1);
                return Ok(());
            }
            "text record with a backend prefix is silently skipped" => {
                place.do_steps(vector, |_, _| true)?;
                assert_eq!(place.text(v2), before);
                return Ok(());
            }
            _ => place.do_steps(vector, |_, fails| fails)?,
        }
        let after = place.json(v2);
        same(vector.get("after"), after.as_ref())?;
        if let Some(text) = vector.get("after_text").and_then(Json::as_str) {
            assert_eq!(place.text(v2).as_deref(), Some(text));
        }
        let wanted = counted(vector.get("v2_category_metadata"), len(after.as_ref()));
        same(wanted.as_ref(), place.json(metadata).as_ref())
    });
}

#[test]
fn legacy_files_of_images() {
    let is_image = |vector: &Vector| vector.text("category") != "text_generation";
    run_where("legacy_file_write", is_image, |vector| {
        let category = vector.text("category").parse().unwrap();
        let (legacy, v2) = (Document::Legacy(category), Document::V2(category));
        let before = |member| vector.get(member).map(Json::to_string);
        let before = [(legacy, before("legacy_before")), (v2, before("v2_before"))];
        let place = Place::of(vector, Format::Legacy, &before);
        place.do_steps(vector, |_, fails| fails)?;
        let after = place.json(legacy);
        same(vector.get("legacy_after"), after.as_ref())?;
        if let Some(text) = vector.get("legacy_after_text").and_then(Json::as_str) {
            assert_eq!(place.text(legacy).as_deref(), Some(text));
        }
        let models = len(after.as_ref());
        let wanted = counted(vector.get("legacy_category_metadata"), models);
        same(wanted.as_ref(), place.json(Document::LegacyMetadata(category)).as_ref())?;
        // Those who poll the v2 metadata see it move with the v2 view (D12).
        same(wanted.as_ref(), place.json(Document::V2Metadata(category)).as_ref())?;
        let derived = place.json(v2);
        if vector.name() == "image write drops v2-only data" {
            // The times of a record that was not written stay (D11).
            let kept = derived.as_ref().and_then(|all| all.get("m")?.get("metadata").cloned());
            let times =
                r#"{"schema_version":"2.0.0","created_at":5,"updated_at":6,"created_by":"1001"}"#;
            return same(Some(&Json::parse(times.as_bytes()).unwrap()), kept.as_ref());
        }
        // N02: a block that names no version is of the present one.
        let wanted = vector.get("v2_after").map(|after| {
            let text = after
                .to_string()
                .replace(r#""schema_version":"1.0.0","#, r#""schema_version":"2.1.0","#);
            Json::parse(text.as_bytes()).unwrap()
        });
        same(wanted.as_ref(), derived.as_ref())
    });
}

#[test]
fn tables_of_text_models() {
    let is_text = |vector: &Vector| vector.text("category") == "text_generation";
    run_where("legacy_file_write", is_text, |vector| {
        let category = Category::TextGeneration;
        let (legacy, v2) = (Document::Legacy(category), Document::V2(category));
        let csv = vector.get("csv_before").and_then(Json::as_str).map(str::to_owned);
        let place = Place::of(vector, Format::Legacy, &[(legacy, csv.clone()), (v2, None)]);
        place.do_steps(vector, |_, fails| fails)?;
        let names = |document: Option<&Json>| -> Vec<String> {
            let records = document.and_then(Json::as_object);
            records.map(|records| records.keys().cloned().collect()).unwrap_or_default()
        };
        let steps = vector.get("steps").unwrap().as_array().unwrap();
        if steps.iter().all(|step| step.get("fails") == Some(&Json::Bool(true))) {
            assert_eq!((place.text(legacy), place.json(v2)), (csv, None));
            return Ok(());
        }
        // The table's own bytes are compared where tables are; here, that the v2 form follows.
        let written = place.json(v2);
        assert_eq!(names(written.as_ref()), names(vector.get("v2_after")));
        if vector.name() == "text: parameter counts drift on rewrites" {
            // It writes the same three times. We write it once, and nothing when nothing changes.
            let metadata = place.json(Document::LegacyMetadata(category));
            assert_eq!(metadata.unwrap().get("total_updates"), Some(&Json::Int(0)));
            return Ok(());
        }
        let metadata = place.json(Document::LegacyMetadata(category));
        let wanted = vector.get("legacy_category_metadata");
        for member in ["total_creates", "total_updates", "total_deletes", "last_updated"] {
            let of = |metadata: Option<&Json>| metadata.and_then(|all| all.get(member).cloned());
            assert_eq!(of(metadata.as_ref()), of(wanted), "{member}");
        }
        Ok(())
    });
}
