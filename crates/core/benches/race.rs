//! Two processes writing records into one category at the same time: how many of the writes that
//! were reported as done are gone at the end. Prints one line of JSON.
//!
//! The processes are this program again, each with its own handle on the same folder.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use horde_model_reference::backend::files::Files;
use horde_model_reference::backend::files::layout::Layout;
use horde_model_reference::change::WriteOptions;
use horde_model_reference::json::Object;
use horde_model_reference::{Category, Document, Json, Options, blocking::Primary};

const CATEGORY: Category = Category::Miscellaneous;
const WRITERS: [&str; 2] = ["first", "second"];
const WRITES: usize = 150;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(place) = arguments.iter().position(|argument| argument == "--write") {
        write(Path::new(&arguments[place + 1]), &arguments[place + 2]);
        return;
    }
    race();
}

fn race() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = Layout::below(folder.path()).path(Document::V2(CATEGORY));
    std::fs::write(&path, "{}").expect("is written");
    let mut writers: Vec<Child> = WRITERS.iter().map(|who| start(folder.path(), who)).collect();
    for writer in &mut writers {
        let mut line = String::new();
        let out = writer.stdout.as_mut().expect("piped");
        BufReader::new(out).read_line(&mut line).expect("it gets ready");
    }
    let begun = Instant::now();
    for writer in &mut writers {
        // Closing its input is the sign to begin.
        drop(writer.stdin.take());
    }
    for writer in &mut writers {
        assert!(writer.wait().expect("it ends").success(), "every write succeeds");
    }
    let seconds = begun.elapsed().as_secs_f64();
    let bytes = std::fs::read(&path).expect("is read");
    let found = Json::parse(&bytes).expect("is JSON");
    let found = found.as_object().expect("an object");
    let names = WRITERS.iter().flat_map(|who| (0..WRITES).map(move |number| name(who, number)));
    let lost = names.filter(|name| !found.contains_key(name.as_str())).count();
    let all = WRITERS.len() * WRITES;
    println!(
        "{{\"case\":\"two processes writing: ours\",\"done\":{all},\"failed\":0,\"lost\":{lost},\
         \"seconds\":{seconds:.2}}}"
    );
}

fn start(folder: &Path, who: &str) -> Child {
    Command::new(std::env::current_exe().expect("this program"))
        .arg("--write")
        .arg(folder)
        .arg(who)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts")
}

/// Writes its records as soon as its input is closed.
fn write(folder: &Path, who: &str) {
    let files = Arc::new(Files::new(Layout::below(folder)));
    let primary = Primary::open(files, Options::default(), None).expect("threads start");
    println!("ready");
    std::io::stdout().flush().expect("is told");
    std::io::stdin().read_line(&mut String::new()).expect("is waited for");
    for number in 0..WRITES {
        let name = name(who, number);
        let mut record = Object::new();
        record.insert("name".to_owned(), name.as_str().into());
        let options = WriteOptions::default().local();
        primary.update(CATEGORY, &name, record, options).expect("the write succeeds");
    }
}

fn name(who: &str, number: usize) -> String {
    format!("{who} {number}")
}
