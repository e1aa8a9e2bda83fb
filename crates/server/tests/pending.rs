//! The models that are proposed, read from the file of a queue that somebody else wrote.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};
use testkit::{Answer, DataFolder, HttpStub, Launch, Request, Response, ServerProcess, eventually};

const QUEUE: &str = "pending_queue/changes.json";

fn horde() -> Result<HttpStub> {
    HttpStub::start(|request| {
        let is_known =
            request.headers.iter().any(|header| header == &("apikey".into(), "k".into()));
        let body = json!({"username": "somebody#7"});
        if is_known { Answer::json(200, &body) } else { Answer::json(404, &json!({})) }
    })
}

fn serve(data: &DataFolder, horde: &HttpStub, settings: &[(&str, &str)]) -> Result<ServerProcess> {
    let mut launch = Launch::new(env!("CARGO_BIN_EXE_horde-model-reference"), data.cache_home())
        .env("AI_HORDE_URL", format!("{}/api/", horde.base_url()));
    for (name, value) in settings {
        launch = launch.env(format!("HORDE_MODEL_REFERENCE_{name}"), *value);
    }
    launch.start()
}

fn pending(server: &ServerProcess, category: &str) -> Result<Response> {
    let target = format!("/api/model_references/v2/{category}/pending");
    server.send(&Request::get(&target).header("apikey", "k"))
}

/// An entry with its usual members; `members` win.
fn entry(id: i64, category: &str, name: &str, payload: Value, members: Value) -> Value {
    let mut entry = json!({
        "change_id": id, "category": category, "model_name": name, "operation": "create",
        "payload": payload, "requested_by": "7", "requested_username": "somebody#7",
        "requested_at": 1_700_000_000, "status": "pending", "updated_at": 1_700_000_000,
    });
    for (name, value) in members.as_object().into_iter().flatten() {
        entry[name] = value.clone();
    }
    entry
}

fn clip(id: i64, name: &str, description: &str, members: Value) -> Value {
    let payload = json!({"record_type": "clip", "name": name, "description": description});
    entry(id, "clip", name, payload, members)
}

fn write(data: &DataFolder, entries: &Value) -> Result<()> {
    data.write(QUEUE, serde_json::to_string_pretty(entries)?.as_bytes())
}

#[test]
fn the_newest_open_proposal_of_each_model_is_shown() -> Result<()> {
    let (data, horde) = (DataFolder::empty()?, horde()?);
    write(
        &data,
        &json!([
            clip(1, "b", "old", json!({"status": "approved", "updated_at": 1_800_000_000})),
            clip(2, "a", "one", json!({"operation": "update"})),
            clip(3, "b", "new", json!({})),
            clip(4, "b", "rejected", json!({"status": "rejected"})),
            clip(5, "c", "gone", json!({"operation": "delete"})),
            clip(6, "d", "live", json!({"status": "applied"})),
            clip(7, "e", "broken", json!({"operation": "rename"})),
            clip(8, "f", "a catalogue", json!({"resource_kind": "image_baseline"})),
            {"change_id": 9},
            entry(10, "blip", "other", json!(null), json!({})),
        ]),
    )?;
    let server = serve(&data, &horde, &[])?;
    let answer = pending(&server, "clip")?;
    let body = answer.json()?;
    let shown: Vec<_> = body.as_object().unwrap().iter().collect();
    let names: Vec<_> = shown.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["b", "a"], "{body}");
    assert_eq!(body["b"]["description"], "new");
    let last = body["b"].as_object().unwrap().keys().next_back().cloned();
    assert_eq!(last.as_deref(), Some("licensing"));
    assert_eq!(pending(&server, "blip")?.json()?, json!({}));

    let tag = answer.header("etag").unwrap();
    let target = "/model_references/v2/clip/pending";
    let again = Request::get(target).header("apikey", "k").header("if-none-match", tag);
    assert_eq!(server.send(&again)?.status, 304);
    assert_eq!(server.send(&Request::get(target).header("if-none-match", tag))?.status, 401);

    let skipped = server.send(&Request::get("/readyz"))?.json()?["skipped_changes"].clone();
    let skipped: Vec<_> = skipped.as_array().unwrap().iter().map(|note| &note["change"]).collect();
    assert_eq!(skipped, ["entry 6", "entry 8", "change 10"]);
    Ok(())
}

#[test]
fn what_another_process_writes_is_shown_at_once_and_what_it_breaks_is_not() -> Result<()> {
    let (data, horde) = (DataFolder::empty()?, horde()?);
    let server = serve(&data, &horde, &[])?;
    assert_eq!(pending(&server, "clip")?.json()?, json!({}));
    write(&data, &json!([clip(1, "a", "one", json!({}))]))?;
    let described = |text: &str| {
        eventually(Duration::from_secs(5), || {
            let body = pending(&server, "clip")?.json()?;
            anyhow::ensure!(body["a"]["description"] == text, "{body}");
            Ok(())
        })
    };
    described("one")?;
    write(&data, &json!({"not": "an array"}))?;
    eventually(Duration::from_secs(5), || {
        let broken = server.send(&Request::get("/readyz"))?.json()?["broken_documents"].clone();
        anyhow::ensure!(broken[0]["document"] == "queue/changes", "{broken}");
        Ok(())
    })?;
    described("one")?;
    write(&data, &json!([clip(1, "a", "two", json!({}))]))?;
    described("two")
}

#[test]
fn legacy_proposals_are_shown_in_v2() -> Result<()> {
    let (data, horde) = (DataFolder::empty()?, horde()?);
    let text = json!({"name": "Org/Shale-3B", "type": null, "parameters": 3_000_000_000_i64,
        "instruct_format": "ChatML", "nsfw": null});
    let image = |baseline: &str| json!({"name": "x", "baseline": baseline, "type": "ckpt"});
    write(
        &data,
        &json!([
            entry(1, "text_generation", "Org/Shale-3B", text, json!({})),
            entry(2, "image_generation", "odd", image("flux_1"), json!({"status": "approved"})),
            entry(3, "image_generation", "odd", json!({"name": "odd"}), json!({})),
            entry(4, "image_generation", "fine", image("stable diffusion 1"), json!({})),
            entry(5, "controlnet_annotator", "v2 only", json!({"name": "v2 only"}), json!({})),
            clip(6, "from v2", "queued while v2 was canonical", json!({})),
        ]),
    )?;
    let server = serve(&data, &horde, &[("CANONICAL_FORMAT", "legacy")])?;
    let text = pending(&server, "text_generation")?.json()?["Org/Shale-3B"].clone();
    assert_eq!(text["record_type"], "text_generation", "{text}");
    assert_eq!(text["parameters"], 3_000_000_000_i64);
    assert_eq!(text["guidance"]["status"], "legacy_label");
    assert_eq!(text["licensing"]["license_expression"], "NOASSERTION");
    let images = pending(&server, "image_generation")?.json()?;
    assert_eq!(images.as_object().unwrap().keys().collect::<Vec<_>>(), ["fine"], "{images}");
    assert_eq!(images["fine"]["baseline"], "stable_diffusion_1");
    assert_eq!(pending(&server, "controlnet_annotator")?.json()?["v2 only"]["name"], "v2 only");
    let clip = pending(&server, "clip")?.json()?;
    assert_eq!(clip["from v2"]["description"], "queued while v2 was canonical");
    let skipped = server.send(&Request::get("/readyz"))?.json()?["skipped_changes"].clone();
    assert_eq!(skipped[0]["change"], "change 3", "{skipped}");
    assert_eq!(skipped.as_array().unwrap().len(), 1, "{skipped}");
    Ok(())
}

#[test]
fn checks_come_in_the_order_of_the_contract() -> Result<()> {
    let (data, horde) = (DataFolder::empty()?, horde()?);
    for settings in [("PENDING_QUEUE__ENABLED", "false"), ("OFFLINE", "true")] {
        let server = serve(&data, &horde, &[settings])?;
        let status = |category: &str, key: Option<&str>| -> Result<u16> {
            let target = format!("/model_references/v2/{category}/pending");
            let request = Request::get(&target);
            let request = key.map_or(request.clone(), |key| request.header("apikey", key));
            Ok(server.send(&request)?.status)
        };
        assert_eq!(status("foo", None)?, 401);
        assert_eq!(status("foo", Some("unknown"))?, 422);
        assert_eq!(status("clip", Some("unknown"))?, 401);
        assert_eq!(status("clip", Some("k"))?, 503);
        let words = pending(&server, "clip")?.json()?["detail"].clone();
        assert_eq!(words, "Pending queue is disabled or unsupported on this deployment.");
    }
    Ok(())
}

#[test]
fn the_queue_may_lie_elsewhere() -> Result<()> {
    let (data, horde) = (DataFolder::empty()?, horde()?);
    let entries = json!([clip(1, "a", "one", json!({}))]);
    data.write("elsewhere/changes.json", entries.to_string().as_bytes())?;
    let elsewhere = data.root().join("elsewhere").display().to_string();
    for setting in [
        ("PENDING_QUEUE__RELATIVE_SUBDIR", "elsewhere"),
        ("PENDING_QUEUE__ROOT_PATH_OVERRIDE", elsewhere.as_str()),
    ] {
        let server = serve(&data, &horde, &[setting])?;
        assert_eq!(pending(&server, "clip")?.json()?["a"]["description"], "one");
    }
    Ok(())
}
