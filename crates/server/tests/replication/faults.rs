//! A replica of a PRIMARY that misbehaves.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use testkit::{Answer, DataFolder, HttpStub, Request, ServerProcess, eventually};

use crate::servers::{SOON, files, plain, read, replica, replication, tagged};

const GOOD: &str = r#"{"a": {"name": "a"}, "b": {"name": "b"}}"#;

/// A PRIMARY that a test can tell what to do with each path.
struct Puppet {
    stub: HttpStub,
    play: Arc<Mutex<Play>>,
}

type Play = Box<dyn Fn(&Request) -> Answer + Send + Sync>;

impl Puppet {
    fn start() -> Result<Self> {
        let play: Arc<Mutex<Play>> = Arc::new(Mutex::new(Box::new(good)));
        let asked = Arc::clone(&play);
        let stub = HttpStub::start(move |request| {
            let play = asked.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            play(request)
        })?;
        Ok(Self { stub, play })
    }

    fn play(&self, play: impl Fn(&Request) -> Answer + Send + Sync + 'static) {
        *self.play.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Box::new(play);
    }
}

/// Every category holds the same; there are no catalogues.
fn good(request: &Request) -> Answer {
    if request.target.contains("export") { plain(404, "{}") } else { plain(200, GOOD) }
}

#[test]
fn no_fault_changes_a_file() -> Result<()> {
    let (data, puppet) = (DataFolder::empty()?, Puppet::start()?);
    let replica = replica(&data, &puppet.stub.base_url()).start()?;
    let before = files(&data)?;
    ensure!(before.len() == 25, "{:?}", before.keys());
    let slow = || Answer::Respond {
        status: 200,
        content_type: "application/json".into(),
        body: b"{}".to_vec(),
        after: Duration::from_secs(4),
    };
    let half = b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{\"a\": ";
    let faults: [(&str, Answer); 9] = [
        ("an error", plain(500, "{}")),
        ("half a body", Answer::Raw(half.to_vec())),
        ("garbage", Answer::Raw(b"\x00\x01 what?".to_vec())),
        ("a page", plain(200, "<html></html>")),
        ("a list", plain(200, "[]")),
        ("what a gateway says", plain(200, r#"{"detail": "temporarily down", "code": 503}"#)),
        ("closed connections", Answer::Close),
        ("no PRIMARY at this address", plain(404, "{}")),
        ("silence", slow()),
    ];
    for (fault, answer) in faults {
        puppet.play(move |_| answer.clone());
        rounds_pass(&replica, 2, true).context(fault)?;
        same(&before, &files(&data)?).context(fault)?;
        let begun = Instant::now();
        for path in ["v2/clip", "v1/clip", "v2/text_generation"] {
            let (status, body) = read(&replica, path)?;
            ensure!(status == 200, "{fault}: {path} answers {status} {body}");
        }
        ensure!(begun.elapsed() < Duration::from_secs(1), "{fault}: {:?}", begun.elapsed());
    }
    Ok(())
}

#[test]
fn what_the_primary_says_counts_and_nothing_is_lost() -> Result<()> {
    let (data, puppet) = (DataFolder::empty()?, Puppet::start()?);
    data.write("legacy/models.csv", b"name,parameters_bn\nA,7\n")?;
    let replica = replica(&data, &puppet.stub.base_url()).start()?;
    let file = |name: &str| std::fs::read_to_string(data.root().join(name)).unwrap_or_default();
    eventually(SOON, || {
        ensure!(file("legacy/models.csv.gone").contains("A,7"), "the table is in the way");
        let (_, body) = read(&replica, "v1/text_generation")?;
        ensure!(body.contains("\"b\""), "{body}");
        Ok(())
    })?;
    puppet.play(|request| match request.target.rsplit('/').next() {
        Some("clip") => plain(200, "{}"),
        Some("blip") => plain(404, "{}"),
        _ => good(request),
    });
    eventually(SOON, || {
        for name in ["clip.json", "legacy/clip.json"] {
            let kept = (file(name), file(&format!("{name}.before")));
            ensure!(kept == ("{}".into(), GOOD.into()), "{name}: {kept:?}");
        }
        for name in ["blip.json", "legacy/blip.json"] {
            let kept = (file(name), file(&format!("{name}.gone")));
            ensure!(kept == (String::new(), GOOD.into()), "{name}: {kept:?}");
        }
        Ok(())
    })?;
    eventually(SOON, || {
        let answers = (read(&replica, "v2/clip")?, read(&replica, "v2/blip")?.0);
        ensure!(answers == ((200, "{}".into()), 404), "{answers:?}");
        Ok(())
    })
}

#[test]
fn a_loss_that_does_not_last_is_not_believed() -> Result<()> {
    let (data, puppet) = (DataFolder::empty()?, Puppet::start()?);
    let replica = replica(&data, &puppet.stub.base_url()).start()?;
    rounds_pass(&replica, 1, false)?;
    let held = files(&data)?;
    let asked: Arc<Mutex<BTreeMap<String, u32>>> = Arc::default();
    // Two rounds in three know nothing of these two.
    puppet.play(move |request| {
        let mut asked = asked.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let count = asked.entry(request.target.clone()).or_default();
        *count += 1;
        match request.target.rsplit('/').next() {
            Some("clip") if !count.is_multiple_of(3) => plain(200, "{}"),
            Some("blip") if !count.is_multiple_of(3) => plain(404, "{}"),
            _ => good(request),
        }
    });
    let rounds = replication(&replica)?["rounds"].as_u64().context("no rounds")?;
    let mut told = false;
    eventually(SOON, || {
        let status = replication(&replica)?;
        let error = status["last_error"].as_str().unwrap_or_default();
        told |= error.contains("is gone there; kept until that lasts");
        ensure!(told && status["rounds"].as_u64() > Some(rounds + 7), "{told} {status}");
        Ok(())
    })?;
    same(&held, &files(&data)?)
}

#[test]
fn a_primary_that_lost_its_volume_does_not_empty_its_replicas() -> Result<()> {
    let (data, puppet) = (DataFolder::empty()?, Puppet::start()?);
    let replica = replica(&data, &puppet.stub.base_url()).start()?;
    eventually(SOON, || {
        let status = read(&replica, "v2/clip")?.0;
        ensure!(status == 200, "{status}");
        Ok(())
    })?;
    // As a PRIMARY on an empty folder answers: five categories exist in v2 only, and are empty.
    let v2_only = ["controlnet_annotator", "video_generation", "audio_generation", "lora", "ti"];
    puppet.play(move |request| match request.target.rsplit_once('/') {
        Some((base, name)) if base.ends_with("v2") && v2_only.contains(&name) => plain(200, "{}"),
        _ => plain(404, "{}"),
    });
    let held = files(&data)?;
    let status = rounds_pass(&replica, 4, true)?;
    ensure!(status["last_error"] == "only 0 of 25 that we hold are there", "{status}");
    same(&held, &files(&data)?)?;
    let status = read(&replica, "v2/clip")?.0;
    ensure!(status == 200, "{status}");
    Ok(())
}

#[test]
fn catalogues_that_are_not_valid_are_refused() -> Result<()> {
    let (data, puppet) = (DataFolder::empty()?, Puppet::start()?);
    puppet.play(|request| match request.target.contains("export") {
        true => plain(200, r#"{"metadata": {"revision": 1, "new": 2}}"#),
        false => good(request),
    });
    let replica = replica(&data, &puppet.stub.base_url()).start()?;
    let status = rounds_pass(&replica, 1, true)?;
    let error = status["last_error"].as_str().unwrap_or_default();
    ensure!(error.contains("export") && !status["last_success"].is_null(), "{status}");
    for path in ["image_generation/baselines", "text_generation/guidance", "licensing"] {
        let (status, _) = read(&replica, &format!("v2/{path}/export"))?;
        ensure!(status == 200, "{path}: {status}");
    }
    ensure!(!data.root().join("licensing").exists());
    Ok(())
}

#[test]
fn what_is_held_is_not_sent_again() -> Result<()> {
    let data = DataFolder::empty()?;
    let puppet = Puppet::start()?;
    let whole: Arc<Mutex<BTreeMap<String, u32>>> = Arc::default();
    let counted = Arc::clone(&whole);
    puppet.play(move |request| {
        let held =
            request.headers.iter().any(|(name, tag)| name == "if-none-match" && tag == "\"t\"");
        if request.target.contains("export") {
            return plain(404, "{}");
        }
        if held {
            return tagged(304, "\"t\"", "");
        }
        let mut counted = counted.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *counted.entry(request.target.clone()).or_default() += 1;
        tagged(200, "\"t\"", GOOD)
    });
    let replica = replica(&data, &puppet.stub.base_url()).start()?;
    let sent = || whole.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
    rounds_pass(&replica, 3, false)?;
    let once = sent();
    ensure!(once.len() == 25 && once.values().all(|count| *count == 1), "{once:?}");
    // A file that somebody changed here is no longer what the tag stands for.
    let file = data.root().join("clip.json");
    std::fs::write(&file, "{}")?;
    eventually(SOON, || {
        let text = std::fs::read_to_string(&file)?;
        ensure!(text == GOOD, "{text}");
        Ok(())
    })?;
    let again = sent();
    let clip = "/api/model_references/v2/clip";
    ensure!(
        again.iter().all(|(path, count)| *count == if path == clip { 2 } else { 1 }),
        "{again:?}"
    );
    Ok(())
}

/// Waits for whole rounds that begin after now, and checks whether they find something wrong.
fn rounds_pass(replica: &ServerProcess, more: u64, wrong: bool) -> Result<serde_json::Value> {
    let rounds = |status: &serde_json::Value| status["rounds"].as_u64().unwrap_or_default();
    let begun = rounds(&replication(replica)?);
    // The round under way may have begun before.
    let status = eventually(2 * SOON, || {
        let status = replication(replica)?;
        ensure!(rounds(&status) > begun + more, "{status}");
        Ok(status)
    })?;
    ensure!(status["last_error"].is_string() == wrong, "{status}");
    Ok(status)
}

fn same<K: Ord + Debug>(before: &BTreeMap<K, Vec<u8>>, after: &BTreeMap<K, Vec<u8>>) -> Result<()> {
    ensure!(before.keys().eq(after.keys()), "{:?}\n{:?}", before.keys(), after.keys());
    for (path, content) in before {
        ensure!(after.get(path) == Some(content), "{path:?} changed");
    }
    Ok(())
}
