//! Text that is shown as CommonMark, and therefore must not smuggle in HTML.

use std::sync::LazyLock;

use regex::Regex;

use crate::json::Json;
use crate::shape::{Field, Print, Reader, text_value};

text_value! {
    /// Text without HTML tags.
    #[derive(Default)]
    pub struct Prose by prose;
}

/// Several texts without HTML tags. The contract faults the list, not the text with the tag.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProseList(pub Vec<String>);

const HTML: &str = "the text must not contain HTML tags";

fn prose(value: &Json, reader: &mut Reader) -> Option<String> {
    let text = String::read(value, reader)?;
    if has_html(&text) { reader.refuse_value(HTML, value) } else { Some(text) }
}

impl Field for ProseList {
    fn read(value: &Json, reader: &mut Reader) -> Option<Self> {
        let texts: Vec<String> = Field::read(value, reader)?;
        if texts.iter().any(|text| has_html(text)) {
            return reader.refuse_value(HTML, value);
        }
        Some(Self(texts))
    }

    fn write(&self, print: Print) -> Json {
        self.0.write(print)
    }
}

fn has_html(text: &str) -> bool {
    static TAG: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"<\s*/?\s*[A-Za-z][^>]*>").expect("the pattern is well-formed")
    });
    TAG.is_match(text)
}
