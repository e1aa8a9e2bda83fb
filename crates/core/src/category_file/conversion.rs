//! A category's file becomes the v2 file or the legacy file of a data folder.

use crate::Category;
use crate::catalogue::licensing::unknown_assignment;
use crate::json::{Json, Object, Style};
use crate::legacy::{
    Converted, Rejected, Row, SlowRule, Table, convert, convert_record, table_to_v2, to_legacy,
};
use crate::record::{Options, Record};
use crate::text::backend_prefix;

use super::{CategoryFile, Form};

/// How the conversion writes category files.
const STYLE: Style = Style::INDENT_4_ASCII;

/// A v2 file that was made from something.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct V2File {
    /// The records in it.
    pub records: Object,
    /// The records that are not in it, for they are not valid.
    pub rejected: Vec<Rejected>,
}

/// A legacy file that was made from something.
#[derive(Debug, Clone, PartialEq)]
pub struct LegacyFile {
    /// Its content.
    pub bytes: Vec<u8>,
    /// The records that are not in it, for they are not valid.
    pub rejected: Vec<Rejected>,
}

impl V2File {
    /// The content of the file, byte for byte as the reference writes it.
    pub fn to_text(&self) -> String {
        print(&self.records)
    }
}

impl From<Converted> for V2File {
    fn from(converted: Converted) -> Self {
        Self { records: converted.records, rejected: converted.rejected }
    }
}

impl CategoryFile {
    /// The v2 records.
    pub fn to_v2(&self) -> V2File {
        match &self.form {
            Form::V2(records) => valid_v2(self.category, records),
            Form::Legacy(records) => convert(self.category, records, SlowRule::Path).into(),
            Form::TextEntries(entries) => {
                let (table, rejected) = table_of_entries(entries);
                let mut file: V2File = table_to_v2(&table).into();
                file.rejected.splice(0..0, rejected);
                file
            }
            Form::TextTable(table) => table_to_v2(table).into(),
        }
    }

    /// The legacy file; `None` when the category has none. A legacy file without faults stays as it
    /// is, byte for byte.
    pub fn to_legacy(&self) -> Option<LegacyFile> {
        if !self.category.has_legacy_form() {
            return None;
        }
        Some(match &self.form {
            Form::V2(records) if self.category == Category::TextGeneration => {
                let V2File { records, rejected } = valid_v2(self.category, records);
                let mut table = Table::default();
                for (name, record) in &records {
                    table.put(&Row::from_v2(name, record.as_object().unwrap_or(&Object::new())));
                }
                of_table(&table, rejected)
            }
            Form::V2(records) => {
                let make = |record: &Json| to_legacy(self.category, record);
                let (records, rejected) = sort_out(records, |record| make(record).map(Json::from));
                LegacyFile { bytes: print(&records).into(), rejected }
            }
            Form::Legacy(records) => {
                let check = |record: &Json| {
                    convert_record(self.category, record, SlowRule::Path).map(|_| record.clone())
                };
                let (records, rejected) = sort_out(records, check);
                self.unless_faulty(rejected, || print(&records).into())
            }
            Form::TextEntries(entries) => {
                let (table, rejected) = table_of_entries(entries);
                of_table(&table, rejected)
            }
            Form::TextTable(table) => {
                let rejected = table_to_v2(table).rejected;
                self.unless_faulty(rejected, || {
                    let mut table = table.clone();
                    let whole = table.clone();
                    table.retain(|line| whole.row(line).is_ok_and(|row| row.to_v2().is_ok()));
                    table_text(&table)
                })
            }
        })
    }

    fn unless_faulty(
        &self,
        rejected: Vec<Rejected>,
        without: impl FnOnce() -> Vec<u8>,
    ) -> LegacyFile {
        let bytes = if rejected.is_empty() { self.bytes.to_vec() } else { without() };
        LegacyFile { bytes, rejected }
    }

    /// Removes from v2 records what servers add to their answers and nobody stores.
    #[must_use]
    pub fn without_additions(mut self) -> Self {
        let unknown = unknown_assignment();
        if let Form::V2(records) = &mut self.form {
            for record in records.values_mut().filter_map(Json::as_object_mut) {
                record.shift_remove("guidance");
                if record.get("licensing") == Some(&unknown) {
                    record.shift_remove("licensing");
                }
            }
        }
        self
    }
}

fn valid_v2(category: Category, records: &Object) -> V2File {
    let check =
        |record: &Json| Record::parse(category, record, Options::default()).map(|_| record.clone());
    let (records, rejected) = sort_out(records, check);
    V2File { records, rejected }
}

/// Maps the records, and puts those aside for which there are issues instead.
fn sort_out(
    records: &Object,
    map: impl Fn(&Json) -> Result<Json, Vec<crate::shape::Issue>>,
) -> (Object, Vec<Rejected>) {
    let mut kept = Object::with_capacity(records.len());
    let mut rejected = Vec::new();
    for (name, record) in records {
        match map(record) {
            Ok(made) => {
                kept.insert(name.clone(), made);
            }
            Err(issues) => rejected.push(Rejected { name: name.clone(), issues }),
        }
    }
    (kept, rejected)
}

/// The table that the entries of a v1 answer come from. Of the three entries of a model the one
/// without a backend's prefix counts.
fn table_of_entries(entries: &Object) -> (Table, Vec<Rejected>) {
    let mut table = Table::default();
    let mut rejected = Vec::new();
    for (name, entry) in entries.iter().filter(|(name, _)| backend_prefix(name).is_none()) {
        match Record::parse(Category::TextGeneration, entry, Options::default()) {
            Ok(_) => {
                let members = entry.as_object().cloned().unwrap_or_default();
                table.put(&Row::from_normalised(name, &members));
            }
            Err(issues) => rejected.push(Rejected { name: name.clone(), issues }),
        }
    }
    (table, rejected)
}

fn of_table(table: &Table, rejected: Vec<Rejected>) -> LegacyFile {
    LegacyFile { bytes: table_text(table), rejected }
}

/// Writing a table to memory does not fail.
pub(crate) fn table_text(table: &Table) -> Vec<u8> {
    table.to_text().unwrap_or_default().into_bytes()
}

pub(crate) fn print(records: &Object) -> String {
    Json::Object(records.clone()).to_text(STYLE) + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn file(path: &str, text: &str) -> CategoryFile {
        CategoryFile::read(Path::new(path), text.as_bytes().to_vec()).unwrap()
    }

    #[test]
    fn a_table_and_its_entries_make_the_same_records() {
        let text = "name,parameters_bn,style,tags\nowl/Barn-7B,7,chat,a\n";
        let table = file("models.csv", text);
        let Form::TextTable(read) = &table.form else { panic!() };
        let entries = Json::Object(crate::legacy::table_to_v1(read)).to_string();
        let entries = file("db.json", &entries);
        assert_eq!(entries.len(), 3);
        assert_eq!(entries.to_v2(), table.to_v2());
        assert_eq!(table.to_legacy().unwrap().bytes, text.as_bytes());
        let v2 = file("text_generation.json", &table.to_v2().to_text());
        let again = v2.to_legacy().unwrap();
        assert!(String::from_utf8(again.bytes).unwrap().contains("owl/Barn-7B,7,,,,,chat,a,"));
    }

    #[test]
    fn what_is_not_valid_is_left_out_and_told() {
        let table = file("models.csv", "name,parameters_bn\nA,1\nB,many\n").to_legacy().unwrap();
        assert_eq!(table.rejected.len(), 1);
        assert_eq!(table.bytes, b"name,parameters_bn\nA,1\n");
        let legacy = file("legacy/blip.json", r#"{"a":{"name":"a"},"b":7}"#);
        assert_eq!(legacy.to_v2().rejected[0].name, "b");
        assert_eq!(legacy.to_legacy().unwrap().rejected.len(), 1);
        let v2 = file("blip.json", r#"{"a":{"name":"a","licensing":5}}"#);
        assert_eq!(v2.to_v2().rejected.len(), 1);
        assert!(file("lora.json", "{}").to_legacy().is_none());
    }
}
