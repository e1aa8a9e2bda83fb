//! The whole register as a PRIMARY exports it, taken apart again into the files of a replica.

use indexmap::IndexMap;

use super::store::{Store, Stored};
use super::view::MODEL;
use super::{Assets, Definitions};
use crate::catalogue::problem::Reading;
use crate::catalogue::{CatalogueMetadata, Problem};
use crate::json::{Json, Object};

/// What views add to an asset's own members.
const ADDED_BY_VIEWS: [&str; 2] = ["category", "definition_urls"];

/// The definitions and assets in an export. Models are left out, their licensing stands in their
/// records. Checked as strictly as the files; only the export itself may have members nobody knows.
pub fn read_export(export: &Json) -> Result<(Definitions, Assets), Vec<Problem>> {
    Reading::document(|reading| read(export, reading))
}

fn read(export: &Json, reading: &mut Reading) -> Option<(Definitions, Assets)> {
    let member = |name| export.get(name).unwrap_or(&Json::Null);
    let metadata =
        reading.within("metadata", |reading| CatalogueMetadata::read(member("metadata"), reading));
    let definitions = list(member("licenses"), "licenses", reading);
    let definitions = definitions.map(|list| list.iter().collect::<Vec<&Json>>());
    let assets = list(member("assets"), "assets", reading);
    let assets: Option<Vec<Json>> =
        assets.map(|list| list.iter().filter_map(own_members).collect());
    let metadata = metadata?;
    let definitions = store("licenses", definitions?, metadata.clone(), reading);
    let assets = store("assets", assets?.iter().collect(), metadata, reading);
    Some((definitions?, assets?))
}

fn list<'a>(value: &'a Json, name: &str, reading: &mut Reading) -> Option<&'a [Json]> {
    let list = value.as_array();
    list.or_else(|| reading.within(name, |reading| reading.refuse("list_type", "expected a list")))
}

/// The asset behind a view; `None` for a model.
fn own_members(view: &Json) -> Option<Json> {
    let mut view = view.clone();
    let Some(members) = view.as_object_mut() else { return Some(view) };
    if members.get("asset_kind").and_then(Json::as_str) == Some(MODEL) {
        return None;
    }
    members.retain(|name, _| !ADDED_BY_VIEWS.contains(&name.as_str()));
    if let Some(licensing) = members.get_mut("licensing").and_then(Json::as_object_mut) {
        // Only models have files of their own; something in it is left for the check to refuse.
        let nothing = Json::Object(Object::new());
        licensing.retain(|name, value| name != "files" || *value != nothing);
    }
    Some(view)
}

fn store<T: Stored>(
    name: &str,
    list: Vec<&Json>,
    metadata: CatalogueMetadata,
    reading: &mut Reading,
) -> Option<Store<T>> {
    let mut records = IndexMap::with_capacity(list.len());
    for value in list {
        match T::parse(value) {
            Ok(record) => {
                records.insert(record.key(), record);
            }
            Err(problems) => return reading.within(name, |reading| reading.adopt(problems)),
        }
    }
    Some(Store { metadata, records })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Category;
    use crate::catalogue::licensing::Register;

    fn export() -> Json {
        let clips = Json::parse(br#"{"Vit":{}}"#).unwrap();
        let clips = clips.as_object().unwrap();
        let (definitions, assets) = (Definitions::packaged(), Assets::packaged());
        Register::new(&definitions, &assets, &[(Category::Clip, clips)]).export()
    }

    #[test]
    fn an_export_holds_both_files_again() {
        let (definitions, assets) = read_export(&export()).unwrap();
        assert_eq!(definitions.records, Definitions::packaged().records);
        assert_eq!(assets.records, Assets::packaged().records);
        assert_eq!(definitions.metadata.revision, Definitions::packaged().metadata.revision);
        assert!(Definitions::parse(&definitions.to_file()).is_ok());
        assert!(Assets::parse(&assets.to_file()).is_ok());
    }

    #[test]
    fn only_the_export_itself_may_grow() {
        let mut grown = export();
        grown.as_object_mut().unwrap().insert("extra".into(), Json::Int(1));
        assert!(read_export(&grown).is_ok());
        let text = export().to_string();
        for (from, to) in [
            ("\"license_id\"", "\"x\":1,\"license_id\""),
            ("\"locations\"", "\"x\":1,\"locations\""),
            ("\"revision\"", "\"x\":1,\"revision\""),
            ("\"licenses\"", "\"licences\""),
        ] {
            let broken = text.replacen(from, to, 1);
            assert_ne!(broken, text);
            assert!(read_export(&Json::parse(broken.as_bytes()).unwrap()).is_err(), "{to}");
        }
        assert!(read_export(&Json::Null).is_err());
    }
}
