//! The faults that can be made, and the plan a worker is started with to make some of them itself.

use std::fmt;
use std::str::FromStr;

use clap::ValueEnum;

/// Word of the line that tells of a process's death, whatever it died of.
pub const DEATH: &str = "death";
/// Word of the line that tells that `.coherence` was deleted.
pub const FORGET: &str = "forget";

/// Word of the line that tells that a write was not acknowledged although all faults had ended.
pub const REFUSED_AT_THE_END: &str = "refused at the end";

/// Word of the line that tells that Redis was not in use again although all faults had ended.
pub const NOT_LIVE_AT_THE_END: &str = "not live at the end";

/// The steps of a commit at which a worker can be made to die, to stand still or to meet an error,
/// in their order.
pub const POINTS: [&str; 16] = [
    "lock",
    "recover",
    "read",
    "stage",
    "slot",
    "flush-staged",
    "exchange",
    "check",
    "flush-folder",
    "derived",
    "metadata",
    "audit",
    "requests",
    "done",
    "keep",
    "unlock",
];

/// A rule of the protocol that can be left out, to see the checker convict it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Mutation {
    /// Plain reads do not look at their lease.
    Lease,
    /// Acknowledgements do not wait for the leases of others.
    CommitWait,
    /// Writers do not keep each other out.
    Lock,
    /// A stamp is trusted from the first.
    YoungStamp,
    /// An older content that came back keeps its old name.
    Floor,
    /// What an exchange displaced is not looked at.
    DisplacedCheck,
    /// What a dead writer left is not set right.
    Recovery,
    /// Copies in Redis are taken whatever they are.
    CopyProof,
    /// Records in Redis may fall.
    RisingRecord,
    /// Copies are stored in Redis whatever was announced since.
    LateFill,
    /// What Redis says is compared with what is held only once.
    Comparison,
    /// Who subscribes anew does not look at what was missed.
    Gap,
}

impl fmt::Display for Mutation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.to_possible_value();
        f.write_str(value.as_ref().map_or("mutation", |value| value.get_name()))
    }
}

/// A fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, ValueEnum)]
pub enum Fault {
    /// Kill a worker at any time.
    Kill,
    /// Start workers that kill themselves at a step of a commit.
    Points,
    /// Start workers that stand still at a step of a commit, as long as with `stop`.
    Pauses,
    /// Stop a worker for 10 ms to 5 s.
    Stop,
    /// Edit documents by hand: put in place by rename, in the reference's two renames, or in place
    /// with the old modification time.
    Edits,
    /// Edit a document many times within a tick of the clock, keeping size and time.
    Bursts,
    /// Replace a document by garbage or cut it short, and repair it.
    Garbage,
    /// Put an older copy of a document back.
    Older,
    /// Delete `.coherence`.
    Forget,
    /// Fill the disk. Needs a small disk of its own.
    Full,
    /// Remount read-only. Needs a disk of its own.
    ReadOnly,
    /// Start workers that meet errors of reading and writing at a step of a commit.
    Errors,
    /// Start workers whose wall clock is wrong.
    Clock,
    /// Start workers whose runtime is kept busy.
    Starve,
    /// Kill Redis, and start it again empty or with its data.
    RedisKill,
    /// Stop Redis for 0.1 to 5 s, in long rounds up to 30 s.
    RedisStop,
    /// Delete everything in Redis, or the scripts it knows.
    RedisFlush,
    /// Let Redis end its subscriptions, or its other connections.
    RedisClients,
    /// Let Redis refuse to grow, or throw away keys at random.
    RedisMemory,
    /// Restore an older dump of Redis.
    RedisOlder,
    /// Put what nobody of us says into Redis: garbage, records of other models, lists where there
    /// should be none, a record that is ahead of the files, forged messages.
    RedisPoison,
    /// Delay, cut, swallow, hold back or slow down what passes between one worker and Redis.
    RedisNet,
}

impl Fault {
    /// Whether it needs Redis.
    pub fn is_of_redis(self) -> bool {
        self >= Self::RedisKill
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.to_possible_value();
        f.write_str(value.as_ref().map_or("fault", |value| value.get_name()))
    }
}

/// What happens at a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// The process kills itself with SIGKILL.
    Kill,
    /// The process stops itself with SIGSTOP.
    Stop,
    /// The step returns an input/output error.
    Io,
    /// The step returns "no space left on device".
    NoSpace,
}

/// One thing a worker does to itself: `exchange=kill@3` is dying at the third exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Armed {
    /// The step.
    pub point: String,
    /// What happens there.
    pub effect: Effect,
    /// The how manieth time, from 1.
    pub pass: u64,
}

impl fmt::Display for Armed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let effect = match self.effect {
            Effect::Kill => "kill",
            Effect::Stop => "stop",
            Effect::Io => "eio",
            Effect::NoSpace => "enospc",
        };
        write!(f, "{}={effect}@{}", self.point, self.pass)
    }
}

impl FromStr for Armed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('=').and_then(|(point, rest)| {
            let (effect, pass) = rest.split_once('@')?;
            Some((point, effect, pass.parse().ok()?))
        });
        let (point, effect, pass) = parts.ok_or_else(|| format!("`{text}`: POINT=EFFECT@PASS"))?;
        if !POINTS.contains(&point) {
            return Err(format!("`{point}` is none of {}", POINTS.join(", ")));
        }
        let effect = match effect {
            "kill" => Effect::Kill,
            "stop" => Effect::Stop,
            "eio" => Effect::Io,
            "enospc" => Effect::NoSpace,
            other => return Err(format!("`{other}` is none of kill, stop, eio, enospc")),
        };
        Ok(Self { point: point.to_owned(), effect, pass })
    }
}

impl Armed {
    /// Any of these effects, at each step in its turn.
    pub fn any(random: &mut fastrand::Rng, effects: &[Effect], turn: usize) -> Option<Self> {
        let effect = random.choice(effects.iter().copied())?;
        let point = POINTS[turn % POINTS.len()].to_owned();
        Some(Self { point, effect, pass: random.u64(1..=8) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_read_as_it_is_written() {
        let armed: Armed = "flush-folder=eio@3".parse().unwrap();
        assert_eq!(armed.to_string(), "flush-folder=eio@3");
        for wrong in ["nowhere=kill@1", "lock=burn@1", "lock=kill", "lock=kill@x"] {
            assert!(wrong.parse::<Armed>().is_err(), "{wrong}");
        }
    }
}
