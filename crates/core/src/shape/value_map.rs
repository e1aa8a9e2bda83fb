//! Free maps of settings, such as the `requirements` of image models.

use crate::json::{Json, Object};

use super::field::{Field, Print};
use super::integer::Integer;
use super::reader::{Reader, Unknown};

/// Names with numbers, texts, booleans, or arrays of those.
///
/// Scalars keep their kind. An array keeps its elements if all are integers or all are texts; else
/// all become integers if each can be read as one without loss, else all become floats.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ValueMap(pub Object);

impl Field for ValueMap {
    fn read(value: &Json, reader: &mut Reader) -> Option<Self> {
        let read_one = |name: &str, value: &Json, reader: &mut Reader| {
            read_value(value, reader).map(|value| (name.to_owned(), value))
        };
        reader.entries(value, read_one).map(Self)
    }

    fn write(&self, _: Print) -> Json {
        self.0.clone().into()
    }
}

/// Whether the value may stand in such a map, its arrays taken as they are.
pub fn is_plain_value(value: &Json) -> bool {
    let is_scalar = |value: &Json| !matches!(value, Json::Null | Json::Array(_) | Json::Object(_));
    match value {
        Json::Array(items) => items.iter().all(is_scalar),
        _ => is_scalar(value),
    }
}

fn read_value(value: &Json, reader: &mut Reader) -> Option<Json> {
    match value {
        Json::Null | Json::Object(_) => refuse_kind(value, reader),
        Json::Array(items) => match even_out(items) {
            Some(items) => Some(Json::Array(items)),
            None => {
                const MESSAGE: &str = "Input should be a list of integers, of numbers or of texts";
                reader.within("list", |reader| reader.refuse("list_type", MESSAGE, value))
            }
        },
        _ => Some(value.clone()),
    }
}

/// The contract lists a refused value once for each kind it might have been.
fn refuse_kind(value: &Json, reader: &mut Reader) -> Option<Json> {
    const KINDS: [(&str, &str, &str); 7] = [
        ("int", "int_type", "Input should be a valid integer"),
        ("float", "float_type", "Input should be a valid number"),
        ("str", "string_type", "Input should be a valid string"),
        ("list[int]", "list_type", "Input should be a valid list"),
        ("list[float]", "list_type", "Input should be a valid list"),
        ("list[str]", "list_type", "Input should be a valid list"),
        ("bool", "bool_type", "Input should be a valid boolean"),
    ];
    for (place, kind, message) in KINDS {
        reader.within(place, |reader| reader.refuse::<()>(kind, message, value));
    }
    None
}

fn even_out(items: &[Json]) -> Option<Vec<Json>> {
    let is_integer = |item: &Json| matches!(item, Json::Int(_) | Json::BigInt(_));
    let is_number = |item: &Json| is_integer(item) || matches!(item, Json::Float(_));
    if items.iter().all(is_integer) || items.iter().all(|item| item.as_str().is_some()) {
        return Some(items.to_vec());
    }
    if !items.iter().all(is_number)
        && let Some(integers) = read_all::<Integer>(items)
    {
        return Some(integers);
    }
    read_all::<f64>(items)
}

fn read_all<T: Field>(items: &[Json]) -> Option<Vec<Json>> {
    // What this reader notes is of no interest: another kind may still fit.
    let mut reader = Reader::new(Unknown::Drop);
    items.iter().map(|item| Some(T::read(item, &mut reader)?.write(Print::PLAIN))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        let mut reader = Reader::new(Unknown::Drop);
        let value = Json::parse(text.as_bytes()).unwrap();
        ValueMap::read(&value, &mut reader).map(|map| map.write(Print::PLAIN).to_string())
    }

    #[test]
    fn arrays_are_evened_out() {
        for (given, kept) in [
            ("[]", "[]"),
            ("[1,2]", "[1,2]"),
            (r#"["1","2"]"#, r#"["1","2"]"#),
            ("[1,2.5]", "[1.0,2.5]"),
            ("[true,false]", "[1,0]"),
            (r#"["1",2]"#, "[1,2]"),
            ("[0.1,true]", "[0.1,1.0]"),
        ] {
            let given = format!("{{\"a\":{given}}}");
            assert_eq!(read(&given), Some(format!("{{\"a\":{kept}}}")), "{given}");
        }
    }

    #[test]
    fn scalars_keep_their_kind_and_other_values_are_refused() {
        let scalars = r#"{"a":1.0,"b":true,"c":"5","d":7}"#;
        assert_eq!(read(scalars).as_deref(), Some(scalars));
        for given in ["null", "{}", "[1,\"x\"]", "[null]", "[[1]]"] {
            assert_eq!(read(&format!("{{\"a\":{given}}}")), None, "{given}");
        }
    }
}
