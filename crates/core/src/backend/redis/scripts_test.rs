//! The scripts, and the transactions that stand in for them, against a model of a few lines: random
//! calls, some of them twice in a row, over records that others have filled with nonsense.

use std::collections::BTreeMap;
use std::num::{NonZeroU16, NonZeroU32};
use std::sync::Arc;
use std::time::Duration;

use testkit::{RedisClient, RedisServer, eventually};

use super::link::Failure;
use super::record::{Named, Record, largest_believed};
use super::scripts::{Announced, Filled, Survey};
use super::{Redis, Subscription, settings, transaction};
use crate::backend::files::Files;
use crate::backend::files::layout::Layout;
use crate::generation::{Digest, Generation};
use crate::{Category, Document};

const SOON: Duration = Duration::from_secs(10);
const DOCUMENTS: [Document; 4] = [
    Document::V2(Category::Clip),
    Document::Legacy(Category::Clip),
    Document::V2Metadata(Category::Clip),
    Document::Baselines,
];
const SEQUENCES: usize = 30;
const STEPS: usize = 60;
/// No name is larger.
const LARGEST: u64 = 1 << 52;

/// What is done to the server.
#[derive(Debug, Clone)]
enum Step {
    Announce(Document, Named),
    Fill(Document, Named, Vec<u8>),
    Drop(Document, Named),
    Survey,
    /// Somebody else writes a field of the record, or deletes it.
    Field(String, Option<Vec<u8>>),
    /// Somebody else writes a copy, or deletes it.
    Copy(Document, Option<Vec<u8>>),
    /// All data are lost.
    Flush,
}

/// What the server answers.
#[derive(Debug, PartialEq)]
enum Answer {
    Announced(Announced),
    Filled(Filled),
    Survey { directory: String, record: Vec<Option<Named>>, copies: Option<Vec<bool>> },
    Nothing,
}

/// How the calls are made.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    Scripts,
    Transactions,
}

/// What a server should do, without one.
struct Model<'a> {
    redis: &'a Redis,
    way: Way,
    fields: BTreeMap<String, Vec<u8>>,
    strings: BTreeMap<String, Vec<u8>>,
    /// What was published, the oldest first.
    said: Vec<(String, String)>,
}

impl Model<'_> {
    fn take(&mut self, step: &Step) -> Answer {
        match step {
            Step::Announce(document, named) => Answer::Announced(self.announce(*document, named)),
            Step::Fill(document, named, bytes) => {
                Answer::Filled(self.fill(*document, named, bytes))
            }
            Step::Drop(document, named) => self.drop_copies(*document, named),
            Step::Survey => self.survey(),
            Step::Field(field, value) => put(&mut self.fields, field, value.as_ref()),
            Step::Copy(document, value) => put(
                &mut self.strings,
                &self.redis.shared.speaker.keys.copy(*document),
                value.as_ref(),
            ),
            Step::Flush => {
                self.fields.clear();
                self.strings.clear();
                Answer::Nothing
            }
        }
    }

    fn ours(&self) -> &str {
        &self.redis.shared.speaker.directory
    }

    fn directory(&self) -> Option<String> {
        self.fields.get("_dir").map(|name| String::from_utf8_lossy(name).into_owned())
    }

    fn held(&self, document: Document) -> Option<Named> {
        Named::parse(std::str::from_utf8(self.fields.get(&document.to_string())?).ok()?)
    }

    fn announce(&mut self, document: Document, named: &Named) -> Announced {
        if let Some(other) = self.directory().filter(|other| other != self.ours()) {
            return Announced::OtherDirectory(other);
        }
        match self.held(document).filter(|held| held.is_believed(named.generation)) {
            Some(held) if held == *named => return Announced::Same,
            Some(held) if held.generation >= named.generation => {
                return Announced::Refused(Some(held));
            }
            _ => {}
        }
        self.fields.insert("_dir".into(), self.ours().into());
        self.fields.insert(document.to_string(), named.to_string().into());
        self.drop_copies(document, named);
        Announced::Raised(Vec::new())
    }

    fn fill(&mut self, document: Document, named: &Named, bytes: &[u8]) -> Filled {
        match self.directory() {
            None => return Filled::Refused,
            Some(other) if other != self.ours() => return Filled::OtherDirectory(other),
            Some(_) => {}
        }
        if self.held(document) != Some(*named) {
            return Filled::Refused;
        }
        self.strings.insert(self.redis.shared.speaker.keys.copy(document), bytes.to_vec());
        Filled::Stored
    }

    fn drop_copies(&mut self, document: Document, named: &Named) -> Answer {
        let speaker = &self.redis.shared.speaker;
        for key in speaker.keys.dropped_with(document) {
            self.strings.remove(&key);
        }
        let told = speaker.told(document, named);
        self.said.push((told.changes, told.message));
        if !told.category.is_empty() {
            self.said.push((told.invalidations, told.category));
        }
        Answer::Nothing
    }

    fn survey(&mut self) -> Answer {
        // Only a script can ask and claim in one step.
        if self.way == Way::Scripts && self.directory().is_none() {
            self.fields.insert("_dir".into(), self.ours().into());
        }
        let keys = &self.redis.shared.speaker.keys;
        let has_copy = |document: &Document| self.strings.contains_key(&keys.copy(*document));
        Answer::Survey {
            directory: self.directory().unwrap_or_default(),
            record: DOCUMENTS.iter().map(|document| self.held(*document)).collect(),
            copies: Some(DOCUMENTS.iter().map(has_copy).collect()),
        }
    }
}

fn put(held: &mut BTreeMap<String, Vec<u8>>, name: &str, value: Option<&Vec<u8>>) -> Answer {
    match value {
        Some(value) => held.insert(name.to_owned(), value.clone()),
        None => held.remove(name),
    };
    Answer::Nothing
}

/// A server, and a process that has nothing of its own to say to it.
struct Stage {
    server: RedisServer,
    redis: Arc<Redis>,
    runtime: tokio::runtime::Runtime,
    _folder: tempfile::TempDir,
}

impl Stage {
    fn new() -> Self {
        let server = RedisServer::start().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let files = Arc::new(Files::new(Layout::below(folder.path())));
        let directory = files.directory(Duration::from_millis(100)).unwrap();
        let settings = settings::Redis {
            use_redis: true,
            port: NonZeroU16::new(server.port()),
            // After those of its start it compares nothing, and so claims nothing.
            compare_every_ms: NonZeroU32::MAX,
            // The server may be busy with other tests.
            command_budget_ms: NonZeroU32::new(5000).unwrap(),
            ..settings::Redis::default()
        };
        let redis = Redis::start(files, &settings, directory, Some(0)).unwrap();
        eventually(SOON, || {
            let status = redis.status();
            let is_ready = status.subscription == Subscription::Live && status.has_values;
            is_ready.then_some(()).ok_or_else(|| format!("{status:?}"))
        })
        .unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { server, redis, runtime, _folder: folder }
    }

    fn take(&self, step: &Step, way: Way) -> Answer {
        let shared = &self.redis.shared;
        let budget = SOON;
        self.runtime.block_on(async {
            match step {
                Step::Announce(document, named) => Answer::Announced(match way {
                    Way::Scripts => {
                        let call = shared.speaker.announcement(*document, named);
                        Announced::read(call.run(&shared.commands, budget).await.unwrap()).unwrap()
                    }
                    Way::Transactions => {
                        transaction::announce(shared, *document, named).await.unwrap()
                    }
                }),
                Step::Fill(document, named, bytes) => Answer::Filled(match way {
                    Way::Scripts => {
                        let call = shared.speaker.fill(*document, named, bytes, None);
                        Filled::read(call.run(&shared.values, budget).await.unwrap()).unwrap()
                    }
                    Way::Transactions => {
                        transaction::fill(shared, *document, named, bytes).await.unwrap()
                    }
                }),
                Step::Drop(document, named) => {
                    let told = shared.speaker.told(*document, named);
                    let call = shared.speaker.drop_copies(*document, told);
                    call.run(&shared.commands, budget).await.unwrap();
                    Answer::Nothing
                }
                Step::Survey => {
                    let survey = match way {
                        Way::Scripts => {
                            let call = shared.speaker.survey(&DOCUMENTS);
                            let answer = call.run(&shared.commands, budget).await.unwrap();
                            Survey::read(answer, DOCUMENTS.len()).unwrap()
                        }
                        Way::Transactions => transaction::survey(shared, &DOCUMENTS).await.unwrap(),
                    };
                    Answer::Survey {
                        directory: survey.directory,
                        record: chosen(&survey.record),
                        copies: survey.copies,
                    }
                }
                Step::Field(field, value) => self.set(
                    "HSET",
                    "HDEL",
                    &[&shared.speaker.keys.record(), field],
                    value.as_ref(),
                ),
                Step::Copy(document, value) => {
                    let key = shared.speaker.keys.copy(*document);
                    self.set("SET", "DEL", &[&key], value.as_ref())
                }
                Step::Flush => {
                    self.server.command(&["FLUSHALL"]).unwrap();
                    Answer::Nothing
                }
            }
        })
    }

    fn set(&self, put: &str, delete: &str, place: &[&str], value: Option<&Vec<u8>>) -> Answer {
        let command = if value.is_some() { put } else { delete };
        let mut words: Vec<&[u8]> = vec![command.as_bytes()];
        words.extend(place.iter().map(|word| word.as_bytes()));
        words.extend(value.map(Vec::as_slice));
        self.server.command(&words).unwrap();
        Answer::Nothing
    }

    fn survey(&self) -> Result<Survey, Failure> {
        let shared = &self.redis.shared;
        let call = shared.speaker.survey(&DOCUMENTS);
        let answer = self.runtime.block_on(call.run(&shared.commands, SOON))?;
        Survey::read(answer, DOCUMENTS.len()).map_err(Failure::Server)
    }

    fn fields(&self) -> BTreeMap<String, Vec<u8>> {
        let record = self.redis.shared.speaker.keys.record();
        let reply = self.server.command(&["HGETALL", &record]).unwrap();
        let bytes = |reply: &testkit::Reply| match reply {
            testkit::Reply::Bulk(bytes) => bytes.clone(),
            other => panic!("{other:?} is no value"),
        };
        let pairs = reply.items().chunks_exact(2);
        pairs.map(|pair| (pair[0].text().unwrap(), bytes(&pair[1]))).collect()
    }

    /// All keys besides the record, which are all strings.
    fn strings(&self) -> BTreeMap<String, Vec<u8>> {
        let keys = self.server.command(&["KEYS", "*"]).unwrap();
        let names = keys.items().iter().filter_map(testkit::Reply::text);
        let strings = names.filter(|name| *name != self.redis.shared.speaker.keys.record());
        let value = |name: &str| match self.server.command(&["GET", name]).unwrap() {
            testkit::Reply::Bulk(bytes) => bytes,
            other => panic!("{name} holds {other:?}"),
        };
        strings.map(|name| (name.clone(), value(&name))).collect()
    }
}

fn chosen(record: &Record) -> Vec<Option<Named>> {
    DOCUMENTS.iter().map(|document| record.get(*document)).collect()
}

/// Few of everything, so that they meet.
fn any_step(random: &mut fastrand::Rng, ours: &str) -> Step {
    let document = DOCUMENTS[random.usize(..DOCUMENTS.len())];
    let named = any_named(random);
    match random.u32(..100) {
        0..40 => Step::Announce(document, named),
        40..60 => Step::Fill(document, named, vec![random.u8(..); random.usize(..4)]),
        60..66 => Step::Drop(document, named),
        66..76 => Step::Survey,
        76..90 => Step::Field(document.to_string(), any_nonsense(random)),
        90..95 => Step::Field("_dir".into(), any_directory(random, ours)),
        95..98 => Step::Copy(document, random.bool().then(|| b"foreign \xff".to_vec())),
        _ => Step::Flush,
    }
}

fn any_named(random: &mut fastrand::Rng) -> Named {
    let believed = largest_believed(Generation::default());
    let generations = [1, 2, 3, 4, 10, believed, believed + 1, LARGEST - 1, LARGEST];
    // Those that are believed for ever end what can be tried, and so are rare.
    let place = if random.u8(..20) == 0 { random.usize(..9) } else { random.usize(..5) };
    let digest = random.bool().then(|| Digest::of(&[random.u8(..2)]));
    Named { generation: generations[place].to_string().parse().unwrap(), digest }
}

fn any_nonsense(random: &mut fastrand::Rng) -> Option<Vec<u8>> {
    let named = any_named(random);
    let digest = Digest::of(b"x").to_string();
    let text = match random.u32(..16) {
        0 => return None,
        1 => return Some(b"\xff\xfe".to_vec()),
        2 => return Some([named.to_string().as_bytes(), b"\xff"].concat()),
        3 => return Some([named.to_string().as_bytes(), b"\0"].concat()),
        4 => String::new(),
        5 => format!("{}:{digest}", LARGEST + 1),
        6 => format!("{}:{digest}", "9".repeat(400)),
        7 => format!("3:{}", digest.to_uppercase()),
        8 => format!("3:{}", &digest[1..]),
        9 => format!("00{named}"),
        10 => format!("+{named}"),
        11 => format!("-{named}"),
        12 => "3:other".into(),
        13 => "0:absent".into(),
        14 => format!("{named} "),
        _ => named.to_string(),
    };
    Some(text.into())
}

fn any_directory(random: &mut fastrand::Rng, ours: &str) -> Option<Vec<u8>> {
    match random.u32(..6) {
        0 => Some(b"theirs".to_vec()),
        1 => Some(b"\xff".to_vec()),
        2 => None,
        _ => Some(ours.into()),
    }
}

fn try_one(stage: &Stage, way: Way, seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    stage.server.command(&["FLUSHALL"]).unwrap();
    let keys = &stage.redis.shared.speaker.keys;
    let (changes, invalidations) = (keys.changes(), keys.invalidations());
    let mut heard = RedisClient::connect(stage.server.address()).unwrap();
    heard.subscribe(&[&changes, &invalidations]).unwrap();
    let (fields, strings, said) = Default::default();
    let mut model = Model { redis: &stage.redis, way, fields, strings, said };
    for number in 0..STEPS {
        let step = any_step(&mut random, model.ours());
        let times = 1 + usize::from(random.u8(..4) == 0);
        for _ in 0..times {
            let told = format!("seed {seed}, {way:?}, step {number}: {step:?}");
            assert_eq!(stage.take(&step, way), model.take(&step), "{told}");
            assert_eq!(stage.fields(), model.fields, "{told}");
            assert_eq!(stage.strings(), model.strings, "{told}");
        }
    }
    model.said.push((changes.clone(), "the end".into()));
    stage.server.command(&["PUBLISH", &changes, "the end"]).unwrap();
    for said in model.said {
        let message = heard.next_message(SOON).unwrap().expect("silence");
        let text = String::from_utf8(message.payload).unwrap();
        assert_eq!((message.channel, text), said, "seed {seed}, {way:?}");
    }
}

#[test]
fn a_record_of_another_kind_is_told_by_its_code_and_not_as_a_script_that_failed() {
    let stage = Stage::new();
    let record = stage.redis.shared.speaker.keys.record();
    stage.server.command(&["DEL", &record]).unwrap();
    stage.server.command(&["LPUSH", &record, "x"]).unwrap();
    let failure = stage.survey().unwrap_err();
    let Failure::Server(error) = &failure else { panic!("{failure}") };
    assert_eq!(error.code(), Some("WRONGTYPE"));
    // Servers before 7.0 put the code of what fails in a script behind words about the script.
    assert!(!error.to_string().contains("script"), "{error}");
    stage.server.command(&["DEL", &record]).unwrap();
    // The same of a copy is no obstacle at all.
    let copy = stage.redis.shared.speaker.keys.copy(DOCUMENTS[1]);
    stage.server.command(&["LPUSH", &copy, "x"]).unwrap();
    assert_eq!(stage.survey().unwrap().copies, Some(vec![false, true, false, false]));
}

#[test]
fn scripts_and_transactions_do_what_the_model_does() {
    let stage = Stage::new();
    let first = fastrand::u64(..);
    for sequence in 0..SEQUENCES {
        let seed = first.wrapping_add(sequence as u64);
        try_one(&stage, Way::Scripts, seed);
        try_one(&stage, Way::Transactions, seed);
    }
}
