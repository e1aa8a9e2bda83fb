//! The scripts, as typed calls. Each runs as one step on the server, and may run twice to no effect:
//! a client of a cluster repeats what it is not sure of.

use std::borrow::Cow;
use std::sync::LazyLock;
use std::time::Duration;

use ::redis::{Cmd, ErrorKind, FromRedisValue, RedisError, Script, ServerErrorKind, Value, cmd};

use super::keys::Keys;
use super::link::{Failure, Link};
use super::message::ChangeMessage;
use super::record::{Named, Record, largest_believed};
use crate::Document;
use crate::disk::faults::{self, Rule};

static ANNOUNCE: LazyLock<Source> = LazyLock::new(|| Source::of(include_str!("announce.lua")));
static FILL: LazyLock<Source> = LazyLock::new(|| Source::of(include_str!("fill.lua")));
static DROP: LazyLock<Source> = LazyLock::new(|| Source::of(include_str!("drop.lua")));
static REMOVE: LazyLock<Source> = LazyLock::new(|| Source::of(include_str!("remove.lua")));
static SURVEY: LazyLock<Source> = LazyLock::new(|| Source::of(include_str!("survey.lua")));

/// A script, and the digest a server knows it by.
struct Source {
    text: &'static str,
    digest: String,
}

impl Source {
    fn of(text: &'static str) -> Self {
        Self { text, digest: Script::new(text).get_hash().to_owned() }
    }
}

/// A script with what it is called with.
pub(super) struct Call<'a> {
    source: &'static Source,
    keys: Vec<String>,
    arguments: Vec<Cow<'a, [u8]>>,
}

/// What calls say besides what they are about.
#[derive(Debug, Clone)]
pub(super) struct Speaker {
    pub(super) keys: Keys,
    /// Identity of the data directory.
    pub(super) directory: String,
    /// Who announces.
    pub(super) worker: String,
    /// Whether anybody is told at all.
    pub(super) publishes: bool,
    /// Whether news go through the shard of the keys. Then nobody of the reference can be there.
    pub(super) is_sharded: bool,
}

/// What is said when a document changes. What is empty is not said.
#[derive(Debug, Clone, Default)]
pub(super) struct Told {
    /// The channel of changes, and the message there.
    pub(super) changes: String,
    pub(super) message: String,
    /// The channel that workers of the reference listen to, and the bare name they know.
    pub(super) invalidations: String,
    pub(super) category: String,
    /// The command to say it with.
    pub(super) command: &'static str,
}

impl Told {
    /// In the order in which scripts take it.
    fn into_arguments(self) -> [Cow<'static, [u8]>; 5] {
        let Self { changes, message, invalidations, category, command } = self;
        [changes, message, invalidations, category, command.to_owned()].map(owned)
    }
}

/// How an announcement ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Announced {
    /// The record says it now. With what the server would not do of the rest.
    Raised(Vec<String>),
    /// The record said it already.
    Same,
    /// The record is larger, or names another content by the same number.
    Refused(Option<Named>),
    /// The record belongs to another data directory.
    OtherDirectory(String),
}

/// How a fill ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Filled {
    /// The copy is there.
    Stored,
    /// The record says something else by now.
    Refused,
    /// The record belongs to another data directory.
    OtherDirectory(String),
}

/// What is compared.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// Whose directory the prefix belongs to; empty where nobody could claim it.
    pub(super) directory: String,
    pub(super) record: Record,
    /// Whether there is a copy of each document asked about; `None` where the server would not say.
    pub(super) copies: Option<Vec<bool>>,
    /// Why it would not.
    pub(super) complaint: Option<String>,
}

impl Speaker {
    pub(super) fn announcement(&self, document: Document, named: &Named) -> Call<'static> {
        let mut keys = vec![self.keys.record()];
        keys.extend(self.keys.dropped_with(document));
        // No record is smaller: none of them is believed.
        let nothing = faults::is_left_out(Rule::RisingRecord).then(|| "-1".to_owned());
        let said = [
            document.to_string(),
            named.generation.to_string(),
            named.digest_text(),
            self.directory.clone(),
            nothing.unwrap_or_else(|| largest_believed(named.generation).to_string()),
        ];
        let told = self.told(document, named).into_arguments();
        let arguments = said.map(owned).into_iter().chain(told);
        Call { source: &ANNOUNCE, keys, arguments: arguments.collect() }
    }

    pub(super) fn fill<'a>(
        &self,
        document: Document,
        named: &Named,
        bytes: &'a [u8],
        life: Option<Duration>,
    ) -> Call<'a> {
        let life_ms = life.map_or(0, |life| life.as_millis().max(1));
        let keys = vec![self.keys.record(), self.keys.copy(document)];
        let arguments = vec![
            owned(document.to_string()),
            owned(named.to_string()),
            owned(self.directory.clone()),
            Cow::Borrowed(bytes),
            owned(life_ms.to_string()),
        ];
        Call { source: &FILL, keys, arguments }
    }

    pub(super) fn drop_copies(&self, document: Document, told: Told) -> Call<'static> {
        let keys = self.keys.dropped_with(document);
        Call { source: &DROP, keys, arguments: told.into_arguments().to_vec() }
    }

    pub(super) fn remove_stale(
        &self,
        document: Document,
        named: &Named,
        length: usize,
    ) -> Call<'static> {
        let said =
            [document.to_string(), named.to_string(), self.directory.clone(), length.to_string()];
        let keys = vec![self.keys.record(), self.keys.copy(document)];
        Call { source: &REMOVE, keys, arguments: said.map(owned).to_vec() }
    }

    pub(super) fn survey(&self, documents: &[Document]) -> Call<'static> {
        let mut keys = vec![self.keys.record()];
        keys.extend(documents.iter().map(|document| self.keys.copy(*document)));
        Call { source: &SURVEY, keys, arguments: vec![owned(self.directory.clone())] }
    }

    /// What everybody is told of the content of a document.
    pub(super) fn told(&self, document: Document, named: &Named) -> Told {
        self.said_of(document, Some(*named))
    }

    /// Tells everybody to look, though nothing new is known.
    pub(super) fn told_to_look(&self, document: Document) -> Told {
        self.said_of(document, None)
    }

    fn said_of(&self, document: Document, named: Option<Named>) -> Told {
        if !self.publishes {
            return Told::default();
        }
        let message = ChangeMessage { document, named, worker: self.worker.as_str().into() };
        let category = document.spoken_of().filter(|_| !self.is_sharded);
        Told {
            changes: self.keys.changes(),
            message: message.to_string(),
            invalidations: self.keys.invalidations(),
            category: category.map(|category| category.to_string()).unwrap_or_default(),
            command: if self.is_sharded { "SPUBLISH" } else { "PUBLISH" },
        }
    }
}

impl Call<'_> {
    /// Runs the script by its digest, and by its text where the server does not know it.
    pub(super) async fn run(&self, link: &Link, budget: Duration) -> Result<Value, Failure> {
        match link.ask(&self.command("EVALSHA", &self.source.digest), budget).await {
            Err(Failure::Server(error)) if is_unknown(&error) => {
                link.ask(&self.command("EVAL", self.source.text), budget).await
            }
            answer => answer,
        }
    }

    fn command(&self, name: &'static str, script: &str) -> Cmd {
        let mut cmd = cmd(name);
        cmd.arg(script).arg(self.keys.len()).arg(&self.keys);
        for argument in &self.arguments {
            cmd.arg(&**argument);
        }
        cmd
    }
}

fn owned(text: String) -> Cow<'static, [u8]> {
    Cow::Owned(text.into_bytes())
}

fn is_unknown(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::NoScript)
}

impl Announced {
    pub(super) fn read(answer: Value) -> Result<Self, RedisError> {
        let mut words = words(answer)?.into_iter();
        let (outcome, held) = (words.next(), words.next().unwrap_or_default());
        Ok(match outcome.as_deref() {
            Some("RAISED") => Self::Raised(words.collect()),
            Some("SAME") => Self::Same,
            Some("REFUSED" | "CONFLICT") => Self::Refused(Named::parse(&held)),
            Some("OTHER") => Self::OtherDirectory(held),
            _ => return Err(unexpected("an announcement")),
        })
    }
}

impl Filled {
    pub(super) fn read(answer: Value) -> Result<Self, RedisError> {
        let mut words = words(answer)?.into_iter();
        let (outcome, held) = (words.next(), words.next().unwrap_or_default());
        Ok(match outcome.as_deref() {
            Some("STORED") => Self::Stored,
            Some("REFUSED") => Self::Refused,
            Some("OTHER") => Self::OtherDirectory(held),
            _ => return Err(unexpected("a fill")),
        })
    }
}

impl Survey {
    pub(super) fn read(answer: Value, asked: usize) -> Result<Self, RedisError> {
        type Answer = (Vec<u8>, Vec<Vec<u8>>, Vec<i64>, String);
        // What others have put into the record need not be text.
        let (directory, record, copies, complaint) = Answer::from_redis_value(answer)?;
        let directory = String::from_utf8_lossy(&directory).into_owned();
        let copies = copies.into_iter().map(|there| there != 0).collect::<Vec<_>>();
        let copies = (copies.len() == asked).then_some(copies);
        let complaint = (!complaint.is_empty()).then_some(complaint);
        Ok(Self { directory, record: Record::of_pairs(&record), copies, complaint })
    }
}

/// The words of an answer. What others have put into the record need not be text.
fn words(answer: Value) -> Result<Vec<String>, RedisError> {
    let words = Vec::<Vec<u8>>::from_redis_value(answer)?;
    Ok(words.iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect())
}

fn unexpected(what: &'static str) -> RedisError {
    (ErrorKind::UnexpectedReturnType, "no outcome of", what.to_owned()).into()
}
