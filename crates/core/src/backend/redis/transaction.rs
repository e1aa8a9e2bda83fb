//! The scripts' work without scripts, for servers and users that may not run any: what was read is
//! watched, and nothing is written if it has changed meanwhile.
//!
//! A watch belongs to a connection, so each call makes one of its own. That is slow, and rare: once
//! for each change.

use ::redis::aio::ConnectionLike;
use ::redis::{Cmd, FromRedisValue, RedisError, Value, cmd, pipe};

use super::Shared;
use super::link::{Connection, Failure};
use super::record::{Named, Record};
use super::scripts::{Announced, Filled, Survey};
use crate::Document;

/// How often it is tried again because somebody else was faster.
const ATTEMPTS: usize = 3;

/// See `announce.lua`.
pub(super) async fn announce(
    shared: &Shared,
    document: Document,
    named: &Named,
) -> Result<Announced, Failure> {
    let field = document.to_string();
    let [changes, message, invalidations, category] = shared.speaker.told(document, named);
    within(shared, async |mut link| {
        for _ in 0..ATTEMPTS {
            let (directory, held) = link.watch(&field).await?;
            if let Some(other) = directory.as_ref().filter(|other| **other != link.directory()) {
                link.forget().await?;
                return Ok(Announced::OtherDirectory(other.clone()));
            }
            let held = held.as_deref().and_then(Named::parse);
            if let Some(held) = held.filter(|held| held.generation >= named.generation) {
                link.forget().await?;
                return Ok(match held == *named {
                    true => Announced::Same,
                    false => Announced::Refused(Some(held)),
                });
            }
            let mut all = vec![
                link.set_field("_dir", &shared.speaker.directory),
                link.set_field(&field, &named.to_string()),
                cmd("UNLINK").arg(shared.speaker.keys.dropped_with(document)).to_owned(),
            ];
            if !changes.is_empty() {
                all.push(cmd("PUBLISH").arg(&changes).arg(&message).to_owned());
                if !category.is_empty() {
                    all.push(cmd("PUBLISH").arg(&invalidations).arg(&category).to_owned());
                }
            }
            if link.do_all(&all).await? {
                return Ok(Announced::Raised(Vec::new()));
            }
        }
        Ok(Announced::Refused(None))
    })
    .await
}

/// See `fill.lua`.
pub(super) async fn fill(
    shared: &Shared,
    document: Document,
    named: &Named,
    bytes: &[u8],
) -> Result<Filled, Failure> {
    let field = document.to_string();
    within(shared, async |mut link| {
        let (directory, held) = link.watch(&field).await?;
        let is_ours = directory.as_deref() == Some(link.directory());
        if !is_ours || held.as_deref() != Some(&*named.to_string()) {
            link.forget().await?;
            return Ok(match directory {
                Some(other) if !is_ours => Filled::OtherDirectory(other),
                _ => Filled::Refused,
            });
        }
        let mut set = cmd("SET");
        set.arg(shared.speaker.keys.copy(document)).arg(bytes);
        if let Some(life) = shared.habits.life {
            set.arg("PX").arg(u64::try_from(life.as_millis()).unwrap_or(u64::MAX).max(1));
        }
        let is_done = link.do_all(&[set]).await?;
        Ok(if is_done { Filled::Stored } else { Filled::Refused })
    })
    .await
}

/// See `remove.lua`; any copy is removed.
pub(super) async fn remove_stale(
    shared: &Shared,
    document: Document,
    named: &Named,
) -> Result<bool, Failure> {
    let field = document.to_string();
    within(shared, async |mut link| {
        let (directory, held) = link.watch(&field).await?;
        let is_ours = directory.as_deref() == Some(link.directory());
        if !is_ours || held.as_deref() != Some(&*named.to_string()) {
            link.forget().await?;
            return Ok(false);
        }
        let unlink = cmd("UNLINK").arg(shared.speaker.keys.copy(document)).to_owned();
        link.do_all(&[unlink]).await
    })
    .await
}

/// See `survey.lua`; no prefix is claimed.
pub(super) async fn survey(shared: &Shared, documents: &[Document]) -> Result<Survey, Failure> {
    let all = cmd("HGETALL").arg(shared.speaker.keys.record()).to_owned();
    let answer = shared.commands.ask(&all, shared.habits.command_budget).await?;
    let pairs =
        Vec::<Vec<u8>>::from_redis_value(answer).map_err(|error| Failure::Server(error.into()))?;
    let directory = pairs.chunks_exact(2).find(|pair| pair[0] == b"_dir");
    let directory = directory.map(|pair| String::from_utf8_lossy(&pair[1]).into_owned());
    Ok(Survey {
        directory: directory.unwrap_or_default(),
        record: Record::of_pairs(&pairs),
        copies: copies(shared, documents).await,
    })
}

/// Which copies there are, if the server says so.
async fn copies(shared: &Shared, documents: &[Document]) -> Option<Vec<bool>> {
    let mut all = pipe();
    for document in documents {
        all.add_command(cmd("EXISTS").arg(shared.speaker.keys.copy(*document)).to_owned());
    }
    if documents.is_empty() {
        return Some(Vec::new());
    }
    let answers = shared.commands.ask_all(&all, shared.habits.command_budget).await.ok()?;
    let is_there = |answer| match answer {
        Value::Int(count) => Some(count != 0),
        _ => None,
    };
    answers.into_iter().map(is_there).collect()
}

/// A connection that nobody else uses.
struct Alone<'a> {
    shared: &'a Shared,
    connection: Connection,
}

/// Makes a connection for one piece of work and limits the time of both.
async fn within<T>(
    shared: &Shared,
    work: impl AsyncFnOnce(Alone<'_>) -> Result<T, RedisError>,
) -> Result<T, Failure> {
    let budget = shared.server.patience() + shared.habits.value_budget;
    let done = async {
        let connection = shared.server.connect_alone().await?;
        work(Alone { shared, connection }).await
    };
    match tokio::time::timeout(budget, done).await {
        Ok(done) => done.map_err(Failure::of),
        Err(_) => Err(Failure::TimedOut),
    }
}

impl Alone<'_> {
    fn directory(&self) -> &str {
        &self.shared.speaker.directory
    }

    /// Watches the record, and reads whose it is and what it says of the document.
    async fn watch(&mut self, field: &str) -> Result<(Option<String>, Option<String>), RedisError> {
        let record = self.shared.speaker.keys.record();
        self.ask(cmd("WATCH").arg(&record)).await?;
        let directory = self.ask(cmd("HGET").arg(&record).arg("_dir")).await?;
        let held = self.ask(cmd("HGET").arg(&record).arg(field)).await?;
        // What others have put there need not be text.
        let text = |value| {
            let bytes = Option::<Vec<u8>>::from_redis_value(value)?;
            Ok::<_, RedisError>(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
        };
        Ok((text(directory)?, text(held)?))
    }

    async fn forget(&mut self) -> Result<(), RedisError> {
        self.ask(&cmd("UNWATCH")).await.map(drop)
    }

    /// Does all of it, if nothing watched has changed. Each command is sent by itself: a refused `MULTI`
    /// confuses the library's own transactions.
    async fn do_all(&mut self, commands: &[Cmd]) -> Result<bool, RedisError> {
        self.ask(&cmd("MULTI")).await?;
        for command in commands {
            self.ask(command).await?;
        }
        match self.ask(&cmd("EXEC")).await? {
            Value::Nil => Ok(false),
            answers => answers.extract_error().map(|_| true),
        }
    }

    fn set_field(&self, field: &str, value: &str) -> Cmd {
        cmd("HSET").arg(self.shared.speaker.keys.record()).arg(field).arg(value).to_owned()
    }

    async fn ask(&mut self, cmd: &Cmd) -> Result<Value, RedisError> {
        self.connection.req_packed_command(cmd).await?.extract_error()
    }
}
