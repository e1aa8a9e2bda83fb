//! The whole register as a PRIMARY exports it, taken apart again into the files of a replica.

use super::view::MODEL;
use super::{Asset, Assets, Definition, Definitions, Store};
use crate::catalogue::{CatalogueMetadata, Keyed, Records};
use crate::json::{Json, Object};
use crate::shape::{Field, Issue, Reader, Unknown};

/// What views add to an asset's own members.
const ADDED_BY_VIEWS: [&str; 2] = ["category", "definition_urls"];

/// The definitions and assets in an export. Models are left out, their licensing stands in their
/// records. Checked as strictly as the files; only the export itself may have members nobody knows.
pub fn read_export(export: &Json) -> Result<(Definitions, Assets), Vec<Issue>> {
    let mut reader = Reader::new(Unknown::Reject);
    let read = read(export, &mut reader);
    reader.conclude(read).map(|(read, _)| read)
}

fn read(export: &Json, reader: &mut Reader) -> Option<(Definitions, Assets)> {
    let members = reader.object(export)?;
    let metadata: CatalogueMetadata = reader.required(members, "metadata")?;
    let definitions: Vec<Definition> = reader.required(members, "licenses")?;
    let assets: Vec<Json> = members.get("assets").and_then(Json::as_array).map_or_else(
        || reader.refuse("list_type", "Input should be a valid list", export),
        |views| Some(views.iter().filter_map(own_members).collect()),
    )?;
    let assets = Json::Array(assets);
    let assets = reader.within("assets", |reader| Vec::<Asset>::read(&assets, reader))?;
    let definitions = Store { metadata: metadata.clone(), records: by_key(definitions) };
    Some((definitions, Store { metadata, records: by_key(assets) }))
}

fn by_key<T: Keyed>(records: Vec<T>) -> Records<T> {
    Records(records.into_iter().map(|record| (record.key(), record)).collect())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Category;
    use crate::catalogue::Stored;
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
        assert!(Definitions::parse(&definitions.to_json()).is_ok());
        assert!(Assets::parse(&assets.to_json()).is_ok());
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
