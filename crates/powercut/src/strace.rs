//! The lines of strace as calls: interrupted ones put together, failed ones left out.
//!
//! Expects `-f -y -xx -qq`: each line starts with a task number, every string and path is
//! hexadecimal, so that no quote, bracket or comma of a line belongs to a string.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};

/// A system call that succeeded.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Call {
    /// The thread that made it.
    pub task: u32,
    pub name: String,
    /// As strace wrote them.
    pub arguments: Vec<String>,
    pub result: i64,
    /// The line at which it was seen to begin.
    pub begun: usize,
    /// The line at which it was seen to end. What a thread begins after another thread's call ended
    /// stands below that end.
    pub ended: usize,
}

/// All calls that succeeded, in the order in which they ended.
///
/// A call whose end was never seen (the process was gone before) is left out.
pub(crate) fn calls(text: &str) -> Result<Vec<Call>> {
    let mut calls = Vec::new();
    let mut unfinished = HashMap::new();
    for (number, line) in text.lines().enumerate() {
        let what = || format!("line {}: {}", number + 1, &line[..line.len().min(200)]);
        let (task, rest) = line.split_once(' ').with_context(what)?;
        let task: u32 = task.parse().with_context(what)?;
        let rest = rest.trim_start();
        if rest.starts_with("+++") || rest.starts_with("---") {
            continue;
        }
        if let Some(head) = rest.strip_suffix("<unfinished ...>") {
            unfinished.insert(task, (number, head.trim_end()));
            continue;
        }
        let (begun, whole) = match rest.strip_prefix("<... ") {
            None => (number, Cow::Borrowed(rest)),
            Some(resumed) => {
                let (_, tail) = resumed.split_once(" resumed>").with_context(what)?;
                let (begun, head) = unfinished.remove(&task).with_context(what)?;
                (begun, Cow::Owned(format!("{head}{tail}")))
            }
        };
        let (name, rest) = whole.split_once('(').with_context(what)?;
        let (arguments, rest) = split_arguments(rest).with_context(what)?;
        let Some(result) = result(rest).with_context(what)? else { continue };
        calls.push(Call { task, name: name.to_owned(), arguments, result, begun, ended: number });
    }
    Ok(calls)
}

/// The arguments up to the closing bracket, and what follows it.
fn split_arguments(text: &str) -> Result<(Vec<String>, &str)> {
    let (mut depth, mut quoted, mut start) = (0, false, 0);
    let mut arguments = Vec::new();
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b')' if depth == 0 => {
                arguments.push(text[start..at].trim().to_owned());
                return Ok((arguments, &text[at + 1..]));
            }
            b',' if depth == 0 => {
                arguments.push(text[start..at].trim().to_owned());
                start = at + 1;
            }
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth -= 1,
            _ => {}
        }
    }
    bail!("the arguments do not end")
}

/// The number after the equals sign; `None` for a failure, or if the call never came back.
fn result(text: &str) -> Result<Option<i64>> {
    let text = text.trim_start().strip_prefix("= ").context("no result")?;
    let number = text.split([' ', '<']).next().unwrap_or_default();
    if number == "?" || number.starts_with('-') {
        return Ok(None);
    }
    parse_number(number).map(Some)
}

fn parse_number(text: &str) -> Result<i64> {
    let parsed = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).map(u64::cast_signed),
        None => text.parse(),
    };
    parsed.with_context(|| format!("not a number: {text}"))
}

impl Call {
    /// The argument as strace wrote it.
    pub(crate) fn argument(&self, index: usize) -> Result<&str> {
        let argument = self.arguments.get(index).map(String::as_str);
        argument.with_context(|| format!("{} without argument {index}", self.name))
    }

    /// Whether a word stands among the flags of the argument.
    pub(crate) fn has_flag(&self, index: usize, flag: &str) -> bool {
        let flags = self.arguments.get(index).map(String::as_str).unwrap_or_default();
        flags.split(['|', '=', '{', ' ', '}', ',']).any(|word| word == flag)
    }

    pub(crate) fn number(&self, index: usize) -> Result<i64> {
        parse_number(self.argument(index)?)
    }

    /// The bytes of all strings of the argument one after the other: a buffer, or several.
    pub(crate) fn bytes(&self, index: usize) -> Result<Vec<u8>> {
        let argument = self.argument(index)?;
        ensure!(!argument.contains("..."), "strace cut a string short");
        let mut bytes = Vec::new();
        for string in argument.split('"').skip(1).step_by(2) {
            bytes.extend(unescape(string)?);
        }
        Ok(bytes)
    }

    pub(crate) fn path(&self, index: usize) -> Result<PathBuf> {
        Ok(OsString::from_vec(self.bytes(index)?).into())
    }

    /// A descriptor's number and, where strace could tell, the path it was opened by.
    pub(crate) fn descriptor(&self, index: usize) -> Result<(i32, Option<PathBuf>)> {
        let argument = self.argument(index)?;
        let (number, rest) = match argument.split_once('<') {
            Some((number, rest)) => (number, Some(rest)),
            None => (argument, None),
        };
        // The working folder has a name in place of a number.
        let number = if number == "AT_FDCWD" { -100 } else { parse_number(number)?.try_into()? };
        let path = match rest.and_then(|rest| rest.split_once('>')) {
            Some((path, _)) if path.starts_with('\\') => Some(unescape(path)?),
            _ => None,
        };
        Ok((number, path.map(|path| OsString::from_vec(path).into())))
    }
}

/// `\x68\x69` as bytes.
fn unescape(text: &str) -> Result<Vec<u8>> {
    let digits = text.split("\\x").skip(1);
    let byte = |digits| u8::from_str_radix(digits, 16).context("not a hexadecimal string");
    digits.map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interrupted_calls_of_two_threads_are_put_together() {
        let text = concat!(
            r#"71    openat(AT_FDCWD<\x2f\x72>, "\x61\x2c\x29", O_RDWR|O_CREAT, 0644) = 3<\x2f\x72\x2f\x61>"#,
            "\n",
            r"71    fsync(3<\x2f\x72\x2f\x61> <unfinished ...>",
            "\n",
            r#"72    writev(3<\x2f\x72\x2f\x61>(deleted), [{iov_base="\x61", iov_len=1}, {iov_base="\x62", iov_len=1}], 2 <unfinished ...>"#,
            "\n71    <... fsync resumed>)         = 0\n",
            "72    <... writev resumed>)        = 2\n",
            r#"72    unlink("\x78") = -1 ENOENT (No such file or directory)"#,
            "\n72    read(0x3, 0x7f01, 0x1000) = 0x16\n",
            "72    exit_group(0)     = ?\n",
            "72    +++ exited with 0 +++\n",
        );
        let calls = calls(text).unwrap();
        let names: Vec<_> = calls.iter().map(|call| call.name.as_str()).collect();
        assert_eq!(names, ["openat", "fsync", "writev", "read"]);

        assert_eq!(calls[0].descriptor(0).unwrap(), (-100, Some("/r".into())));
        assert_eq!(calls[0].path(1).unwrap(), PathBuf::from("a,)"));
        assert!(calls[0].has_flag(2, "O_CREAT") && !calls[0].has_flag(2, "O_TRUNC"));
        assert_eq!((calls[1].task, calls[1].begun, calls[1].ended), (71, 1, 3));
        assert_eq!(calls[2].descriptor(0).unwrap(), (3, Some("/r/a".into())));
        assert_eq!(calls[2].bytes(1).unwrap(), b"ab");
        assert_eq!((calls[3].number(2).unwrap(), calls[3].result), (0x1000, 0x16));
    }

    #[test]
    fn a_string_cut_short_is_refused() {
        let calls = calls("7 write(1<\\x61>, \"\\x61\"..., 9) = 9\n").unwrap();
        assert!(calls[0].bytes(1).is_err());
    }
}
