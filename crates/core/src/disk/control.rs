//! The control file of a document: two slots, each naming one content and how it came to be.
//!
//! A slot is written and flushed before its content becomes the document's, into the place of the
//! slot that does not name the present content. So whatever is found after a crash has a name, and a
//! reader needs no lock to learn it. A slot is one line and a JSON object, for whoever looks with
//! `head`; a checksum covers the object, so a half-written slot is none.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::faults::{self, Rule};
use crate::Json;
use crate::generation::{Digest, Generation};
use crate::json::Style;

/// Where the second slot begins. Slots are on pages of their own, and have room for a note.
const SPAN: usize = 64 * 1024;
/// What is read first; most slots are shorter.
const FIRST_READ: usize = 4096;
/// `hmr1 P 00000000 <64 digits>` and the end of the line.
const HEADER: usize = 4 + 1 + 1 + 1 + 8 + 1 + 64 + 1;
const MAGIC: &str = "hmr1";
/// Where the letter of the state stands in the line. One byte is never half written.
const STATE_AT: u64 = 5;

/// Largest note in bytes, as compact JSON.
pub(crate) const LARGEST_NOTE: usize = SPAN - HEADER - 1024;

/// What a document holds, told apart by content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum ContentId {
    /// There is no such file.
    Absent,
    /// A file with these bytes.
    Bytes(Digest),
}

/// How far a content came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// It may or may not have become the document's; if so, what follows from it may be undone.
    Prepared,
    /// It became the document's, and all that follows from it is done.
    Done,
    /// Somebody else wrote it; it was given a generation afterwards.
    Adopted,
    /// It never became the document's, or only until what it had displaced was put back.
    Revoked,
}

/// One content in the history of a document.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Slot {
    /// Its name.
    pub(crate) generation: Generation,
    /// What it is.
    pub(crate) content: ContentId,
    /// What it replaced.
    pub(crate) base: (Generation, ContentId),
    /// How far it came.
    pub(crate) state: State,
    /// Wall time in milliseconds since 1970, for people.
    pub(crate) time_ms: u64,
    /// What is needed to do what follows from the commit, if its writer could not.
    pub(crate) note: Json,
}

impl ContentId {
    /// Identity of a file's content, if there is a file.
    pub(crate) fn of(bytes: Option<&[u8]>) -> Self {
        bytes.map_or(Self::Absent, |bytes| Self::Bytes(Digest::of(bytes)))
    }

    fn to_json(self) -> Json {
        match self {
            Self::Absent => Json::Null,
            Self::Bytes(digest) => digest.to_string().into(),
        }
    }

    fn from_json(value: &Json) -> Option<Self> {
        match value {
            Json::Null => Some(Self::Absent),
            value => Digest::from_hex(value.as_str()?).map(Self::Bytes),
        }
    }
}

impl State {
    const fn letter(self) -> u8 {
        match self {
            Self::Prepared => b'P',
            Self::Done => b'D',
            Self::Adopted => b'A',
            Self::Revoked => b'R',
        }
    }

    fn of_letter(letter: u8) -> Option<Self> {
        [Self::Prepared, Self::Done, Self::Adopted, Self::Revoked]
            .into_iter()
            .find(|state| state.letter() == letter)
    }
}

impl Slot {
    fn to_bytes(&self) -> io::Result<Vec<u8>> {
        let body = Json::from([
            ("generation", self.generation.to_json()),
            ("content", self.content.to_json()),
            ("base_generation", self.base.0.to_json()),
            ("base_content", self.base.1.to_json()),
            ("process", Json::Int(std::process::id().into())),
            ("time_ms", Json::Int(i64::try_from(self.time_ms).unwrap_or(i64::MAX))),
            ("note", self.note.clone()),
        ]);
        let body = body.to_text(Style::COMPACT);
        if HEADER + body.len() > SPAN {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "note too long for its slot"));
        }
        let state = self.state.letter() as char;
        let checksum = Digest::of(body.as_bytes());
        Ok(format!("{MAGIC} {state} {:08} {checksum}\n{body}", body.len()).into_bytes())
    }

    fn parse(header: &Header, body: &[u8]) -> Option<Self> {
        if Digest::of(body) != header.checksum {
            return None;
        }
        let body = Json::parse(body).ok()?;
        let generation = |name| Generation::from_json(body.get(name)?);
        let content = |name| ContentId::from_json(body.get(name)?);
        Some(Self {
            generation: generation("generation")?,
            content: content("content")?,
            base: (generation("base_generation")?, content("base_content")?),
            state: header.state,
            time_ms: body.get("time_ms")?.as_i64()?.try_into().ok()?,
            note: body.get("note")?.clone(),
        })
    }
}

struct Header {
    state: State,
    length: usize,
    checksum: Digest,
}

impl Header {
    fn parse(line: &[u8]) -> Option<Self> {
        let line = std::str::from_utf8(line.get(..HEADER)?).ok()?.strip_suffix('\n')?;
        let mut words = line.split(' ');
        if words.next()? != MAGIC {
            return None;
        }
        let state = State::of_letter(*words.next()?.as_bytes().first()?)?;
        let length: usize = words.next()?.parse().ok()?;
        let checksum = Digest::from_hex(words.next()?)?;
        (HEADER + length <= SPAN).then_some(Self { state, length, checksum })
    }
}

/// The slot that names `content`: none if what it names is older than another content that stood, or
/// than `floor`. An older content that came back is not what it was.
pub(crate) fn label(
    slots: &[Option<Slot>; 2],
    content: ContentId,
    floor: Generation,
) -> Option<&Slot> {
    let stood = |slot: &&Slot| matches!(slot.state, State::Done | State::Adopted);
    let newest = slots.iter().flatten().filter(stood).map(|slot| slot.generation).max();
    let floor = floor.max(newest.unwrap_or_default());
    let names = |slot: &&Slot| {
        let is_newest = slot.generation >= floor || faults::is_left_out(Rule::Floor);
        slot.content == content && slot.state != State::Revoked && is_newest
    };
    slots.iter().flatten().filter(names).max_by_key(|slot| slot.generation)
}

/// The valid slots of the control file at `path`, by place; none where there is no such file.
pub(crate) fn read_slots(path: &Path) -> io::Result<[Option<Slot>; 2]> {
    match File::open(path) {
        Ok(file) => read_slots_of(&file),
        Err(error) if super::is_absence(&error) => Ok([None, None]),
        Err(error) => Err(error),
    }
}

/// The valid slots of an open control file, by place.
pub(super) fn read_slots_of(file: &File) -> io::Result<[Option<Slot>; 2]> {
    Ok([read_slot(file, 0)?, read_slot(file, 1)?])
}

fn read_slot(file: &File, place: usize) -> io::Result<Option<Slot>> {
    let offset = (place * SPAN) as u64;
    let mut bytes = vec![0; FIRST_READ];
    let read = read_up_to(file, &mut bytes, offset)?;
    bytes.truncate(read);
    let Some(header) = Header::parse(&bytes) else { return Ok(None) };
    let end = HEADER + header.length;
    if end > bytes.len() {
        bytes.resize(end, 0);
        let read = read_up_to(file, &mut bytes, offset)?;
        bytes.truncate(read);
    }
    Ok(bytes.get(HEADER..end).and_then(|body| Slot::parse(&header, body)))
}

fn read_up_to(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut read = 0;
    while read < buffer.len() {
        match file.read_at(&mut buffer[read..], offset + read as u64) {
            Ok(0) => break,
            Ok(count) => read += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(read)
}

/// Writes a slot; it is not flushed.
pub(super) fn write_slot(file: &File, place: usize, slot: &Slot) -> io::Result<()> {
    file.write_all_at(&slot.to_bytes()?, (place * SPAN) as u64)
}

/// Changes the state of a written slot; it is not flushed.
pub(super) fn write_state(file: &File, place: usize, state: State) -> io::Result<()> {
    file.write_all_at(&[state.letter()], (place * SPAN) as u64 + STATE_AT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(generation: u64, note: Json) -> Slot {
        Slot {
            generation: Generation::from_json(&Json::Int(generation.cast_signed())).unwrap(),
            content: ContentId::of(Some(b"content")),
            base: (Generation::default(), ContentId::Absent),
            state: State::Prepared,
            time_ms: 5,
            note,
        }
    }

    #[test]
    fn slots_are_read_as_they_were_written_whatever_their_length() {
        let file = tempfile::tempfile().unwrap();
        let short = slot(1, Json::Null);
        let long = slot(2, "x".repeat(LARGEST_NOTE - 2).as_str().into());
        write_slot(&file, 0, &short).unwrap();
        write_slot(&file, 1, &long).unwrap();
        assert_eq!(read_slots_of(&file).unwrap(), [Some(short), Some(long.clone())]);
        write_state(&file, 1, State::Done).unwrap();
        let done = Slot { state: State::Done, ..long };
        assert_eq!(read_slots_of(&file).unwrap()[1], Some(done));
        assert!(write_slot(&file, 0, &slot(3, "x".repeat(SPAN).as_str().into())).is_err());
    }

    #[test]
    fn a_torn_slot_is_none() {
        let file = tempfile::tempfile().unwrap();
        let long = slot(2, "x".repeat(9000).as_str().into());
        let bytes = long.to_bytes().unwrap();
        for end in [0, 3, HEADER - 1, HEADER, 4096, bytes.len() - 1] {
            file.set_len(0).unwrap();
            file.write_all_at(&bytes[..end], 0).unwrap();
            assert_eq!(read_slots_of(&file).unwrap(), [None, None], "{end}");
        }
        let mut flipped = bytes;
        *flipped.last_mut().unwrap() ^= 1;
        file.write_all_at(&flipped, 0).unwrap();
        assert_eq!(read_slots_of(&file).unwrap(), [None, None]);
    }
}
