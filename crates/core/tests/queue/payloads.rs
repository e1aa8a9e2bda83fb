//! What is accepted as a proposal can be stored, and is found again as it was proposed, however odd.

use std::path::Path;

use horde_model_reference::backend::files::layout::v2_file_name;
use horde_model_reference::catalogue::licensing::Definitions;
use horde_model_reference::change::{Validation, WriteOptions};
use horde_model_reference::json::Object;
use horde_model_reference::proposal::{Submission, check_name};
use horde_model_reference::shape::Unknown;
use horde_model_reference::text::without_backend_prefix;
use horde_model_reference::{Category, Json};

use crate::stage::Folder;

/// Bodies of each category that are made up.
const BODIES: usize = 40;
/// What the store itself says of a record.
const STAMPS: [&str; 4] = ["created_at", "updated_at", "created_by", "updated_by"];

#[tokio::test]
async fn what_is_accepted_is_stored_and_found_unchanged() {
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    let folder = Folder::new();
    let primary = folder.open();
    let mut accepted = 0;
    for category in Category::ALL {
        let bases = examples(category);
        for number in 0..BODIES {
            let body = any_body(&mut random, &bases);
            let told = format!("seed {seed}, {category} {number}: {body}");
            let Some((name, payload)) = payload(category, &body) else { continue };
            let options =
                WriteOptions { validation: Validation::Shape, ..WriteOptions::by("1").local() };
            let stored = primary.update(category, &name, payload.clone(), options).await;
            assert!(stored.is_ok(), "{stored:?} {told}");
            let read = primary.category(category).await;
            let found = read.view.records().and_then(|all| all.get(&name)).expect(&told);
            // The rules of text models complete what is stored, also by members of their own.
            let is_text = category == Category::TextGeneration;
            if !is_text {
                assert_eq!(unstamped(found), unstamped(&payload.into()), "{told}");
            }
            let unknown = if is_text { Unknown::Drop } else { Unknown::Reject };
            let again = Submission::read(category, found, unknown, &|_| true);
            assert!(again.is_ok(), "{:?} {told}", again.err());
            accepted += 1;
        }
    }
    // Another process reads the same from the files.
    let (here, there) = (primary, folder.open());
    for category in Category::ALL {
        let (here, there) = (here.category(category).await, there.category(category).await);
        assert_eq!(here.view.records(), there.view.records(), "seed {seed}, {category}");
    }
    assert!(accepted > Category::COUNT * BODIES / 10, "only {accepted} were accepted");
}

/// What is proposed of a body, as the routes make it.
fn payload(category: Category, body: &Json) -> Option<(String, Object)> {
    let submission = Submission::read(category, body, Unknown::Drop, &|_| true).ok()?;
    let name = submission.name().to_owned();
    check_name(&name).ok()?;
    // Such names follow from others.
    if without_backend_prefix(&name) != name {
        return None;
    }
    let payload = submission.into_creation(&Definitions::packaged(), false).ok()?;
    Some((name, payload))
}

fn examples(category: Category) -> Vec<Object> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/data/v2");
    let text = std::fs::read(data.join(v2_file_name(category))).unwrap();
    let records = Json::parse(&text).unwrap();
    let records = records.as_object().unwrap().values();
    records.map(|record| record.as_object().cloned().unwrap()).collect()
}

/// A record of the examples under another name, with some members gone and some odd.
fn any_body(random: &mut fastrand::Rng, bases: &[Object]) -> Json {
    let mut body = bases[random.usize(..bases.len())].clone();
    for _ in 0..random.usize(..3) {
        let members: Vec<String> = body.keys().cloned().collect();
        let member = members[random.usize(..members.len())].clone();
        match random.u8(..4) {
            0 => drop(body.shift_remove(&member)),
            1 => drop(body.insert(any_text(random), any_value(random))),
            _ => drop(body.insert(member, any_value(random))),
        }
    }
    if random.u8(..10) > 0 {
        body.insert("name".into(), any_text(random).into());
    }
    body.into()
}

fn any_value(random: &mut fastrand::Rng) -> Json {
    match random.u8(..9) {
        0 => Json::Null,
        1 => random.bool().into(),
        2 => Json::Int([0, -1, 7, i64::MAX, i64::MIN][random.usize(..5)]),
        3 => Json::Float([0.5, -0.0, 1e300, f64::MIN_POSITIVE][random.usize(..4)]),
        4 => Json::Array(vec![any_text(random).into(), any_text(random).into()]),
        5 => Object::from_iter([(any_text(random), Json::Null)]).into(),
        6 => Json::parse(b"123456789012345678901234567890").unwrap(),
        _ => any_text(random).into(),
    }
}

/// Text with what is special in JSON, in tables, in paths and in terminals.
fn any_text(random: &mut fastrand::Rng) -> String {
    const PARTS: [&str; 18] = [
        "owl",
        "Owl-7B",
        "/",
        " ",
        ",",
        "\"",
        "\n",
        "\r\n",
        "\u{0}",
        "\u{1b}[1m",
        "\u{7f}",
        "\u{202e}",
        "\u{feff}",
        "\u{1f989}",
        "e\u{301}",
        "%2F",
        "..",
        "koboldcpp/",
    ];
    (0..random.usize(1..5)).map(|_| PARTS[random.usize(..PARTS.len())]).collect()
}

fn unstamped(record: &Json) -> Json {
    let mut record = record.as_object().cloned().unwrap();
    if let Some(Json::Object(metadata)) = record.get_mut("metadata") {
        metadata.retain(|name, _| !STAMPS.contains(&name.as_str()));
    }
    record.into()
}
