//! What the real executable tells those who run it: metrics a strict reader can read, a status, and
//! that both move with what happens.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use testkit::{DataFolder, Launch, Request, ServerProcess, eventually};

const SOON: Duration = Duration::from_secs(5);

fn serve() -> (ServerProcess, DataFolder) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/data");
    let data = DataFolder::filled_from(&folder).unwrap();
    let server = Launch::new(env!("CARGO_BIN_EXE_horde-model-reference"), data.cache_home());
    (server.start().unwrap(), data)
}

/// A page of metrics: kinds by family, values by series (name and labels as they are written).
struct Page {
    kinds: BTreeMap<String, String>,
    series: BTreeMap<String, f64>,
}

impl Page {
    fn of(server: &ServerProcess) -> Self {
        let answer = server.send(&Request::get("/metrics")).unwrap();
        assert_eq!(answer.status, 200);
        Self::read(&answer.text()).unwrap()
    }

    /// Reads the text by the rules of the format.
    fn read(text: &str) -> Result<Self, String> {
        let mut page = Self { kinds: BTreeMap::new(), series: BTreeMap::new() };
        let (mut helped, mut current) = (BTreeSet::new(), String::new());
        let body = text.strip_suffix("# EOF\n").ok_or("the text does not end with # EOF")?;
        for line in body.lines() {
            let words: Vec<&str> = line.splitn(4, ' ').collect();
            match words[..] {
                ["#", "HELP", name, help] if !help.is_empty() => {
                    if !helped.insert(name.to_owned()) {
                        return Err(format!("{name} is told twice"));
                    }
                    current = name.to_owned();
                }
                ["#", "TYPE", name, kind] if name == current => {
                    if page.kinds.insert(name.to_owned(), kind.to_owned()).is_some() {
                        return Err(format!("{name} has two kinds"));
                    }
                }
                ["#", ..] => return Err(format!("out of place: {line}")),
                _ => page.sample(&current, line)?,
            }
        }
        page.check_histograms()?;
        Ok(page)
    }

    /// One line of a value, of the family that was told last.
    fn sample(&mut self, family: &str, line: &str) -> Result<(), String> {
        let (series, value) = line.rsplit_once(' ').ok_or(format!("no value: {line}"))?;
        let value: f64 = value.parse().map_err(|_| format!("no number: {line}"))?;
        let name = series.split('{').next().unwrap_or_default();
        let ending = name.strip_prefix(family).ok_or(format!("not of {family}: {line}"))?;
        let kind = self.kinds.get(family).ok_or(format!("no kind before {line}"))?;
        let endings: &[&str] = match kind.as_str() {
            "counter" => &["_total"],
            "gauge" => &[""],
            "info" => &["_info"],
            "histogram" => &["_bucket", "_count", "_sum"],
            other => return Err(format!("unknown kind {other}")),
        };
        let is_word = |name: &str| name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        if !endings.contains(&ending) || !is_word(name) || !value.is_finite() {
            return Err(format!("not as a {kind} is: {line}"));
        }
        if kind != "gauge" && value < 0.0 {
            return Err(format!("negative: {line}"));
        }
        match self.series.insert(series.to_owned(), value) {
            Some(_) => Err(format!("twice: {series}")),
            None => Ok(()),
        }
    }

    /// The last bucket of each histogram holds everything.
    fn check_histograms(&self) -> Result<(), String> {
        let infinite = |series: &&String| series.contains("le=\"+Inf\"");
        for series in self.series.keys().filter(infinite) {
            let labels = |text: &str| text.replace("le=\"+Inf\",", "").replace("{le=\"+Inf\"}", "");
            let count = labels(&series.replace("_bucket", "_count"));
            if self.series.get(&count) != self.series.get(series) {
                return Err(format!("{series} is not {count}"));
            }
        }
        let has_infinite = |family: &str| {
            self.series.keys().filter(infinite).any(|s| s.starts_with(&format!("{family}_bucket")))
        };
        let kinds = self.kinds.iter().filter(|(_, kind)| *kind == "histogram");
        match kinds.map(|(family, _)| family).find(|family| !has_infinite(family)) {
            Some(family) => Err(format!("{family} has no last bucket")),
            None => Ok(()),
        }
    }

    fn value(&self, series: &str) -> f64 {
        let all = || self.series.keys().cloned().collect::<Vec<_>>().join("\n");
        *self.series.get(series).unwrap_or_else(|| panic!("no {series} in\n{}", all()))
    }
}

#[test]
fn metrics_are_read_by_the_rules_of_the_format() {
    let (server, _data) = serve();
    let answer = server.send(&Request::get("/api/metrics")).unwrap();
    let kind = answer.header("content-type").unwrap();
    assert_eq!(kind, "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let page = Page::read(&answer.text()).unwrap();
    assert_eq!(page.value(r#"model_reference_category_records{category="image_generation"}"#), 4.0);
    assert_eq!(page.value(r#"model_reference_category_readable{category="lora"}"#), 1.0);
    assert_eq!(page.value("model_reference_lease_seconds"), 0.1);
    assert!(page.value("process_resident_memory_bytes") > 1e6);
    assert!(page.value("process_open_fds") > 2.0);
    assert!(page.series.len() < 400, "{} series", page.series.len());
}

#[test]
fn the_reader_of_these_tests_refuses_what_is_wrong() {
    let fine = "# HELP a b.\n# TYPE a counter\na_total 1\n# EOF\n";
    assert!(Page::read(fine).is_ok());
    for (part, instead) in [
        ("# EOF\n", ""),
        ("a_total 1", "a 1"),
        ("a_total 1", "a_total one"),
        ("a_total 1\n", "a_total 1\na_total 2\n"),
        ("# TYPE a counter\n", ""),
        ("# HELP a b.\n", ""),
        ("counter", "histogram"),
    ] {
        let wrong = fine.replace(part, instead);
        assert!(Page::read(&wrong).is_err(), "{wrong}");
    }
}

#[test]
fn the_numbers_move_with_what_happens() {
    let (server, data) = serve();
    let generation = r#"model_reference_category_generation{category="clip"}"#;
    let records = r#"model_reference_category_records{category="clip"}"#;
    let before = Page::of(&server);
    data.write("clip.json", br#"{"a":{"name":"a"},"b":{"name":"b"}}"#).unwrap();
    let after = eventually(SOON, || {
        let page = Page::of(&server);
        let is_new = page.value(generation) > before.value(generation);
        if is_new && page.value(records) == 2.0 { Ok(page) } else { Err("as before") }
    })
    .unwrap();
    let rose = |series: &str| after.value(series) - before.value(series);
    assert!(rose("model_reference_memory_loads_total") >= 1.0);
    assert!(rose("model_reference_memory_load_seconds_count") >= 1.0);
    assert!(rose("model_reference_memory_looks_total") >= 1.0);
    assert!(rose("model_reference_files_adoptions_total") >= 1.0);
    let propagation = r#"model_reference_propagation_seconds_count{origin="adopted"}"#;
    assert!(rose(propagation) >= 1.0);

    data.write("clip.json", b"{").unwrap();
    let readable = r#"model_reference_category_readable{category="clip"}"#;
    let broken = eventually(SOON, || {
        let page = Page::of(&server);
        if page.value(readable) == 0.0 { Ok(page) } else { Err("readable") }
    });
    let broken = broken.unwrap();
    assert_eq!(broken.value(r#"model_reference_broken_documents{kind="v2"}"#), 1.0);
    assert_eq!(broken.value(records), 2.0);
}

#[test]
fn requests_are_counted_whichever_way_they_are_answered() {
    let (server, _data) = serve();
    let series = |group: &str, status: &str| {
        format!(r#"model_reference_http_requests_total{{group="{group}",status="{status}"}}"#)
    };
    let before = Page::of(&server);
    for (target, status) in [
        ("/api/model_references/v2/clip", 200),
        ("/api/model_references/v2/clip/", 307),
        ("/api/model_references/v2/nothing", 422),
        ("/api/model_references/v1/clip", 200),
        ("/nowhere", 404),
    ] {
        assert_eq!(server.send(&Request::get(target)).unwrap().status, status, "{target}");
    }
    let after = Page::of(&server);
    let value = |page: &Page, series: &str| page.series.get(series).copied().unwrap_or(0.0);
    let rose = |series: &str| value(&after, series) - value(&before, series);
    assert_eq!(rose(&series("v2", "2xx")), 1.0);
    assert_eq!(rose(&series("v2", "4xx")), 1.0);
    assert_eq!(rose(&series("v1", "2xx")), 1.0);
    assert_eq!(rose(&series("unmatched", "4xx")), 1.0);
    assert_eq!(rose(r#"model_reference_reads_total{result="fresh"}"#), 2.0);
    assert!(rose("model_reference_http_connections_total") >= 5.0);
    assert!(after.value("model_reference_http_connections_open") >= 1.0);
    assert_eq!(after.value("model_reference_http_requests_in_flight"), 1.0);
}

#[test]
fn a_status_tells_one_start_from_another() {
    let (mut server, _data) = serve();
    let status =
        |server: &ServerProcess| server.send(&Request::get("/api/status")).unwrap().json().unwrap();
    let first = status(&server);
    assert_eq!(first["worker"]["pid"].as_u64(), Some(server.id().into()));
    assert_eq!((first["mode"].as_str(), first["redis"].is_null()), (Some("PRIMARY"), true));
    assert_eq!(first["categories"].as_array().unwrap().len(), 15);
    assert_eq!(first["categories"][8]["records"].as_u64(), Some(4));
    assert!(first["started_ms"].as_u64() <= first["now_ms"].as_u64());
    server.restart().unwrap();
    let second = status(&server);
    assert_ne!(first["worker"]["id"], second["worker"]["id"]);
    assert_eq!(first["categories"][8]["mark"], second["categories"][8]["mark"]);
}
