//! Files of lines that are only ever appended to, by one writer at a time, and read on by others.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::atomic::sync_folder;

/// Appends whole lines, which end as lines do, and flushes them. A crash may have left half a line at
/// the end: it is ended first, so that it spoils nothing but itself.
pub(crate) fn append(path: &Path, lines: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
    if file.metadata()?.len() == 0 {
        // The name first: whoever finds lines need not wonder whether a power cut takes them away.
        sync_folder(path)?;
        file.write_all(lines.as_bytes())?;
    } else if ends_within_a_line(&mut file)? {
        file.write_all(format!("\n{lines}").as_bytes())?;
    } else {
        file.write_all(lines.as_bytes())?;
    }
    file.sync_data()
}

fn ends_within_a_line(file: &mut File) -> io::Result<bool> {
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

/// What stands from byte `begin` on; nothing, where the file is not so long.
pub(crate) fn read_from(path: &Path, begin: u64) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    if file.metadata()?.len() <= begin {
        return Ok(Vec::new());
    }
    file.seek(SeekFrom::Start(begin))?;
    let mut text = Vec::new();
    file.read_to_end(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_line_spoils_only_itself() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines");
        append(&path, "one\n").unwrap();
        std::fs::write(&path, "one\nha").unwrap();
        append(&path, "two\nthree\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one\nha\ntwo\nthree\n");
        assert_eq!(read_from(&path, 11).unwrap(), b"three\n");
        assert_eq!(read_from(&path, 99).unwrap(), b"");
    }
}
