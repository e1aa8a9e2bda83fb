//! The catalogues against recorded answers: every read of the packaged catalogues that succeeded,
//! or found nothing.
//!
//! Answers are compared as text, so the order of members and the `.0` of floats count.

use std::path::{Path, PathBuf};

use horde_model_reference::Category;
use horde_model_reference::catalogue::licensing::{
    Asset, AssetFilter, AssetKind, AssetView, Assets, Definition, Definitions, Page, Register,
    unknown_assignment,
};
use horde_model_reference::catalogue::{Baselines, Guidance, Stored};
use horde_model_reference::json::{Json, Object};
use horde_model_reference::shape::{Issue, LocItem};

/// The folder with the recorded contract, if it is there.
fn contract() -> Option<PathBuf> {
    testkit::shared().map(|shared| shared.join("contract"))
}

fn read(path: &Path) -> Json {
    let text = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    Json::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn text<'a>(value: &'a Json, name: &str) -> &'a str {
    value.get(name).and_then(Json::as_str).unwrap_or_default()
}

/// The records of the data set behind the exchanges, in canonical order.
fn categories(contract: &Path) -> Vec<(Category, Object)> {
    let folder = contract.join("dataset/v2");
    let files = Category::ALL.into_iter().map(|category| {
        let records = read(&folder.join(format!("{}.json", category.file_stem())));
        (category, records.as_object().cloned().unwrap_or_default())
    });
    files.collect()
}

fn records(categories: &[(Category, Object)], category: Category) -> &Object {
    &categories[category.index()].1
}

/// What one step asked, and what was recorded of the answer.
struct Step {
    path: String,
    query: Vec<(String, String)>,
    status: i64,
    body: Option<Json>,
    etag: Option<String>,
}

impl Step {
    fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn flag(&self, name: &str, default: bool) -> bool {
        self.query(name).map_or(default, |value| value == "true")
    }

    fn page(&self) -> Page {
        let number =
            |name: &str, default| self.query(name).map_or(default, |value| value.parse().unwrap());
        let default = Page::default();
        Page { offset: number("offset", default.offset), limit: number("limit", default.limit) }
    }

    fn filter(&self) -> AssetFilter {
        let owned = |name: &str| self.query(name).map(str::to_owned);
        let permission = |name: &str| self.query(name).map(|word| word.parse().unwrap());
        AssetFilter {
            asset_kind: owned("asset_kind"),
            category: self.query("category").map(|name| name.parse().unwrap()),
            license_id: owned("license_id"),
            commercial_use: permission("commercial_use"),
            redistribution: permission("redistribution"),
            name_contains: owned("name_contains"),
        }
    }
}

/// The reads below `prefix` that were answered with 200, or with 404 for want of a record.
fn steps(contract: &Path, exchange: &str, prefix: &str) -> Vec<Step> {
    let exchange = read(&contract.join(format!("core/{exchange}.json")));
    let steps = exchange.get("steps").and_then(Json::as_array).unwrap();
    let read_step = |step: &Json| {
        let request = step.get("request").unwrap();
        let response = step.get("response").unwrap();
        let target = text(request, "path").trim_start_matches("/api");
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let path = decoded(path.strip_prefix(prefix)?);
        let status = response.get("status").and_then(Json::as_i64).unwrap();
        let is_read = text(request, "method") == "GET" && matches!(status, 200 | 404);
        is_read.then(|| Step {
            path,
            query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
            status,
            body: response.get("body").cloned(),
            etag: response
                .get("headers")
                .and_then(|all| all.get("etag")?.as_str())
                .map(str::to_owned),
        })
    };
    steps.iter().filter_map(read_step).collect()
}

/// A path without its percent signs; a plus is a plus there.
fn decoded(path: &str) -> String {
    let as_query = path.replace('+', "%2B");
    url::form_urlencoded::parse(as_query.as_bytes()).map(|(key, _)| key.into_owned()).collect()
}

/// Puts the recorded placeholders where the answer has a fitting value.
fn with_placeholders(answer: &Json, recorded: &Json) -> Json {
    match (answer, recorded) {
        (Json::String(text), Json::String(mark)) if mark == "<text>" && !text.is_empty() => {
            recorded.clone()
        }
        (_, Json::String(mark)) if mark == "<any>" => recorded.clone(),
        (Json::Int(number), Json::String(mark))
            if *number >= 0 && matches!(mark.as_str(), "<timestamp>" | "<count>") =>
        {
            recorded.clone()
        }
        (Json::Array(items), Json::Array(marks)) if items.len() == marks.len() => {
            let pairs = items.iter().zip(marks);
            pairs.map(|(item, mark)| with_placeholders(item, mark)).collect::<Vec<_>>().into()
        }
        (Json::Object(members), Json::Object(marks)) => {
            let marked = members.iter().map(|(name, value)| {
                let mark = marks.get(name).unwrap_or(&Json::Null);
                (name.clone(), with_placeholders(value, mark))
            });
            Json::Object(marked.collect())
        }
        _ => answer.clone(),
    }
}

/// Compares the answers of `answer` with what was recorded; gives the number of steps.
fn check(steps: &[Step], etag: Option<&str>, answer: impl Fn(&Step) -> Option<Json>) -> usize {
    for step in steps {
        let answer = answer(step);
        assert_eq!(answer.is_some(), step.status == 200, "{}", step.path);
        let (Some(answer), Some(recorded)) = (answer, &step.body) else { continue };
        let answer = with_placeholders(&answer, recorded);
        assert_eq!(answer.to_string(), recorded.to_string(), "{} {:?}", step.path, step.query);
        assert_eq!(step.etag.as_deref(), etag, "{}", step.path);
    }
    steps.len()
}

const SETUPS: [&str; 3] = ["v2", "legacy", "replica-offline"];

#[test]
fn baselines_answer_as_recorded() {
    let Some(contract) = contract() else { return };
    let baselines = Baselines::packaged();
    let mut checked = 0;
    for setup in SETUPS {
        let exchange = format!("n86-baselines-read-{setup}");
        let prefix = "/model_references/v2/image_generation/baselines/";
        let steps = steps(&contract, &exchange, prefix);
        checked += check(&steps, Some(&baselines.etag()), |step| match step.path.as_str() {
            "" => Some(baselines.list()),
            "export" => Some(baselines.export()),
            name => baselines.get(name).map(Stored::to_json),
        });
    }
    println!("baselines: {checked} steps checked");
    assert!(checked >= 21);
}

#[test]
fn guidance_answers_as_recorded() {
    let Some(contract) = contract() else { return };
    let categories = categories(&contract);
    let models = records(&categories, Category::TextGeneration);
    let guidance = Guidance::packaged();
    let mut checked = 0;
    for setup in SETUPS {
        let steps = guidance_steps(&contract, &format!("n86-guidance-read-{setup}"));
        checked += check_guidance(&steps, &guidance, models);
    }
    println!("guidance: {checked} steps checked");
    assert!(checked >= 30);
}

/// The export recorded in the life of a catalogue, once read, must give the other answers that were
/// recorded at the same revision.
#[test]
fn published_guidance_answers_as_recorded() {
    let Some(contract) = contract() else { return };
    let categories = categories(&contract);
    let models = records(&categories, Category::TextGeneration);
    let mut steps = guidance_steps(&contract, "n86-guidance-life");
    let export = steps.iter().find(|step| step.path == "export").and_then(|step| step.body.clone());
    let timed = export.unwrap().to_string().replace("\"<timestamp>\"", "1700000000");
    let guidance = Guidance::parse(&Json::parse(timed.as_bytes()).unwrap()).unwrap();
    steps.retain(|step| step.etag.as_deref() == Some(&guidance.etag()));
    let checked = check_guidance(&steps, &guidance, models);
    println!("published guidance: {checked} steps checked");
    assert!(checked >= 6);
}

fn guidance_steps(contract: &Path, exchange: &str) -> Vec<Step> {
    steps(contract, exchange, "/model_references/v2/text_generation/guidance/")
}

fn check_guidance(steps: &[Step], guidance: &Guidance, models: &Object) -> usize {
    check(steps, Some(&guidance.etag()), |step| match step.path.as_str() {
        "profiles" => Some(guidance.profiles(step.flag("include_deprecated", false))),
        "assignments" => {
            Some(guidance.assignments(step.query("model_name"), step.query("profile_id")))
        }
        "model" => guidance.model(step.query("name")?, models),
        "export" => Some(guidance.export()),
        path => Some(guidance.profile(path.strip_prefix("profiles/")?)?.to_json()),
    })
}

#[test]
fn licensing_answers_as_recorded() {
    let Some(contract) = contract() else { return };
    let categories = categories(&contract);
    let (definitions, assets) = (Definitions::packaged(), Assets::packaged());
    let models: Vec<(Category, &Object)> =
        categories.iter().map(|(category, records)| (*category, records)).collect();
    let register = Register::new(&definitions, &assets, &models);
    assert_eq!(register.left_out(), []);
    let mut checked = 0;
    for setup in SETUPS {
        let exchange = format!("n86-licensing-read-{setup}");
        let steps = steps(&contract, &exchange, "/model_references/v2/licensing/");
        checked += check(&steps, None, |step| match step.path.as_str() {
            "licenses" => {
                Some(register.licenses(step.flag("include_deprecated", true), step.page()))
            }
            "assets" => Some(register.assets(&step.filter(), step.page())),
            "summary" => Some(register.summary()),
            "export" => Some(register.export()),
            path => single_licensing_answer(path, &definitions, &assets, &register),
        });
    }
    println!("licensing: {checked} steps checked");
    assert!(checked >= 60);
}

fn single_licensing_answer(
    path: &str,
    definitions: &Definitions,
    assets: &Assets,
    register: &Register,
) -> Option<Json> {
    let (resource, rest) = path.split_once('/')?;
    if resource == "licenses" {
        return definitions.get(rest).map(Stored::to_json);
    }
    let (first, rest) = rest.split_once('/')?;
    match resource {
        "assets" => assets.get(first.parse::<AssetKind>().ok()?, rest).map(Stored::to_json),
        "models" => register.model(first.parse().ok()?, rest).map(AssetView::to_json),
        _ => None,
    }
}

/// Records as read over HTTP: what is stored, `licensing`, and for text models `guidance`.
#[test]
fn records_are_completed_as_recorded() {
    let Some(contract) = contract() else { return };
    let guidance = Guidance::packaged();
    let categories = categories(&contract);
    let mut checked = 0;
    for step in steps(&contract, "v2-read-categories-v2", "/model_references/v2/") {
        let (Ok(category), Some(recorded)) = (step.path.parse::<Category>(), &step.body) else {
            continue;
        };
        let completed = records(&categories, category).iter().map(|(name, record)| {
            let mut members = record.as_object().unwrap().clone();
            members.insert("licensing".to_owned(), unknown_assignment());
            if let Some(summary) = guidance.summary_for(name, record) {
                members.insert("guidance".to_owned(), summary);
            }
            (name.clone(), Json::Object(members))
        });
        let completed = Json::Object(completed.collect());
        let answer = with_placeholders(&completed, recorded);
        assert_eq!(answer.to_string(), recorded.to_string(), "{category}");
        checked += 1;
    }
    println!("completed records: {checked} categories checked");
    assert!(checked >= 13);
}

/// Bodies that were refused as such must be refused here, at the same place for the same reason.
#[test]
fn refusals_are_those_recorded() {
    let Some(contract) = contract() else { return };
    let mut checked = 0;
    checked += check_refusals(&contract, "n86-licensing-definitions", &[], Definition::parse, 0);
    checked += check_refusals(&contract, "n86-licensing-assets", &[], Asset::parse, 0);
    let baseline = |record: &Json| Baselines::parse(&filed("baselines", "name", record));
    let at = ["changes", "0", "record"];
    checked += check_refusals(&contract, "n86-baselines-change-set-refused", &at, baseline, 2);
    let profile = |record: &Json| Guidance::parse(&filed("profiles", "profile_id", record));
    let at = ["profile_changes", "0", "profile"];
    checked += check_refusals(&contract, "n86-guidance-refused", &at, profile, 2);
    println!("refusals: {checked} steps checked");
    assert!(checked >= 16);
}

/// A catalogue with this one record.
fn filed(member: &str, key: &str, record: &Json) -> Json {
    let records = Json::from([(text(record, key), record.clone())]);
    Json::from([(member, records)])
}

/// Reads what stands at `at` in every body that was refused there. `depth` is how far down the
/// record stands in what `parse` reads.
fn check_refusals<T>(
    contract: &Path,
    exchange: &str,
    at: &[&str],
    parse: impl Fn(&Json) -> Result<T, Vec<Issue>>,
    depth: usize,
) -> usize {
    let exchange = read(&contract.join(format!("core/{exchange}.json")));
    let mut checked = 0;
    for step in exchange.get("steps").and_then(Json::as_array).unwrap() {
        let details = step.get("response").and_then(|response| response.get("body")?.get("detail"));
        let Some(details) = details.and_then(Json::as_array) else { continue };
        let mut recorded: Vec<_> =
            details.iter().filter_map(|detail| located(detail, at)).collect();
        let Some(body) = step.get("request").and_then(|request| request.get("body")) else {
            continue;
        };
        let Some(record) = at.iter().try_fold(body, |value, step| inside(value, step)) else {
            continue;
        };
        let issues = parse(record).err().unwrap_or_default();
        let mut told: Vec<_> = issues.iter().map(|issue| told(issue, depth)).collect();
        recorded.sort();
        told.sort();
        assert_eq!(told, recorded);
        checked += usize::from(!recorded.is_empty());
    }
    checked
}

fn inside<'a>(value: &'a Json, step: &str) -> Option<&'a Json> {
    match value {
        Json::Array(items) => items.get(step.parse::<usize>().ok()?),
        value => value.get(step),
    }
}

/// Place below `at` and kind of one recorded complaint.
fn located(detail: &Json, at: &[&str]) -> Option<(String, String)> {
    let steps = detail.get("loc").and_then(Json::as_array)?.iter().map(|step| match step {
        Json::String(name) => name.clone(),
        other => other.to_string(),
    });
    let steps: Vec<String> = steps.collect();
    let start = std::iter::once("body").chain(at.iter().copied());
    if !start.eq(steps.iter().take(at.len() + 1).map(String::as_str)) {
        return None;
    }
    Some((steps[at.len() + 1..].join("/"), text(detail, "type").to_owned()))
}

fn told(issue: &Issue, depth: usize) -> (String, String) {
    let steps: Vec<String> = issue.loc.iter().skip(depth).map(LocItem::to_string).collect();
    (steps.join("/"), issue.kind.to_owned())
}
