//! The Redis of a round: a real server, a relay in front of it for each worker, what is done to both,
//! and what must be so when all of that is over.

use std::num::NonZeroU16;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};
use fastrand::Rng;
use horde_model_reference::Category;
use horde_model_reference::generation::Digest;
use testkit::{Fault as Impediment, FaultProxy, RedisClient, RedisDump, RedisServer, eventually};

use crate::faults::Fault;
use crate::history::{Recorder, Source};
use crate::subject::{document_path, names_in, record, shared_names};

/// The key prefix that workers use.
const PREFIX: &str = "horde:model_ref";

/// How long the server may take to answer before a fault is not made after all.
const PATIENCE: Duration = Duration::from_secs(2);

/// Within which time Redis must say what the files say. A server that had no room is not asked to
/// store copies for half a minute.
const HEALED_WITHIN: Duration = Duration::from_secs(10);
const FILLED_WITHIN: Duration = Duration::from_secs(45);

/// A round at least so long has some long stops, too.
const LONG_ROUND: Duration = Duration::from_secs(60);

/// A server, and the way of each worker to it.
#[derive(Debug)]
pub struct Cache {
    server: RedisServer,
    ways: Vec<Way>,
    random: Rng,
    documents: Vec<Category>,
    legacy: bool,
    is_long: bool,
    /// What it held some time ago.
    older: Option<RedisDump>,
    /// Why it does not answer, and until when.
    away: Option<(Instant, Away)>,
    /// When it may grow again.
    small_until: Option<Instant>,
    had_no_room: bool,
}

#[derive(Debug)]
struct Way {
    proxy: FaultProxy,
    impeded_until: Option<Instant>,
}

#[derive(Debug)]
enum Away {
    Stopped,
    /// It was killed, and begins again with nothing or with this.
    Killed(Option<RedisDump>),
}

impl Cache {
    /// Starts a server for workers in that many slots.
    pub fn start(
        slots: usize,
        documents: &[Category],
        legacy: bool,
        round: Duration,
        random: Rng,
    ) -> Result<Self> {
        let server = RedisServer::start()?;
        let way = |_| Ok(Way { proxy: FaultProxy::start(server.address())?, impeded_until: None });
        Ok(Self {
            ways: (0..slots).map(way).collect::<Result<_>>()?,
            server,
            random,
            documents: documents.to_vec(),
            legacy,
            is_long: round >= LONG_ROUND,
            older: None,
            away: None,
            small_until: None,
            had_no_room: false,
        })
    }

    /// Where the worker in a slot reaches it.
    pub fn port(&self, slot: usize) -> Result<NonZeroU16> {
        NonZeroU16::new(self.ways[slot].proxy.port()).context("no port")
    }

    /// Makes one fault, unless the server is away because of an earlier one. In words what was done.
    pub fn make(&mut self, fault: Fault) -> Result<Option<String>> {
        if fault == Fault::RedisNet {
            return self.impede().map(Some);
        }
        if self.away.is_some() {
            return Ok(None);
        }
        match fault {
            Fault::RedisKill => self.kill().map(Some),
            Fault::RedisStop => self.stop().map(Some),
            Fault::RedisOlder => self.restore(),
            Fault::RedisFlush => self.ask_one_of(&[
                ("redis: FLUSHALL", &["FLUSHALL"]),
                ("redis: SCRIPT FLUSH", &["SCRIPT", "FLUSH"]),
            ]),
            Fault::RedisClients => self.ask_one_of(&[
                ("redis: CLIENT KILL of subscriptions", &["CLIENT", "KILL", "TYPE", "pubsub"]),
                ("redis: CLIENT KILL of connections", &["CLIENT", "KILL", "TYPE", "normal"]),
            ]),
            Fault::RedisMemory => self.shrink().map(Some),
            Fault::RedisPoison => self.poison().map(Some),
            other => bail!("{other} is not a fault of redis"),
        }
    }

    /// Ends what has lasted long enough.
    pub fn attend(&mut self) -> Result<()> {
        let now = Instant::now();
        if self.away.as_ref().is_some_and(|(until, _)| now >= *until) {
            self.come_back()?;
        }
        if self.away.is_none() && self.small_until.is_some_and(|until| now >= until) {
            self.grow()?;
        }
        for way in &mut self.ways {
            if way.impeded_until.is_some_and(|until| now >= until) {
                way.pass()?;
            }
        }
        Ok(())
    }

    /// Ends all faults.
    pub fn heal(&mut self) -> Result<()> {
        self.come_back()?;
        self.grow()?;
        self.ways.iter_mut().try_for_each(Way::pass)
    }

    /// Deletes whose directory the prefix belongs to, and all that is said of it.
    pub fn disown(&self) -> Result<()> {
        self.ask(&["DEL", &key("coh:gen")])
    }

    /// Deletes everything, after which nobody writes: what is said must come back by itself.
    pub fn empty(&self) -> Result<()> {
        self.ask(&["FLUSHALL"])
    }

    /// Waits until the record and the copies are what the files are, and notes them. Answers how long
    /// that took, or else how they differ.
    pub fn agree(&self, data: &Path, recorder: &Recorder) -> Result<Result<Duration, String>> {
        let begun = Instant::now();
        let within = if self.had_no_room { FILLED_WITHIN } else { HEALED_WITHIN };
        let agreed = eventually(within, || {
            self.documents
                .iter()
                .map(|category| self.agreed(data, *category))
                .collect::<Result<Vec<_>>>()
        });
        let said = match agreed {
            Ok(said) => said,
            Err(error) => return Ok(Err(format!("{error:#}"))),
        };
        for (category, (generation, bytes)) in self.documents.iter().zip(said) {
            let names = names_in(*category, self.legacy, &bytes).context("no document")?;
            let digest = Digest::of(&bytes).to_string();
            recorder.content(category.name(), generation, &digest, Source::Shared, || names)?;
        }
        Ok(Ok(begun.elapsed()))
    }

    /// What Redis says of a document, if it is what its file says.
    fn agreed(&self, data: &Path, category: Category) -> Result<(u64, Vec<u8>)> {
        let bytes = std::fs::read(document_path(data, category, self.legacy))?;
        let (field, copy) = shared_names(category, self.legacy);
        let mut client = self.client()?;
        let recorded = client.command(&["HGET", &key("coh:gen"), &field])?.text();
        let recorded = recorded.with_context(|| format!("there is no record of {field}"))?;
        let (generation, digest) = recorded.split_once(':').context("nonsense in the record")?;
        ensure!(digest == Digest::of(&bytes).to_string(), "the record of {field} is {recorded}");
        let copied = client.command(&["GET", &key(&copy)])?.text();
        let copied = copied.with_context(|| format!("there is no copy of {field}"))?;
        ensure!(copied.as_bytes() == bytes, "the copy of {field} is not its file");
        Ok((generation.parse()?, bytes))
    }

    fn kill(&mut self) -> Result<String> {
        let (word, dump) = match self.random.bool() {
            true => ("redis: killed, back empty", None),
            false => ("redis: killed, back with its data", Some(self.server.dump()?)),
        };
        self.server.kill()?;
        self.away = Some((self.later(10..2_000), Away::Killed(dump)));
        self.small_until = None;
        Ok(word.to_owned())
    }

    fn stop(&mut self) -> Result<String> {
        self.server.pause()?;
        let is_longer = self.is_long && self.random.u32(..8) == 0;
        let until = self.later(if is_longer { 5_000..30_000 } else { 100..5_000 });
        self.away = Some((until, Away::Stopped));
        Ok(format!("redis: {}stops", if is_longer { "long " } else { "" }))
    }

    /// Puts an older dump back, if there is one; keeps one for later.
    fn restore(&mut self) -> Result<Option<String>> {
        let Some(older) = self.older.take() else {
            self.older = Some(self.server.dump()?);
            return Ok(None);
        };
        self.server.restart_from(&older)?;
        self.small_until = None;
        if self.random.bool() {
            self.older = Some(older);
        }
        Ok(Some("redis: older dumps restored".to_owned()))
    }

    fn shrink(&mut self) -> Result<String> {
        let used: u64 = self.server.info("memory", "used_memory")?.parse()?;
        let (word, policy, limit) = match self.random.bool() {
            true => ("redis: no room", "noeviction", 1),
            false => ("redis: keys thrown away", "allkeys-random", used - self.random.u64(..9_999)),
        };
        self.ask(&["CONFIG", "SET", "maxmemory-policy", policy])?;
        self.ask(&["CONFIG", "SET", "maxmemory", &limit.to_string()])?;
        self.small_until = Some(self.later(100..3_000));
        self.had_no_room = true;
        Ok(word.to_owned())
    }

    fn grow(&mut self) -> Result<()> {
        if self.small_until.take().is_some() {
            self.ask(&["CONFIG", "SET", "maxmemory", "0"])?;
        }
        Ok(())
    }

    fn come_back(&mut self) -> Result<()> {
        match self.away.take() {
            None => Ok(()),
            Some((_, Away::Stopped)) => self.server.resume(),
            Some((_, Away::Killed(None))) => self.server.restart(),
            Some((_, Away::Killed(Some(dump)))) => self.server.restart_from(&dump),
        }
    }

    /// Says what nobody of us would.
    fn poison(&mut self) -> Result<String> {
        let category = self.documents[self.random.usize(..self.documents.len())];
        let (field, copy) = shared_names(category, self.legacy);
        let (record_key, copy_key) = (key("coh:gen"), key(&copy));
        let foreign = serde_json::json!({"poison": record(category, "poison")}).to_string();
        let ahead = self.ahead(&field)?;
        let (word, commands): (_, Vec<Vec<&str>>) = match self.random.u32(..8) {
            0 => ("garbage for copies", vec![vec!["SET", &copy_key, "{\"gar"]]),
            1 => ("foreign copies", vec![vec!["SET", &copy_key, &foreign]]),
            2 => ("lists for copies", list(&copy_key)),
            3 => ("lists for records", list(&record_key)),
            4 => ("nonsense in records", vec![vec!["HSET", &record_key, &field, "5:x"]]),
            5 => ("records ahead", vec![vec!["HSET", &record_key, &field, &ahead]]),
            6 => ("deleted copies", vec![vec!["DEL", &copy_key]]),
            _ => {
                let said = format!("1 {field} {} w", ahead.replace(':', " "));
                self.ask(&["PUBLISH", &key("coh:changes"), &said])?;
                self.ask(&["PUBLISH", &key("coh:changes"), "1 \u{1f40e}"])?;
                self.ask(&["PUBLISH", &key("invalidate"), category.name()])?;
                ("forged messages", Vec::new())
            }
        };
        let word = format!("redis: {word}");
        for command in commands {
            // A server without room refuses some.
            self.client()?.reply_to(&command)?;
        }
        Ok(word)
    }

    /// A record of a content that nobody has, some time ahead of what is recorded or of the clock.
    fn ahead(&mut self, field: &str) -> Result<String> {
        let recorded = self.client()?.reply_to(&["HGET", &key("coh:gen"), field])?.text();
        let recorded = recorded.as_deref().and_then(|text| text.split_once(':'));
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_millis();
        let known = recorded.and_then(|(generation, _)| generation.parse().ok());
        let generation = known.unwrap_or(u64::try_from(now)?) + self.random.u64(..20_000);
        let digest: String = (0..64).map(|_| self.random.digit(16)).collect();
        Ok(format!("{generation}:{digest}"))
    }

    fn impede(&mut self) -> Result<String> {
        let milliseconds = |random: &mut Rng, most| Duration::from_millis(random.u64(1..most));
        let random = &mut self.random;
        let (word, impediment) = match random.u32(..7) {
            0 => ("delayed", Impediment::Delay(milliseconds(random, 400))),
            1 => ("cut", Impediment::Cut),
            2 => ("black hole", Impediment::BlackHole),
            3 => ("answers held back", Impediment::HoldAnswers),
            4 => ("trickle", Impediment::Trickle(milliseconds(random, 20))),
            5 => ("slow", Impediment::Rate(random.u32(1_000..200_000))),
            _ => ("cut once", Impediment::Pass),
        };
        let until = self.later(100..4_000);
        let slot = self.random.usize(..self.ways.len());
        let way = &mut self.ways[slot];
        if impediment == Impediment::Pass {
            way.proxy.cut_connections();
        } else {
            way.proxy.set_fault(impediment)?;
            way.impeded_until = Some(until);
        }
        Ok(format!("network: {word}"))
    }

    fn ask_one_of(&mut self, commands: &[(&str, &[&str])]) -> Result<Option<String>> {
        let (word, command) = commands[self.random.usize(..commands.len())];
        self.ask(command)?;
        Ok(Some(word.to_owned()))
    }

    fn ask(&self, command: &[&str]) -> Result<()> {
        self.client()?.command(command).map(drop)
    }

    fn client(&self) -> Result<RedisClient> {
        self.server.client_within(PATIENCE).map_err(|error| anyhow!("redis: {error:#}"))
    }

    fn later(&mut self, milliseconds: std::ops::Range<u64>) -> Instant {
        Instant::now() + Duration::from_millis(self.random.u64(milliseconds))
    }
}

impl Way {
    fn pass(&mut self) -> Result<()> {
        self.impeded_until = None;
        self.proxy.set_fault(Impediment::Pass)
    }
}

fn key(name: &str) -> String {
    format!("{PREFIX}:{name}")
}

/// The commands that put a list where something else belongs.
fn list(key: &str) -> Vec<Vec<&str>> {
    vec![vec!["DEL", key], vec!["LPUSH", key, "x"]]
}
