//! Files changed by hand or by another process while they are served: everything is noticed, nothing
//! broken replaces what is good, and nothing is believed gone too soon.

use std::fs::{File, FileTimes};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use horde_model_reference::backend::files::Files;
use horde_model_reference::backend::files::layout::Layout;
use horde_model_reference::view::Note;
use horde_model_reference::{Category, Format, ModelReference, Options};
use testkit::eventually;

const SOON: Duration = Duration::from_secs(5);

struct Served {
    reference: ModelReference,
    folder: tempfile::TempDir,
}

impl Served {
    fn with(files: &[(&str, &str)], canonical: Format) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let served_from = folder.path().to_owned();
        for (name, text) in files {
            let path = served_from.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let options = Options { canonical, compress: false, ..Options::default() };
        let files = Files::new(Layout::below(served_from));
        let reference = ModelReference::open(Arc::new(files), options).unwrap();
        Self { reference, folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Names of the models in v2, or `None` where the category is absent.
    fn names(&self, category: Category) -> Option<Vec<String>> {
        // A machine that is busy elsewhere may starve the looks; then the answer says so.
        let fresh = eventually(SOON, || {
            let read = self.reference.category_blocking(category);
            if read.fresh { Ok(read.view) } else { Err("the files are not looked at") }
        });
        fresh.unwrap().records().map(|records| records.keys().cloned().collect())
    }

    fn becomes(&self, category: Category, wanted: &[&str]) {
        let seen = eventually(SOON, || match self.names(category) {
            Some(names) if names == wanted => Ok(()),
            other => Err(format!("{other:?}")),
        });
        seen.unwrap_or_else(|last| panic!("wanted {wanted:?}, last saw {last}"));
    }
}

#[test]
fn an_edit_in_place_that_keeps_size_and_modification_time_is_seen() {
    let served = Served::with(&[("clip.json", r#"{"one":{}}"#)], Format::V2);
    served.becomes(Category::Clip, &["one"]);
    let path = served.path("clip.json");
    for name in ["two", "six", "ten"] {
        let modified = std::fs::metadata(&path).unwrap().modified().unwrap();
        std::fs::write(&path, format!(r#"{{"{name}":{{}}}}"#)).unwrap();
        let times = FileTimes::new().set_modified(modified);
        File::options().write(true).open(&path).unwrap().set_times(times).unwrap();
        served.becomes(Category::Clip, &[name]);
    }
}

#[test]
fn the_last_of_many_replacements_within_one_tick_is_seen() {
    let served = Served::with(&[("clip.json", r#"{"a":{}}"#)], Format::V2);
    for round in 0..20 {
        for edit in 0..5 {
            let next = served.path("next");
            std::fs::write(&next, format!(r#"{{"m{round}.{edit}":{{}}}}"#)).unwrap();
            std::fs::rename(&next, served.path("clip.json")).unwrap();
        }
        served.becomes(Category::Clip, &[&format!("m{round}.4")]);
    }
}

#[test]
fn what_is_broken_never_replaces_what_is_good_and_is_reported() {
    let served = Served::with(&[("clip.json", r#"{"good":{}}"#)], Format::V2);
    served.becomes(Category::Clip, &["good"]);
    for broken in ["{", "[]", "", "{\"a\":NaN}", "\u{feff}{}"] {
        std::fs::write(served.path("clip.json"), broken).unwrap();
        let reported = eventually(SOON, || {
            let problems = served.reference.problems();
            let problem = problems.iter().find(|p| p.error.path().ends_with("clip.json"));
            problem.map(ToString::to_string).ok_or("no problem is reported")
        });
        let reported = reported.unwrap();
        assert!(reported.contains("clip.json"), "{reported}");
        assert_eq!(served.names(Category::Clip).unwrap(), ["good"], "{broken:?}");
    }
    std::fs::write(served.path("clip.json"), r#"{"better":{}}"#).unwrap();
    served.becomes(Category::Clip, &["better"]);
    let settled = eventually(SOON, || match served.reference.problems() {
        problems if problems.is_empty() => Ok(()),
        problems => Err(problems),
    });
    settled.unwrap();
}

#[test]
fn one_broken_file_at_the_start_leaves_the_others_served() {
    let files = [("clip.json", "{"), ("blip.json", r#"{"b":{"metadata":null},"odd":7}"#)];
    let served = Served::with(&files, Format::V2);
    assert_eq!(served.names(Category::Clip), None);
    assert_eq!(served.names(Category::Blip).unwrap(), ["b", "odd"]);
    let view = served.reference.category_blocking(Category::Blip).view;
    let v2 = view.v2.as_ref().unwrap();
    assert!(v2.record("b").is_some() && v2.record("odd").is_none());
    assert_eq!(served.reference.problems().len(), 1);
    let notes = served.reference.notes();
    let told = |note: &Note| note.record == "odd" && note.reason.contains("found integer");
    assert!(notes.iter().any(|(_, note)| told(note)), "{notes:?}");
}

#[test]
fn a_file_is_not_gone_while_it_is_being_replaced() {
    let served = Served::with(&[("clip.json", r#"{"a":{}}"#)], Format::V2);
    for round in 0..5 {
        // As writers of the reference do it, and slowly: several looks fall into the gap.
        let name = format!("r{round}");
        std::fs::write(served.path("clip.tmp.1"), format!(r#"{{"{name}":{{}}}}"#)).unwrap();
        let moved_away = Instant::now();
        std::fs::rename(served.path("clip.json"), served.path("clip.bak")).unwrap();
        while moved_away.elapsed() < Duration::from_millis(150) {
            assert!(served.names(Category::Clip).is_some(), "absent in the gap of round {round}");
        }
        std::fs::rename(served.path("clip.tmp.1"), served.path("clip.json")).unwrap();
        std::fs::remove_file(served.path("clip.bak")).unwrap();
        served.becomes(Category::Clip, &[&name]);
    }
}

#[test]
fn what_cannot_be_read_is_served_as_it_was_marked_and_at_once() {
    let served = Served::with(&[("clip.json", r#"{"a":{}}"#)], Format::V2);
    served.becomes(Category::Clip, &["a"]);
    // A folder in the file's place: nobody can tell what the document holds.
    std::fs::remove_file(served.path("clip.json")).unwrap();
    std::fs::create_dir(served.path("clip.json")).unwrap();
    let marked = eventually(SOON, || {
        let read = served.reference.category_blocking(Category::Clip);
        let names = read.view.records().map(|records| records.len());
        if read.fresh { Err("still taken for current") } else { Ok(names) }
    });
    assert_eq!(marked, Ok(Some(1)));
    // Others do not wait for it.
    let others = eventually(SOON, || {
        let read = served.reference.category_blocking(Category::Blip);
        if read.fresh { Ok(()) } else { Err("another category is marked") }
    });
    others.unwrap();
    std::fs::remove_dir(served.path("clip.json")).unwrap();
    std::fs::write(served.path("clip.json"), r#"{"b":{}}"#).unwrap();
    served.becomes(Category::Clip, &["b"]);
}

#[test]
fn a_pipe_in_a_files_place_holds_nobody_up() {
    let served = Served::with(&[("blip.json", r#"{"a":{}}"#)], Format::V2);
    let made = std::process::Command::new("mkfifo").arg(served.path("clip.json")).status();
    assert!(made.unwrap().success());
    std::fs::write(served.path("blip.json"), r#"{"b":{}}"#).unwrap();
    served.becomes(Category::Blip, &["b"]);
}

#[test]
fn half_a_table_does_not_replace_a_whole_one() {
    let table = "name,parameters_bn\nA/B-7B,7\n";
    let served = Served::with(&[("legacy/models.csv", table)], Format::Legacy);
    served.becomes(Category::TextGeneration, &["A/B-7B"]);
    for broken in ["", "<html>nothing here</html>"] {
        std::fs::write(served.path("legacy/models.csv"), broken).unwrap();
        let reported = eventually(SOON, || match served.reference.problems().first() {
            Some(problem) => Ok(problem.to_string()),
            None => Err("no problem is reported"),
        });
        assert!(reported.unwrap().contains("models.csv"));
        assert_eq!(served.names(Category::TextGeneration).unwrap(), ["A/B-7B"]);
    }
}

#[test]
fn a_deleted_file_is_noticed_and_so_is_its_return() {
    let served = Served::with(&[("clip.json", r#"{"a":{}}"#)], Format::V2);
    served.becomes(Category::Clip, &["a"]);
    std::fs::remove_file(served.path("clip.json")).unwrap();
    let gone = eventually(SOON, || served.names(Category::Clip).map_or(Ok(()), Err));
    gone.unwrap();
    std::fs::write(served.path("clip.json"), r#"{"b":{}}"#).unwrap();
    served.becomes(Category::Clip, &["b"]);
}

#[test]
fn with_legacy_canonical_v2_follows_the_legacy_file_record_by_record() {
    let good = r#""good":{"name":"good","baseline":"stable diffusion 1"}"#;
    let files = [
        ("legacy/stable_diffusion.json", format!("{{{good}}}")),
        (
            "stable_diffusion.json",
            r#"{"good":{"name":"good","metadata":{"created_at":5,"updated_at":6}}}"#.to_owned(),
        ),
    ];
    let files = files.each_ref().map(|(name, text)| (*name, text.as_str()));
    let served = Served::with(&files, Format::Legacy);
    served.becomes(Category::ImageGeneration, &["good"]);
    let record = served.reference.category_blocking(Category::ImageGeneration).view;
    let record = record.records().unwrap()["good"].to_string();
    assert!(record.contains(r#""created_at":5"#), "times of the v2 file are kept: {record}");
    let edited = format!(r#"{{{good},"bad":{{"name":7}},"new":{{"name":"new","baseline":"x"}}}}"#);
    std::fs::write(served.path("legacy/stable_diffusion.json"), edited).unwrap();
    served.becomes(Category::ImageGeneration, &["good", "new"]);
    assert_eq!(served.reference.notes()[0].1.record, "bad");
}

#[test]
fn with_v2_canonical_v1_follows_v2_and_keeps_what_the_legacy_file_says_more() {
    let legacy = "{\n \"a\": {\"name\": \"a\", \"type\": \"clip\", \"extra\": 1}\n}";
    let v2 = |names: &[&str]| {
        let record = |name| {
            format!(
                r#""{name}":{{"record_type":"clip","name":"{name}","config":{{"download":[]}},"model_classification":{{"domain":"image","purpose":"feature_extractor"}}}}"#
            )
        };
        format!("{{{}}}", names.iter().map(record).collect::<Vec<_>>().join(","))
    };
    let served =
        Served::with(&[("clip.json", &v2(&["a"])), ("legacy/clip.json", legacy)], Format::V2);
    let v1 = || {
        let view = served.reference.category_blocking(Category::Clip).view;
        view.v1.as_ref().map(|body| String::from_utf8(body.identity.bytes.to_vec()).unwrap())
    };
    assert_eq!(v1().as_deref(), Some(legacy), "nothing differs, so the file's own text is served");
    std::fs::write(served.path("clip.json"), v2(&["a", "b"])).unwrap();
    served.becomes(Category::Clip, &["a", "b"]);
    let text = v1().unwrap();
    assert!(text.contains("\"b\"") && text.contains("\"extra\": 1"), "{text}");
}
