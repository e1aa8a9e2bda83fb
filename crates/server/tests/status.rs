//! The command `status` of the real executable, asking real servers.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use testkit::{DataFolder, Launch, Ran, ServerProcess, closed_port, eventually};

const EXECUTABLE: &str = env!("CARGO_BIN_EXE_horde-model-reference");
const SOON: Duration = Duration::from_secs(10);

fn examples() -> DataFolder {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/data");
    DataFolder::filled_from(&folder).unwrap()
}

fn copy_of(data: &DataFolder) -> DataFolder {
    let copy = DataFolder::empty().unwrap();
    let from = data.cache_home().join(".");
    let copied = Command::new("cp").arg("-a").args([&from, copy.cache_home()]).status().unwrap();
    assert!(copied.success());
    copy
}

fn serve(data: &DataFolder) -> ServerProcess {
    Launch::new(EXECUTABLE, data.cache_home()).start().unwrap()
}

fn status(arguments: &[&str]) -> Ran {
    testkit::run(EXECUTABLE, Path::new("/"), &[&["status"], arguments].concat()).unwrap()
}

/// Asks until the report is as it should be.
fn report(
    urls: &[&str],
    is_right: impl Fn(&serde_json::Value) -> bool,
) -> (Ran, serde_json::Value) {
    let asked = eventually(SOON, || {
        let ran = status(&[&["--json"], urls].concat());
        let report = ran.json().map_err(|error| format!("{error:#}"))?;
        if is_right(&report) { Ok((ran, report)) } else { Err(format!("{report:#}")) }
    });
    asked.unwrap_or_else(|last| panic!("{last}"))
}

fn generation(report: &serde_json::Value, worker: usize) -> u64 {
    let categories = report["workers"][worker]["status"]["categories"].as_array().unwrap();
    let clip = categories.iter().find(|held| held["category"] == "clip").unwrap();
    clip["generation"].as_u64().unwrap()
}

#[test]
fn two_servers_on_one_folder_agree_also_about_a_hand_edit() {
    let data = examples();
    let (one, other) = (serve(&data), serve(&data));
    let urls = [&*one.base_url(), &*other.base_url()];
    let (ran, before) = report(&urls, |report| report["verdict"] == "agree");
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));

    data.write("clip.json", br#"{"a":{"name":"a"}}"#).unwrap();
    let (_, after) = report(&urls, |report| {
        let moved = |worker| generation(report, worker) > generation(&before, worker);
        report["verdict"] == "agree" && moved(0) && moved(1)
    });
    assert_eq!(generation(&after, 0), generation(&after, 1));
    let propagation = &after["propagation"];
    assert_eq!(propagation["workers"], 2);
    assert!(propagation["changes"].as_u64() >= Some(1), "{propagation}");
    assert_eq!(propagation["changes"], propagation["within_ms"]["10000"], "{propagation}");

    let ran = status(&urls);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(!ran.stdout.contains('\x1b'), "no colours without a terminal");
    let lines: Vec<&str> = ran.stdout.lines().collect();
    let header: Vec<&str> = lines[0].split_whitespace().collect();
    assert_eq!(header[..4], ["#", "URL", "UP", "SINCE"]);
    assert!(lines[1].contains(urls[0]) && lines[1].contains("PRIMARY"), "{}", lines[1]);
    let clip = lines.iter().find(|line| line.starts_with("clip ")).unwrap();
    let cells: Vec<String> = clip.split_whitespace().map(str::to_owned).collect();
    let known = generation(&after, 0).to_string();
    assert_eq!(cells, ["clip", "1", &known, &known]);
    assert!(ran.stdout.contains("2 PRIMARY servers: "), "{}", ran.stdout);
    assert!(ran.stdout.ends_with("\n2 servers agree.\n"), "{}", ran.stdout);
}

#[test]
fn servers_that_differ_are_told_with_what_differs() {
    let data = examples();
    // A start gives records their times, which would be another second's on the other server.
    drop(serve(&data));
    let other_data = copy_of(&data);
    other_data.write("clip.json", br#"{"b":{"name":"b"}}"#).unwrap();
    let (one, other) = (serve(&data), serve(&other_data));
    let ran = status(&[&one.base_url(), &other.base_url()]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stdout.ends_with("Not the same everywhere: clip.\n"), "{}", ran.stdout);
    let stars = ran.stdout.lines().filter(|line| line.contains('*')).collect::<Vec<_>>();
    assert!(stars.len() == 1 && stars[0].starts_with("clip "), "{stars:?}");
}

#[test]
fn a_replica_agrees_with_its_primary_under_generations_of_its_own() {
    let (data, copy) = (examples(), DataFolder::empty().unwrap());
    let primary = serve(&data);
    let replica = Launch::new(EXECUTABLE, copy.cache_home())
        .env("HORDE_MODEL_REFERENCE_REPLICATE_MODE", "REPLICA")
        .env("HORDE_MODEL_REFERENCE_PRIMARY_API_URL", format!("{}/api", primary.base_url()))
        .env("HORDE_MODEL_REFERENCE_ENABLE_GITHUB_FALLBACK", "false")
        .start()
        .unwrap();
    let urls = [&*primary.base_url(), &*replica.base_url()];
    let (ran, report) = report(&urls, |report| report["verdict"] == "agree");
    assert_eq!(ran.code, Some(0));
    assert_eq!(report["workers"][1]["status"]["mode"], "REPLICA");
    assert_eq!(report["propagation"]["workers"], 1);
    assert!(generation(&report, 1) != generation(&report, 0));
}

#[test]
fn a_broken_file_is_a_problem_of_its_server() {
    let data = examples();
    let server = serve(&data);
    data.write("clip.json", b"{").unwrap();
    let url = server.base_url();
    let (ran, _) = report(&[&url], |report| report["verdict"] == "differ");
    assert_eq!(ran.code, Some(1));
    let ran = status(&[&url]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stdout.contains("v2/clip: "), "{}", ran.stdout);
    assert!(ran.stdout.ends_with("but not all is well.\n"), "{}", ran.stdout);
}

#[test]
fn who_cannot_be_asked_has_a_row_with_the_reason() {
    let data = examples();
    let server = serve(&data);
    let nobody = closed_port().unwrap().replace("://", "://me:secret@");
    let ran = status(&[&server.address().to_string(), &nobody, "http://["]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(2), ""), "{ran:?}");
    let row = |number: &str| ran.stdout.lines().find(|line| line.starts_with(number)).unwrap();
    assert!(row("1").contains("PRIMARY"), "{}", ran.stdout);
    assert!(row("2").contains("Connection refused"), "{}", ran.stdout);
    assert!(row("3").contains("unreachable: this is no address"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("secret"));
    assert!(ran.stdout.ends_with("2 of 3 servers could not be asked.\n"), "{}", ran.stdout);
    let json = status(&["--json", &nobody]).json().unwrap();
    assert_eq!(json["verdict"], "unreachable");
    assert!(json["workers"][0]["status"].is_null());
    assert_eq!(status(&[]).code, Some(2));
}

#[test]
fn a_server_that_hangs_is_given_up() {
    let data = examples();
    let server = serve(&data);
    server.pause().unwrap();
    let ran = status(&[&server.base_url()]);
    server.resume().unwrap();
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stdout.contains("unreachable: "), "{}", ran.stdout);
}

#[test]
fn a_watch_goes_on_until_it_is_interrupted() {
    let data = examples();
    let server = serve(&data);
    let mut watch = Command::new(EXECUTABLE)
        .args(["status", "--json", "--watch=1", &server.base_url()])
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    for _ in 0..2 {
        let line = lines.next().unwrap().unwrap();
        let report: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(report["workers"][0]["status"]["mode"], "PRIMARY");
    }
    let id = Pid::from_raw(watch.id().try_into().unwrap()).unwrap();
    kill_process(id, Signal::INT).unwrap();
    let ended = eventually(SOON, || watch.try_wait().unwrap().ok_or("still running"));
    let _ = watch.kill();
    assert_eq!(ended.map(|status| status.code()), Ok(Some(0)));
}
