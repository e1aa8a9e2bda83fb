//! The AI-Horde key of whoever gives a command. It does not show itself.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, bail};
use horde_model_reference::settings::Secret;
use http::HeaderValue;

/// Far longer than any key.
const LONGEST: usize = 1024;

pub(super) fn of_environment(secret: &Secret) -> anyhow::Result<HeaderValue> {
    header(secret.expose(), "HORDE_MODEL_REFERENCE_API_KEY")
}

pub(super) fn of_file(file: &Path) -> anyhow::Result<HeaderValue> {
    let place = file.display().to_string();
    let mut text = String::new();
    let opened = File::open(file).with_context(|| format!("cannot read the key in {place}"))?;
    let read = opened.take(LONGEST as u64 + 1).read_to_string(&mut text);
    read.with_context(|| format!("cannot read the key in {place}"))?;
    header(&text, &place)
}

/// Says where the key is wrong, and not what it is.
fn header(text: &str, place: &str) -> anyhow::Result<HeaderValue> {
    let text = text.trim();
    if text.is_empty() {
        bail!("there is no key in {place}");
    }
    if text.len() > LONGEST || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        bail!("what is in {place} is no key: keys are one word of ASCII");
    }
    let mut key = HeaderValue::from_str(text).context("no key")?;
    key.set_sensitive(true);
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_one_word_and_is_not_shown() {
        assert_eq!(header(" hunter2\n", "x").unwrap(), "hunter2");
        assert_eq!(format!("{:?}", header("hunter2", "x").unwrap()), "Sensitive");
        for text in ["", " \n", "hunter2 hunter3", "hunter2\nx", "hunter\u{e9}", &"x".repeat(1025)]
        {
            let error = format!("{:#}", header(text, "a file").unwrap_err());
            assert!(error.contains("a file") && !error.contains("hunter"), "{error}");
        }
    }
}
