//! The table of text models: `models.csv`, the legacy source of their records.
//!
//! A table keeps what it read. Lines that make no sense, columns nobody knows and the spelling of
//! numbers survive the change of another line.

use std::io;

use super::row::Row;

/// The columns of the published table.
pub const PUBLIC_COLUMNS: [&str; 10] = [
    "name",
    "parameters_bn",
    "display_name",
    "url",
    "baseline",
    "description",
    "style",
    "tags",
    "instruct_format",
    "settings",
];

/// The columns that the backend adds when it writes the table.
pub const GUIDED_COLUMNS: [&str; 3] = ["context_window", "interaction_modes", "capabilities"];

/// The columns that are added when a record first needs them.
const RARE_COLUMNS: [&str; 2] = ["version", "nsfw"];

/// The text cannot be taken apart into lines and cells.
#[derive(Debug, thiserror::Error)]
#[error("not a table: {0}")]
pub struct NotATable(#[from] csv::Error);

/// Column names and lines.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Table {
    columns: Vec<String>,
    lines: Vec<Vec<String>>,
}

impl Table {
    /// Takes a text apart. A byte order mark before it is ignored, and so are blank lines.
    pub fn parse(text: &[u8]) -> Result<Self, NotATable> {
        let mut lines = Vec::new();
        for record in reader(text).records() {
            lines.push(record?.iter().map(str::to_owned).collect());
        }
        let mut columns: Vec<String> = if lines.is_empty() { Vec::new() } else { lines.remove(0) };
        // A mark behind blank lines or a second one would be lost as soon as the table is written.
        if let Some(first) = columns.first_mut() {
            *first = first.trim_start_matches('\u{feff}').to_owned();
        }
        Ok(Self { columns, lines })
    }

    /// The names of the columns, in their order.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// How many lines there are below the header.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether there is no line below the header.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// What stands in a line under a column; nothing where the line is too short.
    pub fn cell(&self, line: usize, column: &str) -> Option<&str> {
        let column = self.columns.iter().rposition(|name| name == column)?;
        self.lines.get(line)?.get(column).map(String::as_str)
    }

    /// Every line as a text model, or why it is none.
    pub fn rows(&self) -> impl Iterator<Item = Result<Row, String>> {
        (0..self.lines.len()).map(|line| self.row(line))
    }

    /// A line as a text model, or why it is none.
    pub fn row(&self, line: usize) -> Result<Row, String> {
        Row::read(|column| self.cell(line, column).unwrap_or_default())
    }

    /// The name in a line, as far as there is one.
    pub fn name(&self, line: usize) -> &str {
        self.cell(line, "name").unwrap_or_default().trim()
    }

    /// The last line of that name, which is the one readers see.
    pub fn find(&self, name: &str) -> Option<usize> {
        (0..self.lines.len()).rev().find(|line| self.name(*line) == name)
    }

    /// Replaces the last line of the row's name, or adds one at the end.
    pub fn put(&mut self, row: &Row) {
        let cells = row.cells();
        self.add_columns(&PUBLIC_COLUMNS);
        self.add_columns(&GUIDED_COLUMNS);
        let is_needed = |column: &&str| cells.get(*column).is_some_and(|cell| !cell.is_empty());
        let needed: Vec<&str> = RARE_COLUMNS.into_iter().filter(is_needed).collect();
        self.add_columns(&needed);
        let line = self.find(&row.name).unwrap_or_else(|| {
            self.lines.push(Vec::new());
            self.lines.len() - 1
        });
        for (column, cell) in cells {
            self.set(line, column, cell);
        }
    }

    /// Removes all lines of that name. Tells whether there was one.
    pub fn remove(&mut self, name: &str) -> bool {
        let before = self.lines.len();
        let keep: Vec<bool> = (0..before).map(|line| self.name(line) != name).collect();
        let mut keep = keep.into_iter();
        self.lines.retain(|_| keep.next().unwrap_or(true));
        self.add_columns(&PUBLIC_COLUMNS);
        self.add_columns(&GUIDED_COLUMNS);
        self.lines.len() < before
    }

    /// Removes the lines that `keep` says no of.
    pub fn retain(&mut self, mut keep: impl FnMut(usize) -> bool) {
        let mut line = 0..;
        self.lines.retain(|_| line.next().is_none_or(&mut keep));
    }

    pub(super) fn add_columns(&mut self, names: &[&str]) {
        for name in names {
            if !self.columns.iter().any(|column| column == name) {
                self.columns.push((*name).to_owned());
            }
        }
    }

    pub(super) fn set(&mut self, line: usize, column: &str, cell: String) {
        let Some(column) = self.columns.iter().rposition(|name| name == column) else { return };
        let Some(cells) = self.lines.get_mut(line) else { return };
        if cells.len() <= column {
            cells.resize(column + 1, String::new());
        }
        cells[column] = cell;
    }

    pub(super) fn push_line(&mut self) -> usize {
        self.lines.push(Vec::new());
        self.lines.len() - 1
    }

    /// The table as text: lines end with LF, and quotes stand only where they must.
    pub fn to_text(&self) -> Result<String, NotATable> {
        let columns: Vec<&str> = self.columns.iter().map(String::as_str).collect();
        self.to_text_of(&columns)
    }

    /// The table as text, with these columns only.
    pub fn to_text_of(&self, columns: &[&str]) -> Result<String, NotATable> {
        // The writer would make one empty column of none.
        if columns.is_empty() {
            return Ok(String::new());
        }
        // With CRLF the writer quotes exactly where Python's does; with LF it would quote more.
        let mut writer =
            csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
        writer.write_record(columns)?;
        for line in 0..self.lines.len() {
            let cell = |column: &&str| self.cell(line, column).unwrap_or_default();
            writer.write_record(columns.iter().map(cell))?;
        }
        let text = writer.into_inner().map_err(|error| csv::Error::from(error.into_error()))?;
        let text = String::from_utf8(text)
            .map_err(|error| csv::Error::from(io::Error::new(io::ErrorKind::InvalidData, error)))?;
        Ok(text.replace("\r\n", "\n"))
    }
}

/// Where in the text the lines of its table begin, the header left out: numbers from 1, as editors
/// count. A cell may hold line breaks, so that they are not just consecutive.
pub fn line_numbers(text: &[u8]) -> Vec<u64> {
    let records = reader(text).into_records().filter_map(Result::ok);
    let number = |record: csv::StringRecord| record.position().map_or(0, csv::Position::line);
    records.map(number).skip(1).collect()
}

fn reader(text: &[u8]) -> csv::Reader<&[u8]> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &[u8] = include_bytes!("../../fixtures/models.csv");

    #[test]
    fn lines_that_make_no_sense_are_reported_and_kept() {
        let mut table = Table::parse(OLD).unwrap();
        let faults: Vec<String> = table.rows().filter_map(Result::err).collect();
        assert_eq!(faults.len(), 2, "{faults:?}");
        let row = table.row(0).unwrap();
        table.put(&Row { description: "An owl.".into(), ..row });
        assert!(table.remove("owl/Gone-1B"));
        assert!(!table.remove("owl/Gone-1B"));
        let expected = include_str!("../../fixtures/models-written.csv");
        assert_eq!(table.to_text().unwrap(), expected);
    }

    #[test]
    fn lines_are_counted_as_in_an_editor() {
        assert_eq!(line_numbers(b"name\na\n\"b\nb\"\nc\n"), [2, 3, 5]);
    }

    #[test]
    fn a_repeated_name_means_its_last_line() {
        let mut table = Table::parse(b"name,parameters_bn\nA,1\nA,2\n").unwrap();
        assert_eq!(table.find("A"), Some(1));
        assert!(table.remove("A"));
        assert!(table.is_empty());
    }

    #[test]
    fn no_column_begins_with_a_byte_order_mark() {
        for marks in ["\u{feff}", "\u{feff}\u{feff}\u{feff}", "\n\u{feff}"] {
            let table = Table::parse(format!("{marks}name,tags\nA,x\n").as_bytes()).unwrap();
            assert_eq!(table.cell(0, "name"), Some("A"), "{marks:?}");
            assert_eq!(table.to_text().unwrap(), "name,tags\nA,x\n");
        }
    }

    #[test]
    fn a_table_of_nothing_stays_one() {
        let table = Table::parse(b"").unwrap();
        assert_eq!(table.to_text().unwrap(), "");
    }

    #[test]
    fn rare_columns_appear_when_they_are_needed() {
        let mut table = Table::parse(b"name,parameters_bn\nA,1\n").unwrap();
        let row = table.row(0).unwrap();
        table.put(&Row { nsfw: true, version: "2".into(), ..row });
        let again = Table::parse(table.to_text().unwrap().as_bytes()).unwrap().row(0).unwrap();
        assert!(again.nsfw);
        assert_eq!(again.version, "2");
    }
}
