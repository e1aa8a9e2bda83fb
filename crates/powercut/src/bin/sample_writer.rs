//! A writer for the tests of this crate: puts a numbered document in place again and again, in a
//! way that survives a power cut or in one of the ways that do not.
//!
//! `sample_writer FOLDER WAY COUNT`; after each write it prints `ack NUMBER`.

use std::fs::{File, OpenOptions};
use std::io::{IoSlice, Read, Result, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;

use rustix::fs::{CWD, RenameFlags, renameat_with};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, way, count] = arguments.as_slice() else { panic!("FOLDER WAY COUNT") };
    let folder = Path::new(folder);
    for number in 1..=count.parse().expect("COUNT is a number") {
        match way.as_str() {
            "renamed" => renamed(folder, number, &Flushes::ALL)?,
            "without-file-flush" => {
                renamed(folder, number, &Flushes { file: false, ..Flushes::ALL })?;
            }
            "without-folder-flush" => {
                renamed(folder, number, &Flushes { folder: false, ..Flushes::ALL })?;
            }
            "flushed-after-rename" => flushed_after_rename(folder, number)?,
            "in-place" => in_place(folder, number)?,
            "exchanged" => exchanged(folder, number, &Flushes::ALL)?,
            "exchanged-without-label-flush" => {
                exchanged(folder, number, &Flushes { label: false, ..Flushes::ALL })?;
            }
            "appended" => appended(folder, number, &Flushes::ALL)?,
            "appended-without-flush" => {
                appended(folder, number, &Flushes { file: false, ..Flushes::ALL })?;
            }
            "in-new-folder" => in_new_folder(folder, number, &Flushes::ALL)?,
            "in-new-folder-without-its-name" => {
                in_new_folder(folder, number, &Flushes { folder: false, ..Flushes::ALL })?;
            }
            "medley" => medley(folder, number)?,
            "copied" => {
                std::fs::copy(folder.join("document"), folder.join("copy"))?;
            }
            other => panic!("no such way: {other}"),
        }
        println!("ack {number}");
    }
    Ok(())
}

struct Flushes {
    file: bool,
    folder: bool,
    label: bool,
}

impl Flushes {
    const ALL: Self = Self { file: true, folder: true, label: true };
}

/// Three pages of one number.
fn document(number: u64) -> String {
    format!("{number:07}\n").repeat(3 * 4096 / 8)
}

fn flush(path: &Path) -> Result<()> {
    File::open(path)?.sync_all()
}

fn renamed(folder: &Path, number: u64, flushes: &Flushes) -> Result<()> {
    let staged = folder.join("document.staged");
    let mut file = File::create_new(&staged)?;
    file.write_all(document(number).as_bytes())?;
    if flushes.file {
        file.sync_all()?;
    }
    std::fs::rename(&staged, folder.join("document"))?;
    if flushes.folder {
        flush(folder)?;
    }
    Ok(())
}

fn flushed_after_rename(folder: &Path, number: u64) -> Result<()> {
    let staged = folder.join("document.staged");
    let mut file = File::create_new(&staged)?;
    file.write_all(document(number).as_bytes())?;
    std::fs::rename(&staged, folder.join("document"))?;
    file.sync_all()?;
    flush(folder)
}

fn in_place(folder: &Path, number: u64) -> Result<()> {
    let mut file = OpenOptions::new().write(true).open(folder.join("document"))?;
    file.write_all(document(number).as_bytes())?;
    file.sync_all()
}

/// Document and label are written and flushed by two threads, then the document is exchanged with
/// the one before, which is moved away.
fn exchanged(folder: &Path, number: u64, flushes: &Flushes) -> Result<()> {
    let swap = folder.join("document.swap");
    let mut file = File::create_new(&swap)?;
    std::thread::scope(|scope| -> Result<()> {
        let document = scope.spawn(|| {
            file.write_all(document(number).as_bytes())?;
            file.sync_all()
        });
        let labels = OpenOptions::new().write(true).open(folder.join("labels"))?;
        labels.write_all_at(format!("{number:07}\n").as_bytes(), number % 2 * 4096)?;
        if flushes.label {
            labels.sync_data()?;
        }
        document.join().expect("writing does not panic")
    })?;
    renameat_with(CWD, &swap, CWD, folder.join("document"), RenameFlags::EXCHANGE)?;
    flush(folder)?;
    std::fs::rename(&swap, folder.join("kept").join((number - 1).to_string()))
}

fn appended(folder: &Path, number: u64, flushes: &Flushes) -> Result<()> {
    let mut file = OpenOptions::new().append(true).open(folder.join("log"))?;
    file.write_all(format!("{number:07}\n").as_bytes())?;
    if flushes.file {
        file.sync_data()?;
    }
    Ok(())
}

/// The document is in a folder of its own; `folder` here is the one that holds the folder's name.
fn in_new_folder(folder: &Path, number: u64, flushes: &Flushes) -> Result<()> {
    let inside = folder.join(number.to_string());
    std::fs::create_dir(&inside)?;
    renamed(&inside, number, &Flushes::ALL)?;
    if flushes.folder {
        flush(folder)?;
    }
    Ok(())
}

/// One call of every kind: places that depend on reads and seeks, descriptors duplicated and
/// inherited, another process, names made, moved and removed.
fn medley(folder: &Path, number: u64) -> Result<()> {
    let inside = folder.join(format!("made-{number}")).join("deeper");
    std::fs::create_dir_all(&inside)?;
    let path = inside.join("a name, \"with\" <marks>)");
    let mut file =
        OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&path)?;
    file.write_all(document(number).as_bytes())?;
    file.seek(SeekFrom::Start(100))?;
    file.read_exact(&mut [0; 23])?;
    let written = file.write_vectored(&[IoSlice::new(b"one"), IoSlice::new(b"two")])?;
    assert_eq!(written, 6);
    let mut same = file.try_clone()?;
    same.write_all(b"through the second descriptor")?;
    file.seek(SeekFrom::Current(7))?;
    same.write_all(b"further on")?;
    file.set_len(9000)?;
    file.write_all_at(b"beyond the end", 9999)?;
    std::fs::hard_link(&path, folder.join(format!("second-name-{number}")))?;
    let status = Command::new("sh")
        .args([
            "-c",
            "cd made-*; mkdir b; echo three >> deeper/a*; echo ack child; (echo four) > sub",
        ])
        .current_dir(folder)
        .status()?;
    assert!(status.success());
    std::fs::rename(folder.join(format!("made-{number}")), folder.join(format!("moved-{number}")))?;
    file.write_all(b"after the move")?;
    std::fs::remove_file(folder.join(format!("moved-{number}/sub")))?;
    std::fs::create_dir(folder.join("passing"))?;
    std::fs::remove_dir(folder.join("passing"))
}
