//! This process: who it is among others that serve the same, since when, and what it takes.

use std::time::{SystemTime, UNIX_EPOCH};

/// Tells this run of the process from every other, and says nothing else of where it runs.
#[derive(Debug, Clone)]
pub struct Worker {
    /// Drawn at random at the start.
    pub id: String,
    /// The process id.
    pub pid: u32,
    /// Milliseconds since 1970 at the start.
    pub started_ms: u64,
}

/// What the process takes of the machine; nothing of what the system does not tell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Resident memory, in bytes.
    pub resident: Option<u64>,
    /// Open file descriptors.
    pub descriptors: Option<u64>,
    /// Threads.
    pub threads: Option<u64>,
}

impl Worker {
    /// This process, as of now.
    pub fn start() -> Self {
        use std::hash::{BuildHasher, RandomState};
        // Every RandomState is keyed by the system's randomness.
        let id = RandomState::new().hash_one(std::process::id());
        Self { id: format!("{id:016x}"), pid: std::process::id(), started_ms: now_ms() }
    }
}

impl Usage {
    /// What it is at the moment.
    pub fn now() -> Self {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let descriptors = std::fs::read_dir("/proc/self/fd").ok().map(Iterator::count);
        Self {
            resident: number(&status, "VmRSS:").map(|kib| kib * 1024),
            // The one it is counted with is among them.
            descriptors: descriptors.map(|count| count.saturating_sub(1) as u64),
            threads: number(&status, "Threads:"),
        }
    }
}

/// Milliseconds since 1970.
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn number(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_by_their_names() {
        let status = "Name:\tx\nVmRSS:\t   2048 kB\nThreads:\t3\n";
        assert_eq!((number(status, "VmRSS:"), number(status, "Threads:")), (Some(2048), Some(3)));
        assert_eq!(number(status, "VmHWM:"), None);
    }

    #[test]
    fn two_starts_are_told_apart() {
        assert_ne!(Worker::start().id, Worker::start().id);
    }
}
