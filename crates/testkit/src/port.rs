//! Ports for servers that must be told where to listen, given out from one place.
//!
//! They lie below those the kernel hands to outgoing connections, so that nobody gets one by chance
//! while its server is down, and a lock on a file keeps test processes out of each other's way.

use std::fs::{DirBuilder, File};
use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::DirBuilderExt;
use std::sync::atomic::{AtomicU16, Ordering};

use anyhow::{Context, Result, bail};

const FIRST: u16 = 10_000;
const COUNT: u16 = 9_000;
/// Redis Cluster nodes talk to each other at their port and so much.
const BUS_OFFSET: u16 = 10_000;

/// A port of the loopback that is ours, with the one of the cluster bus, until this is dropped.
#[derive(Debug)]
pub(crate) struct Port {
    number: u16,
    _lock: File,
}

impl Port {
    /// One at which nothing listens.
    pub(crate) fn take() -> Result<Self> {
        static NEXT: AtomicU16 = AtomicU16::new(0);
        // Processes begin at different places, so that few of them meet.
        let process = (std::process::id() % 1_000) as u16 * 9;
        let folder = std::env::temp_dir()
            .join(format!("testkit-ports-{}", rustix::process::getuid().as_raw()));
        match DirBuilder::new().mode(0o700).create(&folder) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                return Err(error).with_context(|| folder.display().to_string());
            }
            _ => {}
        }
        for _ in 0..COUNT {
            let number = FIRST + process.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % COUNT;
            let path = folder.join(number.to_string());
            let lock = File::options().create(true).append(true).open(&path)?;
            if lock.try_lock().is_ok() && is_free(number) && is_free(number + BUS_OFFSET) {
                return Ok(Self { number, _lock: lock });
            }
        }
        bail!("every port from {FIRST} on is taken")
    }

    /// The number.
    pub(crate) fn number(&self) -> u16 {
        self.number
    }
}

fn is_free(number: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, number)).is_ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn nobody_gets_a_port_twice_while_it_is_held() -> Result<()> {
        let held: Vec<Port> = (0..50).map(|_| Port::take()).collect::<Result<_>>()?;
        let numbers: BTreeSet<u16> = held.iter().map(Port::number).collect();
        assert_eq!(numbers.len(), held.len());
        Ok(())
    }

    #[test]
    fn a_port_somebody_listens_at_is_not_given_out() -> Result<()> {
        let port = Port::take()?;
        let _listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port.number()))?;
        assert!(!is_free(port.number()));
        Ok(())
    }
}
