//! The scripts' work without scripts, for servers and users that may not run any: what was read is
//! watched, and nothing is written if it has changed meanwhile.
//!
//! A watch belongs to a connection, so each call makes one of its own. That is slow, and rare: once
//! for each change.

use ::redis::aio::ConnectionLike;
use ::redis::{Cmd, ErrorKind, FromRedisValue, RedisError, Value, cmd, pipe};

use super::Shared;
use super::link::{Connection, Failure};
use super::record::{Named, Record};
use super::scripts::{Announced, Filled, Survey, Told};
use crate::Document;

/// How often it is tried again because somebody else was faster.
const ATTEMPTS: usize = 3;
/// How copies are dropped.
const DROPPING: &str = "UNLINK";

/// See `announce.lua`.
pub(super) async fn announce(
    shared: &Shared,
    document: Document,
    named: &Named,
) -> Result<Announced, Failure> {
    let field = document.to_string();
    let needed = [
        record_field(shared, "_dir", &shared.speaker.directory),
        record_field(shared, &field, &named.to_string()),
    ];
    // What is raised stays raised, also for a user who may not do the rest.
    let mut rest = dropping(shared, document, shared.speaker.told(document, named));
    let mut complaints = Vec::new();
    within(shared, async |mut link| {
        let mut attempt = 0;
        while attempt < ATTEMPTS {
            let (directory, held) = link.watch(&field).await?;
            if let Some(other) = directory.as_ref().filter(|other| **other != link.directory()) {
                link.forget().await?;
                return Ok(Announced::OtherDirectory(other.clone()));
            }
            let held = held.as_deref().and_then(Named::parse);
            let stays = |held: &Named| {
                held.generation >= named.generation && held.is_believed(named.generation)
            };
            if let Some(held) = held.filter(stays) {
                link.forget().await?;
                return Ok(match held == *named {
                    true => Announced::Same,
                    false => Announced::Refused(Some(held)),
                });
            }
            let all: Vec<_> = needed.iter().chain(rest.iter().map(|(_, cmd)| cmd)).collect();
            match link.do_all(&all).await? {
                Done::All => return Ok(Announced::Raised(complaints)),
                Done::Nothing => attempt += 1,
                Done::Refused { place, error } => {
                    let Some(place) = place.checked_sub(needed.len()) else { return Err(error) };
                    let (name, _) = rest.remove(place);
                    complaints.push(format!("{name}: {error}"));
                    if let Some(again) = said_again(&rest[..place]) {
                        rest.push(again);
                    }
                }
            }
        }
        Err(overtaken())
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
    let mut set = cmd("SET");
    set.arg(shared.speaker.keys.copy(document)).arg(bytes);
    if let Some(life) = shared.habits.life {
        set.arg("PX").arg(u64::try_from(life.as_millis()).unwrap_or(u64::MAX).max(1));
    }
    within(shared, async |mut link| {
        for _ in 0..ATTEMPTS {
            let (directory, held) = link.watch(&field).await?;
            let is_ours = directory.as_deref() == Some(link.directory());
            if !is_ours || held.as_deref() != Some(&*named.to_string()) {
                link.forget().await?;
                return Ok(match directory {
                    Some(other) if !is_ours => Filled::OtherDirectory(other),
                    _ => Filled::Refused,
                });
            }
            match link.do_all(&[&set]).await? {
                Done::All => return Ok(Filled::Stored),
                // Another document may have been announced: the record of all is watched.
                Done::Nothing => {}
                Done::Refused { error, .. } => return Err(error),
            }
        }
        Err(overtaken())
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
        Ok(matches!(link.do_all(&[&unlink]).await?, Done::All))
    })
    .await
}

/// See `drop.lua`.
pub(super) async fn drop_copies(
    shared: &Shared,
    document: Document,
    told: Told,
) -> Result<(), Failure> {
    let all = dropping(shared, document, told);
    for (place, (_, cmd)) in all.iter().enumerate() {
        let done = shared.commands.ask(cmd, shared.habits.command_budget).await;
        if let (Err(Failure::Server(_)), Some((_, again))) = (&done, said_again(&all[..place])) {
            let _ = shared.commands.ask(&again, shared.habits.command_budget).await;
        }
        done?;
    }
    Ok(())
}

/// What to say instead of the bare name that was refused after all this: what is said twice has none
/// after it, and the next one is somebody else's. Nothing, if it was something else that was refused.
fn said_again(before: &[(&'static str, Cmd)]) -> Option<(&'static str, Cmd)> {
    before.last().filter(|(name, _)| *name != DROPPING).cloned()
}

/// See `survey.lua`; nobody claims the prefix by it.
pub(super) async fn survey(shared: &Shared, copied: &[Document]) -> Result<Survey, Failure> {
    let all = cmd("HGETALL").arg(shared.speaker.keys.record()).to_owned();
    let answer = shared.commands.ask(&all, shared.habits.command_budget).await?;
    let pairs =
        Vec::<Vec<u8>>::from_redis_value(answer).map_err(|error| Failure::Server(error.into()))?;
    let (copies, complaint) = match have_copies(shared, copied).await {
        Ok(copies) => (Some(copies), None),
        Err(Failure::Server(error)) => (None, Some(format!("EXISTS: {error}"))),
        Err(failure) => return Err(failure),
    };
    let directory = pairs.chunks_exact(2).find(|pair| pair[0] == b"_dir");
    let directory = directory.map(|pair| String::from_utf8_lossy(&pair[1]).into_owned());
    Ok(Survey {
        directory: directory.unwrap_or_default(),
        record: Record::of_pairs(&pairs),
        copies,
        complaint,
    })
}

async fn have_copies(shared: &Shared, copied: &[Document]) -> Result<Vec<bool>, Failure> {
    if copied.is_empty() {
        return Ok(Vec::new());
    }
    let mut exists = pipe();
    for document in copied {
        exists.cmd("EXISTS").arg(shared.speaker.keys.copy(*document));
    }
    let answers = shared.commands.ask_all(&exists, shared.habits.command_budget).await?;
    let is_there = |answer: Value| Ok(answer.extract_error()? == Value::Int(1));
    answers.into_iter().map(is_there).collect::<Result<_, _>>().map_err(Failure::Server)
}

/// What goes when a document changes, and what is said; with the name of each command.
fn dropping(shared: &Shared, document: Document, told: Told) -> Vec<(&'static str, Cmd)> {
    let Told { changes, message, invalidations, category, command } = told;
    let dropped = shared.speaker.keys.dropped_with(document);
    let mut all = vec![(DROPPING, cmd(DROPPING).arg(dropped).to_owned())];
    for (channel, message) in [(changes, message), (invalidations, category)] {
        if !message.is_empty() {
            all.push((command, cmd(command).arg(channel).arg(message).to_owned()));
        }
    }
    all
}

fn record_field(shared: &Shared, field: &str, value: &str) -> Cmd {
    cmd("HSET").arg(shared.speaker.keys.record()).arg(field).arg(value).to_owned()
}

/// Others were faster again and again. It is tried again later, as after any failure.
fn overtaken() -> RedisError {
    std::io::Error::other("others changed the record meanwhile").into()
}

/// How a transaction ended.
enum Done {
    All,
    /// What was watched has changed.
    Nothing,
    /// The server would not do the command at this place, and so none of them.
    Refused {
        place: usize,
        error: RedisError,
    },
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
    async fn do_all(&mut self, commands: &[&Cmd]) -> Result<Done, RedisError> {
        self.ask(&cmd("MULTI")).await?;
        for (place, command) in commands.iter().enumerate() {
            match self.ask(command).await {
                Err(error) if matches!(error.kind(), ErrorKind::Server(_)) => {
                    // Ends the transaction without doing any of it.
                    let _ = self.ask(&cmd("EXEC")).await;
                    return Ok(Done::Refused { place, error });
                }
                answer => drop(answer?),
            }
        }
        match self.ask(&cmd("EXEC")).await? {
            Value::Nil => Ok(Done::Nothing),
            answers => answers.extract_error().map(|_| Done::All),
        }
    }

    async fn ask(&mut self, cmd: &Cmd) -> Result<Value, RedisError> {
        self.connection.req_packed_command(cmd).await?.extract_error()
    }
}
