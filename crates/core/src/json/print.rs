//! Values to text, byte for byte as the reference's files and answers have it.

use super::{Json, Object};

/// How a value is laid out as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Blanks for each level of nesting, one member a line; `None` keeps all on one line.
    pub indent: Option<usize>,
    /// Whether a blank follows a colon.
    pub spaced: bool,
    /// Whether a blank follows a comma, where all is on one line.
    pub comma_spaced: bool,
    /// Whether characters beyond ASCII are written as `\uXXXX`.
    pub ascii: bool,
}

impl Style {
    /// Answers of v2: no blanks, UTF-8.
    pub const COMPACT: Self =
        Self { indent: None, spaced: false, comma_spaced: false, ascii: false };
    /// Audit lines: no blanks, escaped.
    pub const COMPACT_ASCII: Self =
        Self { indent: None, spaced: false, comma_spaced: false, ascii: true };
    /// Python's `json.dumps` without arguments: shared copies, v1 text with groups.
    pub const SPACED_ASCII: Self =
        Self { indent: None, spaced: true, comma_spaced: true, ascii: true };
    /// Settings in a cell of the table of text models: a blank after colons only, escaped.
    pub const CELL: Self = Self { indent: None, spaced: true, comma_spaced: false, ascii: true };
    /// Category files written by the backend: two blanks, UTF-8.
    pub const INDENT_2: Self =
        Self { indent: Some(2), spaced: true, comma_spaced: true, ascii: false };
    /// Metadata and catalogue files: two blanks, escaped.
    pub const INDENT_2_ASCII: Self =
        Self { indent: Some(2), spaced: true, comma_spaced: true, ascii: true };
    /// Category files written by the conversion: four blanks, escaped.
    pub const INDENT_4_ASCII: Self =
        Self { indent: Some(4), spaced: true, comma_spaced: true, ascii: true };
}

pub(super) fn write(out: &mut String, value: &Json, style: Style, depth: usize) {
    match value {
        Json::Null => out.push_str("null"),
        Json::Bool(true) => out.push_str("true"),
        Json::Bool(false) => out.push_str("false"),
        Json::Int(value) => push_display(out, value),
        Json::BigInt(digits) => out.push_str(digits),
        Json::Float(value) => write_float(out, *value),
        Json::String(text) => write_string(out, text, style.ascii),
        Json::Array(items) => {
            write_items(out, '[', ']', items, style, depth, |out, item| {
                write(out, item, style, depth + 1);
            });
        }
        Json::Object(members) => write_object(out, members, style, depth),
    }
}

pub(super) fn write_object(out: &mut String, members: &Object, style: Style, depth: usize) {
    write_items(out, '{', '}', members, style, depth, |out, (name, value)| {
        write_string(out, name, style.ascii);
        out.push_str(if style.spaced { ": " } else { ":" });
        write(out, value, style, depth + 1);
    });
}

fn write_items<T>(
    out: &mut String,
    open: char,
    close: char,
    items: impl IntoIterator<Item = T>,
    style: Style,
    depth: usize,
    mut write_item: impl FnMut(&mut String, T),
) {
    out.push(open);
    let mut empty = true;
    for item in items {
        if !empty {
            out.push(',');
        }
        match style.indent {
            Some(width) => break_line(out, width * (depth + 1)),
            None if style.comma_spaced && !empty => out.push(' '),
            None => {}
        }
        write_item(out, item);
        empty = false;
    }
    if let (false, Some(width)) = (empty, style.indent) {
        break_line(out, width * depth);
    }
    out.push(close);
}

fn break_line(out: &mut String, blanks: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n(' ', blanks));
}

fn push_display(out: &mut String, value: impl std::fmt::Display) {
    use std::fmt::Write;
    // Writing to a String cannot fail.
    let _ = write!(out, "{value}");
}

/// Shortest digits that read back equal, laid out as Python's `repr` does: an exponent for
/// magnitudes from 1e16 and below 1e-4, with a sign and at least two digits.
fn write_float(out: &mut String, value: f64) {
    let magnitude = value.abs();
    if magnitude != 0.0 && !(1e-4..1e16).contains(&magnitude) {
        let text = format!("{value:e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, digits) = match exponent.strip_prefix('-') {
            Some(digits) => ('-', digits),
            None => ('+', exponent),
        };
        push_display(out, format_args!("{mantissa}e{sign}{digits:0>2}"));
    } else if value.fract() == 0.0 {
        push_display(out, format_args!("{value}.0"));
    } else {
        push_display(out, value);
    }
}

fn write_string(out: &mut String, text: &str, ascii: bool) {
    out.push('"');
    let mut plain_from = 0;
    for (at, character) in text.char_indices() {
        let escape = match character {
            '"' => "\\\"",
            '\\' => "\\\\",
            '\n' => "\\n",
            '\r' => "\\r",
            '\t' => "\\t",
            '\u{8}' => "\\b",
            '\u{c}' => "\\f",
            '\0'..'\u{20}' => "",
            '\u{80}'.. if ascii => "",
            _ => continue,
        };
        out.push_str(&text[plain_from..at]);
        plain_from = at + character.len_utf8();
        if escape.is_empty() {
            for unit in character.encode_utf16(&mut [0; 2]) {
                push_display(out, format_args!("\\u{unit:04x}"));
            }
        } else {
            out.push_str(escape);
        }
    }
    out.push_str(&text[plain_from..]);
    out.push('"');
}
