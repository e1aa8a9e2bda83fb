//! A client: it proposes, decides, applies and purges at random, at whichever server answers, and
//! repeats with its key what was not answered.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Result;
use fastrand::Rng;
use serde_json::{Value, json};
use testkit::{Connection, Request};

use super::history::{Answer, Ask, Attempt, Recorder};
use super::stage::{CATEGORIES, approver_key, requestor_key};
use crate::clock;

/// How often a call is repeated that is not answered.
const ATTEMPTS: usize = 12;

/// How long a client waits for an answer; servers are stopped for less.
const PATIENCE: Duration = Duration::from_secs(30);

/// Clients look at so many changes before they choose: few, so that they choose the same.
const LOOKED_AT: usize = 25;

const QUEUE: &str = "/api/model_references/v2/pending_queue";

/// One client.
#[derive(Debug)]
pub struct Client<'a> {
    /// Its number; names of what it makes begin with it.
    pub number: usize,
    /// The servers.
    pub addresses: &'a [SocketAddr],
    /// Where it writes down what it did.
    pub recorder: &'a Recorder,
    /// Decides what it does.
    pub random: Rng,
    connection: Option<(usize, Connection)>,
    calls: usize,
}

impl<'a> Client<'a> {
    /// A client that has done nothing.
    pub fn new(
        number: usize,
        addresses: &'a [SocketAddr],
        recorder: &'a Recorder,
        random: Rng,
    ) -> Self {
        Self { number, addresses, recorder, random, connection: None, calls: 0 }
    }

    /// Goes on until it is to stop; what it has begun is brought to an end.
    pub fn run(mut self, stop: &AtomicBool) -> Result<()> {
        while !stop.load(Ordering::Relaxed) {
            self.calls += 1;
            let ask = self.choose();
            self.call(&ask)?;
        }
        Ok(())
    }

    fn choose(&mut self) -> Ask {
        let chosen = match self.random.u32(..100) {
            0..=41 => None,
            42..=66 => self.decide(),
            67..=79 => self.apply_one(),
            80..=87 => self.apply_several(),
            88..=94 => self.apply_batch(),
            _ => Some(self.purge()),
        };
        chosen.unwrap_or_else(|| self.propose())
    }

    fn propose(&mut self) -> Ask {
        let (number, call) = (self.number, self.calls);
        let mark = format!("mark {number}-{call}");
        let category = CATEGORIES[self.random.usize(..CATEGORIES.len())];
        let there = if self.random.u32(..3) == 0 { self.a_record(category) } else { None };
        let (operation, model, mark) = match there {
            Some(model) if self.random.u32(..3) == 0 => ("delete", model, String::new()),
            Some(model) => ("update", model, mark),
            None => ("create", format!("m{number}-{call}"), mark),
        };
        Ask::Propose { operation: operation.into(), category: category.into(), model, mark }
    }

    /// A record that is there.
    fn a_record(&mut self, category: &str) -> Option<String> {
        let records = self.look(&format!("/api/model_references/v2/{category}"))?;
        let names: Vec<&String> = records.as_object()?.keys().collect();
        // Few, so that there is more than one change of some.
        let among = names.len().min(5);
        names.get(self.random.usize(..among.max(1))).map(|name| (*name).clone())
    }

    fn decide(&mut self) -> Option<Ask> {
        let pending = self.changes("pending")?;
        let mut ids: Vec<i64> = pending.iter().filter_map(id_of).collect();
        self.random.shuffle(&mut ids);
        ids.truncate(self.random.usize(1..=4));
        let rejected = match self.random.u32(..3) {
            0 => ids.split_off(self.random.usize(..=ids.len())),
            _ => Vec::new(),
        };
        let title = format!("decision {}-{}", self.number, self.calls);
        let is_any = !(ids.is_empty() && rejected.is_empty());
        is_any.then_some(Ask::Decide { title, approved: ids, rejected })
    }

    fn apply_one(&mut self) -> Option<Ask> {
        let approved = self.changes("approved")?;
        let id = id_of(self.random.choice(&approved)?)?;
        Some(Ask::Apply { id, job: self.job() })
    }

    fn apply_several(&mut self) -> Option<Ask> {
        let approved = self.changes("approved")?;
        let mut ids: Vec<i64> = approved.iter().filter_map(id_of).collect();
        self.random.shuffle(&mut ids);
        ids.truncate(self.random.usize(1..=4));
        (!ids.is_empty()).then(|| Ask::Bulk { ids, job: self.job() })
    }

    fn apply_batch(&mut self) -> Option<Ask> {
        let approved = self.changes("approved")?;
        let batch = self.random.choice(&approved)?["batch_id"].as_i64()?;
        Some(Ask::Batch { batch, job: self.job() })
    }

    fn job(&mut self) -> Option<String> {
        self.random.bool().then(|| format!("job {}-{}", self.number, self.calls))
    }

    /// What one client made, mostly what is over.
    fn purge(&mut self) -> Ask {
        let over = vec!["applied".to_owned(), "rejected".to_owned()];
        let statuses = match self.random.u32(..8) {
            0 => Vec::new(),
            1 => vec!["pending".to_owned(), "approved".to_owned()],
            _ => over,
        };
        Ask::Purge { statuses, model: format!("m{}-", self.random.usize(..=self.number)) }
    }

    /// Changes of a status, the oldest.
    fn changes(&mut self, status: &str) -> Option<Vec<Value>> {
        let found = self.look(&format!("{QUEUE}/changes?statuses={status}&limit={LOOKED_AT}"))?;
        found["items"].as_array().cloned()
    }

    /// A read, which needs no answer.
    fn look(&mut self, target: &str) -> Option<Value> {
        let request = Request::get(target).header("apikey", &approver_key(self.number));
        match self.send(&request)? {
            Answer::Answered { status: 200, body } => Some(body),
            _ => None,
        }
    }

    fn call(&mut self, ask: &Ask) -> Result<()> {
        let key = format!("call-{}-{}", self.number, self.calls);
        let request = request(ask, self.number).header("idempotency-key", &key);
        for _ in 0..ATTEMPTS {
            let begun = clock::now();
            // Nobody there: then nobody was asked.
            let Some(answer) = self.send(&request) else {
                std::thread::sleep(Duration::from_millis(self.random.u64(5..50)));
                continue;
            };
            let server = self.connection.as_ref().map_or(usize::MAX, |(server, _)| *server);
            let ended = clock::now();
            let (client, key, ask) = (self.number, key.clone(), ask.clone());
            let attempt = Attempt { client, server, key, begun, ended, ask, answer };
            self.recorder.note(&attempt)?;
            if !attempt.is_unknown() {
                break;
            }
            self.connection = None;
            std::thread::sleep(Duration::from_millis(self.random.u64(5..100)));
        }
        Ok(())
    }

    /// Sends over the connection that there is, now and then over another one. `None` if nobody is
    /// there to be asked.
    fn send(&mut self, request: &Request) -> Option<Answer> {
        if self.random.u32(..10) == 0 {
            self.connection = None;
        }
        if self.connection.is_none() {
            let server = self.random.usize(..self.addresses.len());
            let connection = Connection::open(self.addresses[server]).ok()?;
            connection.set_read_timeout(PATIENCE).ok()?;
            self.connection = Some((server, connection));
        }
        let (_, connection) = self.connection.as_mut()?;
        match connection.send(request) {
            Ok(answer) => {
                let body = answer.json().unwrap_or(Value::Null);
                if answer.header("connection").is_some_and(|said| said.contains("close")) {
                    self.connection = None;
                }
                Some(Answer::Answered { status: answer.status, body })
            }
            Err(error) => {
                self.connection = None;
                Some(Answer::Nothing { reason: format!("{error:#}") })
            }
        }
    }
}

fn id_of(entry: &Value) -> Option<i64> {
    entry["change_id"].as_i64()
}

/// How it is asked over HTTP.
fn request(ask: &Ask, user: usize) -> Request {
    let post = |target: String, body: Value| {
        Request::new("POST", &target)
            .header("apikey", &approver_key(user))
            .header("content-type", "application/json")
            .body(body.to_string())
    };
    match ask {
        Ask::Propose { operation, category, model, mark } => {
            let all = format!("/api/model_references/v2/{category}");
            let (method, target) = match operation.as_str() {
                "create" => ("POST", all),
                "update" => ("PUT", format!("{all}/model/{model}")),
                _ => ("DELETE", format!("{all}/model/{model}")),
            };
            let request = Request::new(method, &target).header("apikey", &requestor_key(user));
            if operation == "delete" {
                return request;
            }
            let body = json!({"name": model, "description": mark});
            request.header("content-type", "application/json").body(body.to_string())
        }
        Ask::Decide { title, approved, rejected } => post(
            format!("{QUEUE}/batches"),
            json!({
                "batch_title": title,
                "approved_ids": approved,
                "rejected_ids": rejected,
                "reject_reason": "by chance",
            }),
        ),
        Ask::Apply { id, job } => {
            post(format!("{QUEUE}/changes/{id}/apply"), json!({"job_id": job}))
        }
        Ask::Bulk { ids, job } => post(
            format!("{QUEUE}/apply"),
            json!({"change_ids": ids, "job_id": job, "allow_mixed_batch": true}),
        ),
        Ask::Batch { batch, job } => {
            let job = job
                .as_ref()
                .map_or_else(String::new, |job| format!("?job_id={}", job.replace(' ', "%20")));
            let target = format!("{QUEUE}/apply_batch/{batch}{job}");
            Request::new("POST", &target).header("apikey", &approver_key(user))
        }
        Ask::Purge { statuses, model } => {
            post(format!("{QUEUE}/purge"), json!({"statuses": statuses, "model_name": model}))
        }
    }
}
