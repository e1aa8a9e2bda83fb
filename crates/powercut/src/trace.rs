//! System calls as operations below one folder.
//!
//! What would change files in a way that is not understood (shared mappings, copies inside the
//! kernel, files without a name) is an error rather than a gap in the proof.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use crate::descriptors::{Description, Descriptors};
use crate::operation::{Handle, Operation, Place};
use crate::strace::{Call, calls};

/// The operations below `root` in what strace wrote about a command started in `start`.
pub(crate) fn parse(text: &str, root: &Path, start: &Path) -> Result<Vec<Operation>> {
    let mut calls = calls(text)?;
    calls.sort_by_key(position);
    let mut reader = Reader {
        root,
        descriptors: Descriptors::new(start),
        handles: 0,
        operations: Vec::new(),
        positions: Vec::new(),
    };
    for call in &calls {
        reader
            .read(call)
            .with_context(|| format!("{call:?}").chars().take(400).collect::<String>())?;
    }
    Ok(reader.operations)
}

/// Where a call stands among the others: at its end, when its effect is there for certain. An
/// acknowledgement may be heard, a new process may run, and the number of a closed descriptor may be
/// given to another thread, from the beginning of the call on.
fn position(call: &Call) -> usize {
    let at_once = is_fork(&call.name)
        || call.name == "close"
        || (call.name.starts_with("write") && call.arguments[0].starts_with("1<"));
    if at_once { call.begun } else { call.ended }
}

fn is_fork(name: &str) -> bool {
    matches!(name, "clone" | "clone3" | "fork" | "vfork")
}

struct Reader<'a> {
    root: &'a Path,
    descriptors: Descriptors,
    handles: usize,
    operations: Vec<Operation>,
    /// The line each operation stands at.
    positions: Vec<usize>,
}

impl Reader<'_> {
    fn read(&mut self, call: &Call) -> Result<()> {
        match call.name.as_str() {
            "open" => {
                let path = self.path(call, 0)?;
                self.open(call, path, 1)
            }
            "creat" => {
                let path = self.path(call, 0)?;
                self.open(call, path, usize::MAX)
            }
            "openat" | "openat2" => {
                let path = self.path_at(call, 0)?;
                self.open(call, path, 2)
            }
            "write" | "writev" | "pwrite64" | "pwritev" | "pwritev2" => self.write(call),
            "read" | "readv" => self.advance(call),
            "lseek" => self.seek(call),
            "dup" | "dup2" | "dup3" | "fcntl" => self.duplicate(call),
            "close" => {
                let (number, _) = call.descriptor(0)?;
                self.descriptors.close(call.task, number);
                Ok(())
            }
            "ftruncate" => self.resize(call),
            "truncate" => self.resize_by_path(call),
            "fsync" | "fdatasync" => self.flush(call),
            "rename" => {
                let paths = (self.path(call, 0)?, self.path(call, 1)?);
                self.rename(call, paths, None)
            }
            "renameat" | "renameat2" => {
                let paths = (self.path_at(call, 0)?, self.path_at(call, 2)?);
                self.rename(call, paths, Some(4))
            }
            "link" => {
                let (from, to) = (self.path(call, 0)?, self.path(call, 1)?);
                self.link(call, from, to)
            }
            "linkat" => {
                let (from, to) = (self.path_at(call, 0)?, self.path_at(call, 2)?);
                self.link(call, from, to)
            }
            "unlink" | "rmdir" => {
                let path = self.path(call, 0)?;
                self.change(call, path, |path| Operation::Remove { path })
            }
            "unlinkat" => {
                let path = self.path_at(call, 0)?;
                self.change(call, path, |path| Operation::Remove { path })
            }
            "mkdir" => {
                let path = self.path(call, 0)?;
                self.change(call, path, |path| Operation::MakeFolder { path })
            }
            "mkdirat" => {
                let path = self.path_at(call, 0)?;
                self.change(call, path, |path| Operation::MakeFolder { path })
            }
            "chdir" => {
                let path = self.path(call, 0)?;
                self.descriptors.process(call.task).folder = path;
                Ok(())
            }
            "fchdir" => {
                let (_, path) = call.descriptor(0)?;
                let path = path.context("a working folder without a path")?;
                self.descriptors.process(call.task).folder = path;
                Ok(())
            }
            "execve" | "execveat" => {
                self.descriptors.exec(call.task);
                Ok(())
            }
            name if is_fork(name) => {
                let shared = call.arguments.iter().any(|text| text.contains("CLONE_FILES"));
                self.descriptors.fork(call.task, u32::try_from(call.result)?, shared);
                Ok(())
            }
            _ => self.refuse(call),
        }
    }

    /// Calls that are recorded only because they must not touch the folder.
    fn refuse(&self, call: &Call) -> Result<()> {
        let touches = match call.name.as_str() {
            "mmap" => {
                let writes = call.has_flag(2, "PROT_WRITE")
                    && (call.has_flag(3, "MAP_SHARED") || call.has_flag(3, "MAP_SHARED_VALIDATE"));
                writes && self.descriptor_is_below(call, 4)?
            }
            "copy_file_range" | "splice" => self.descriptor_is_below(call, 2)?,
            "sendfile" | "fallocate" => self.descriptor_is_below(call, 0)?,
            "symlink" | "symlinkat" => {
                // The new name is the last argument; its folder is the one before it, if given.
                let folder = call.arguments.len() - 2;
                let below = call.path(folder + 1)?.starts_with(self.root);
                below || (call.name == "symlinkat" && self.descriptor_is_below(call, folder)?)
            }
            "io_uring_setup" => true,
            name => bail!("{name} was not expected"),
        };
        ensure!(!touches, "{} is not understood", call.name);
        Ok(())
    }

    fn push(&mut self, call: &Call, operation: Operation) {
        self.operations.push(operation);
        self.positions.push(position(call));
    }

    fn new_handle(&mut self) -> Handle {
        self.handles += 1;
        Handle(self.handles)
    }

    fn path(&mut self, call: &Call, index: usize) -> Result<PathBuf> {
        let path = call.path(index)?;
        Ok(plain(&self.descriptors.process(call.task).folder.join(path)))
    }

    /// The path in the argument after the folder's descriptor.
    fn path_at(&self, call: &Call, index: usize) -> Result<PathBuf> {
        let path = call.path(index + 1)?;
        if path.is_absolute() {
            return Ok(plain(&path));
        }
        let (_, folder) = call.descriptor(index)?;
        Ok(plain(&folder.context("a folder without a path")?.join(path)))
    }

    fn below(&self, path: &Path) -> Option<PathBuf> {
        path.strip_prefix(self.root).ok().map(Path::to_owned)
    }

    fn descriptor_is_below(&self, call: &Call, index: usize) -> Result<bool> {
        let (_, path) = call.descriptor(index)?;
        Ok(path.is_some_and(|path| path.starts_with(self.root)))
    }

    /// What a descriptor means; `None` if it is nothing below the folder.
    fn described(&mut self, call: &Call) -> Result<Option<&mut Description>> {
        let (number, path) = call.descriptor(0)?;
        let below = path.map(|path| path.starts_with(self.root));
        if below == Some(false) {
            return Ok(None);
        }
        let description = self.descriptors.get(call.task, number);
        ensure!(description.is_some() || below.is_none(), "a descriptor from before the recording");
        Ok(description)
    }

    fn open(&mut self, call: &Call, path: PathBuf, flags: usize) -> Result<()> {
        let number = i32::try_from(call.result)?;
        let Some(path) = self.below(&path) else {
            self.descriptors.close(call.task, number);
            return Ok(());
        };
        for flag in ["O_SYNC", "O_DSYNC", "O_TMPFILE"] {
            ensure!(!call.has_flag(flags, flag), "{flag} is not understood");
        }
        let creat = call.name == "creat";
        let handle = self.new_handle();
        let description =
            Description { handle, append: call.has_flag(flags, "O_APPEND"), offset: 0 };
        let close_on_exec = call.has_flag(flags, "O_CLOEXEC");
        self.descriptors.open(call.task, number, description, close_on_exec);
        let create = creat || call.has_flag(flags, "O_CREAT");
        let truncate = creat || call.has_flag(flags, "O_TRUNC");
        self.push(call, Operation::Open { handle, path, create, truncate });
        Ok(())
    }

    fn write(&mut self, call: &Call) -> Result<()> {
        let length = usize::try_from(call.result)?;
        let Some(description) = self.described(call)? else {
            return self.listen(call, length);
        };
        let handle = description.handle;
        let place = match call.name.as_str() {
            _ if description.append => Place::End,
            "write" | "writev" => {
                let offset = description.offset;
                description.offset += length as u64;
                Place::At(offset)
            }
            _ => Place::At(u64::try_from(call.number(3)?)?),
        };
        let mut data = call.bytes(1)?;
        ensure!(data.len() >= length, "strace shows fewer bytes than were written");
        data.truncate(length);
        self.push(call, Operation::Write { handle, place, data });
        Ok(())
    }

    /// Standard output: lines that acknowledge.
    fn listen(&mut self, call: &Call, length: usize) -> Result<()> {
        if !call.name.starts_with("write") || call.descriptor(0)?.0 != 1 {
            return Ok(());
        }
        let data = call.bytes(1)?;
        let process = self.descriptors.process(call.task);
        process.line.extend(data.get(..length).context("fewer bytes than were written")?);
        let mut written = std::mem::take(&mut process.line);
        let whole = written.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        process.line = written.split_off(whole);
        for line in String::from_utf8_lossy(&written).lines() {
            if let Some(what) = line.strip_prefix("ack ") {
                self.push(call, Operation::Acknowledge(what.to_owned()));
            }
        }
        Ok(())
    }

    /// Reading moves the place of the next write. (Recorded without its bytes, and so without the
    /// descriptor's path.)
    fn advance(&mut self, call: &Call) -> Result<()> {
        let (number, _) = call.descriptor(0)?;
        if let Some(description) = self.descriptors.get(call.task, number) {
            description.offset += u64::try_from(call.result)?;
        }
        Ok(())
    }

    fn seek(&mut self, call: &Call) -> Result<()> {
        let offset = u64::try_from(call.result)?;
        if let Some(description) = self.described(call)? {
            description.offset = offset;
        }
        Ok(())
    }

    fn duplicate(&mut self, call: &Call) -> Result<()> {
        let close_on_exec = match call.name.as_str() {
            "fcntl" => match call.argument(1)? {
                "F_DUPFD" => false,
                "F_DUPFD_CLOEXEC" => true,
                _ => return Ok(()),
            },
            _ => call.has_flag(2, "O_CLOEXEC"),
        };
        // Whether it matters is told by the path: the number may be an old one.
        self.described(call)?;
        let (from, path) = call.descriptor(0)?;
        let to = i32::try_from(call.result)?;
        if path.is_some_and(|path| !path.starts_with(self.root)) {
            self.descriptors.close(call.task, to);
        } else if from != to {
            self.descriptors.duplicate(call.task, from, to, close_on_exec);
        }
        Ok(())
    }

    fn resize(&mut self, call: &Call) -> Result<()> {
        let Some(description) = self.described(call)? else { return Ok(()) };
        let handle = description.handle;
        let length = u64::try_from(call.number(1)?)?;
        self.push(call, Operation::Resize { handle, length });
        Ok(())
    }

    fn resize_by_path(&mut self, call: &Call) -> Result<()> {
        let path = self.path(call, 0)?;
        let Some(path) = self.below(&path) else { return Ok(()) };
        let length = u64::try_from(call.number(1)?)?;
        let handle = self.new_handle();
        self.push(call, Operation::Open { handle, path, create: false, truncate: false });
        self.push(call, Operation::Resize { handle, length });
        Ok(())
    }

    fn flush(&mut self, call: &Call) -> Result<()> {
        let begun = self.positions.partition_point(|position| *position < call.begun);
        if let Some(description) = self.described(call)? {
            let handle = description.handle;
            self.push(call, Operation::Flush { handle, begun });
        }
        Ok(())
    }

    /// `flags` is the argument with the flags, if the call has one.
    fn rename(
        &mut self,
        call: &Call,
        paths: (PathBuf, PathBuf),
        flags: Option<usize>,
    ) -> Result<()> {
        let Some((from, to)) = self.both_below(&paths.0, &paths.1)? else { return Ok(()) };
        let has = |flag| flags.is_some_and(|index| call.has_flag(index, flag));
        ensure!(!has("RENAME_WHITEOUT"), "RENAME_WHITEOUT is not understood");
        let operation = if has("RENAME_EXCHANGE") {
            Operation::Exchange { one: from, other: to }
        } else {
            Operation::Rename { from, to }
        };
        self.push(call, operation);
        Ok(())
    }

    fn link(&mut self, call: &Call, from: PathBuf, to: PathBuf) -> Result<()> {
        if let Some((from, to)) = self.both_below(&from, &to)? {
            self.push(call, Operation::Link { from, to });
        }
        Ok(())
    }

    fn both_below(&self, from: &Path, to: &Path) -> Result<Option<(PathBuf, PathBuf)>> {
        match (self.below(from), self.below(to)) {
            (Some(from), Some(to)) => Ok(Some((from, to))),
            (None, None) => Ok(None),
            _ => bail!("something moved into the folder or out of it"),
        }
    }

    fn change(
        &mut self,
        call: &Call,
        path: PathBuf,
        operation: impl FnOnce(PathBuf) -> Operation,
    ) -> Result<()> {
        if let Some(path) = self.below(&path) {
            self.push(call, operation(path));
        }
        Ok(())
    }
}

/// The path without `.` and `..`, by its words alone: links are not followed.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            other => plain.push(AsRef::<OsStr>::as_ref(&other)),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines in which words in quotes and angle brackets are not yet hexadecimal.
    fn operations(lines: &[&str]) -> Result<Vec<Operation>> {
        let mut text = String::new();
        for line in lines {
            let mut inside = false;
            for character in line.chars() {
                match character {
                    '`' | '\'' => {
                        inside = !inside;
                        if character == '`' {
                            text.push('"');
                        }
                    }
                    _ if inside => text.push_str(&format!("\\x{:02x}", u32::from(character))),
                    _ => text.push(character),
                }
            }
            text.push('\n');
        }
        parse(&text, Path::new("/r"), Path::new("/start"))
    }

    #[test]
    fn a_number_may_be_used_again_before_its_closing_is_seen_to_end() {
        let found = operations(&[
            "7 openat(AT_FDCWD<'/start'>, `/r/a`, O_WRONLY|O_CREAT|O_CLOEXEC, 0666) = 3<'/r/a'>",
            "8 close(3<'/r/a'> <unfinished ...>",
            "7 openat(AT_FDCWD<'/start'>, `/r/b`, O_WRONLY|O_CREAT|O_CLOEXEC, 0666) = 3<'/r/b'>",
            "8 <... close resumed>) = 0",
            "7 fsync(3<'/r/b'>) = 0",
        ]);
        let flush = Operation::Flush { handle: Handle(2), begun: 2 };
        assert_eq!(found.unwrap().last(), Some(&flush));
    }

    #[test]
    fn a_flush_covers_what_had_ended_before_it_began_and_words_are_heard_at_once() {
        let found = operations(&[
            "7 openat(AT_FDCWD<'/start'>, `/r/a`, O_WRONLY|O_CREAT|O_CLOEXEC, 0666) = 3<'/r/a'>",
            "7 write(3<'/r/a'>, `one`, 3) = 3",
            "7 fsync(3<'/r/a'> <unfinished ...>",
            "8 write(1<'/dev/null'>, `ack x\n` <unfinished ...>",
            "7 <... fsync resumed>) = 0",
            "7 rename(`/r/a`, `/r/b`) = 0",
            "8 <... write resumed>, 6) = 6",
        ]);
        let handle = Handle(1);
        let expected = [
            Operation::Open { handle, path: "a".into(), create: true, truncate: false },
            Operation::Write { handle, place: Place::At(0), data: b"one".to_vec() },
            Operation::Acknowledge("x".to_owned()),
            Operation::Flush { handle, begun: 2 },
            Operation::Rename { from: "a".into(), to: "b".into() },
        ];
        assert_eq!(found.unwrap(), expected);
    }

    #[test]
    fn an_old_descriptor_number_is_not_taken_for_the_new_file() {
        let found = operations(&[
            "7 openat(AT_FDCWD<'/start'>, `/r/a`, O_RDWR|O_CLOEXEC) = 3<'/r/a'>",
            "7 clone(child_stack=NULL, flags=CLONE_CHILD_SETTID|SIGCHLD) = 8",
            "8 execve(`/bin/x`, [`x`], 0x7f /* 3 vars */) = 0",
            "8 read(0x3, 0x7f, 0x10) = 0x10",
            "8 write(3<'/elsewhere'>, `no`, 2) = 2",
            "7 read(0x3, 0x7f, 0x10) = 0x5",
            "7 write(3<'/r/a'>, `yes`, 3) = 3",
        ]);
        let write =
            Operation::Write { handle: Handle(1), place: Place::At(5), data: b"yes".to_vec() };
        assert_eq!(found.unwrap()[1..], [write]);
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        let refused = [
            "7 openat(AT_FDCWD<'/start'>, `/r/a`, O_WRONLY|O_DSYNC) = 3<'/r/a'>",
            "7 mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_SHARED, 3<'/r/a'>, 0) = 0x7f00",
            "7 write(3<'/r/a'>, `one`, 3) = 3",
            "7 rename(`/elsewhere`, `/r/b`) = 0",
            "7 symlinkat(`target`, AT_FDCWD<'/r'>, `link`) = 0",
            "7 io_uring_setup(8, {flags=0}) = 4",
        ];
        for line in refused {
            assert!(operations(&[line]).is_err(), "{line}");
        }
        let elsewhere = [
            "7 mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_SHARED, -1, 0) = 0x7f00",
            "7 mmap(NULL, 4096, PROT_READ, MAP_SHARED, 3<'/r/a'>, 0) = 0x7f00",
            "7 symlink(`/r/a`, `/elsewhere`) = 0",
        ];
        assert_eq!(operations(&elsewhere).unwrap(), []);
    }
}
