//! JSON: what is accepted is what `serde_json` accepts, it means the same, and printing keeps it.
//!
//! Known differences: nesting ends at 200 levels here and at 128 there (where the limit is lifted
//! for the comparison), integers of any size up to some thousand digits stay integers here and become
//! floats there (or are refused, where a float cannot hold them), and `-0` is a float there.
#![no_main]

use horde_model_reference::Json;
use horde_model_reference::json::Style;
use libfuzzer_sys::fuzz_target;
use serde::Deserialize as _;
use serde_json::Value;

const STYLES: [Style; 7] = [
    Style::COMPACT,
    Style::COMPACT_ASCII,
    Style::SPACED_ASCII,
    Style::CELL,
    Style::INDENT_2,
    Style::INDENT_2_ASCII,
    Style::INDENT_4_ASCII,
];
const DEEPEST: usize = 200;
/// An empty array or object is a value like any other, so one more of those is fine.
const DEEPEST_EMPTY: usize = DEEPEST + 1;
/// Longer integers may be refused.
const LONG_INTEGER: usize = 4000;

fuzz_target!(|input: &[u8]| {
    let depth = depth(input);
    match Json::parse(input) {
        Ok(value) => {
            assert!(depth <= DEEPEST_EMPTY, "nesting of {depth} was accepted");
            keeps(&value);
            match other(input) {
                Ok(other) => assert!(same(&value, &other), "{value:?} is read as {other:?}"),
                Err(error) => assert!(error.contains("number out of range"), "only here: {error}"),
            }
        }
        Err(error) if depth <= DEEPEST && !has_long_integer(input) => {
            assert!(other(input).is_err(), "only there: {error}");
        }
        Err(_) => {}
    }
});

/// Printing in any style keeps the value and its order, and is JSON for others too.
fn keeps(value: &Json) {
    let plain = value.to_text(Style::COMPACT);
    for style in STYLES {
        let text = value.to_text(style);
        let again = Json::parse(text.as_bytes()).unwrap();
        assert_eq!(&again, value, "{style:?}");
        assert_eq!(again.to_text(Style::COMPACT), plain, "order in {style:?}");
        assert!(!style.ascii || text.is_ascii(), "{style:?}");
        assert!(style.indent.is_some() || !text.contains('\n'), "{style:?}");
        if let Err(error) = other(text.as_bytes()) {
            assert!(error.contains("number out of range"), "{style:?}: {error}");
        }
    }
}

fn other(text: &[u8]) -> Result<Value, String> {
    let mut reader = serde_json::Deserializer::from_slice(text);
    reader.disable_recursion_limit();
    let value = Value::deserialize(&mut reader).map_err(|error| error.to_string())?;
    reader.end().map_err(|error| error.to_string())?;
    Ok(value)
}

fn same(here: &Json, there: &Value) -> bool {
    match (here, there) {
        (Json::Null, Value::Null) => true,
        (Json::Bool(here), Value::Bool(there)) => here == there,
        (Json::String(here), Value::String(there)) => here == there,
        (Json::Int(0), Value::Number(there)) => there.as_f64() == Some(0.0),
        (Json::Int(here), Value::Number(there)) => there.as_i64() == Some(*here),
        (Json::BigInt(here), Value::Number(there)) => match there.as_u64() {
            Some(there) => **here == there.to_string(),
            None => here.parse().ok() == there.as_f64(),
        },
        (Json::Float(here), Value::Number(there)) => {
            there.is_f64() && there.as_f64().map(f64::to_bits) == Some(here.to_bits())
        }
        (Json::Array(here), Value::Array(there)) => {
            here.len() == there.len() && here.iter().zip(there).all(|(a, b)| same(a, b))
        }
        (Json::Object(here), Value::Object(there)) => {
            let mut pairs = here.iter().zip(there);
            here.len() == there.len() && pairs.all(|((n, a), (m, b))| n == m && same(a, b))
        }
        _ => false,
    }
}

/// The deepest nesting, if the input is JSON.
fn depth(input: &[u8]) -> usize {
    let (mut depth, mut deepest, mut in_text, mut escaped) = (0usize, 0, false, false);
    for &byte in input {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => depth += 1,
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

fn has_long_integer(input: &[u8]) -> bool {
    input.split(|byte| !byte.is_ascii_digit()).any(|digits| digits.len() > LONG_INTEGER)
}
