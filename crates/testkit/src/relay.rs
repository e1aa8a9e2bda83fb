//! One connection through the fault proxy: a thread for each direction, and the fault they suffer.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::Fault;

/// How long a thread that waits for bytes is deaf for a change of the fault.
const TICK: Duration = Duration::from_millis(20);
/// The kernel takes zero for no time-out at all.
const SHORTEST: Duration = Duration::from_millis(1);
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// How much is read ahead of what may pass.
const READ_AHEAD: usize = 1024 * 1024;
/// A rate is kept over slices of a second, so that it is smooth.
const SLICES: u32 = 20;

/// A connection accepted from a client, relayed to a target.
#[derive(Debug)]
pub(crate) struct Relay {
    client: TcpStream,
    server: Mutex<Option<TcpStream>>,
    fault: Mutex<Fault>,
    fault_changed: Condvar,
    open: AtomicBool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    Requests,
    Answers,
}

/// What was read and has not passed yet.
#[derive(Default)]
struct Held {
    chunks: VecDeque<(Instant, Vec<u8>)>,
    length: usize,
    ended: bool,
}

impl Relay {
    pub(crate) fn new(client: TcpStream, fault: Fault) -> Self {
        Self {
            client,
            server: Mutex::new(None),
            fault: Mutex::new(fault),
            fault_changed: Condvar::new(),
            open: AtomicBool::new(true),
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.open.load(Ordering::SeqCst)
    }

    /// Changes the fault; a connection once cut stays so.
    pub(crate) fn set_fault(&self, fault: Fault) {
        let mut current = self.fault();
        if *current == Fault::Cut {
            return;
        }
        *current = fault;
        self.fault_changed.notify_all();
        drop(current);
        if fault == Fault::Cut {
            self.close();
        }
    }

    /// Relays until both sides are done or the connection is cut.
    pub(crate) fn run(&self, target: SocketAddr) {
        if let Ok(server) = TcpStream::connect_timeout(&target, CONNECT_WITHIN) {
            let _ = self.relay(&server);
        }
        self.close();
    }

    fn relay(&self, server: &TcpStream) -> std::io::Result<()> {
        *self.server() = Some(server.try_clone()?);
        for side in [&self.client, server] {
            side.set_nodelay(true)?;
            side.set_write_timeout(Some(TICK))?;
        }
        std::thread::scope(|scope| {
            scope.spawn(|| self.pump(&self.client, server, Direction::Requests));
            self.pump(server, &self.client, Direction::Answers);
        });
        Ok(())
    }

    /// Closes both sides, which wakes the threads as well.
    fn close(&self) {
        let _ = self.client.shutdown(Shutdown::Both);
        if let Some(server) = &*self.server() {
            let _ = server.shutdown(Shutdown::Both);
        }
        self.open.store(false, Ordering::SeqCst);
    }

    /// Moves bytes one way until `from` ends; if anything fails, the whole connection does.
    fn pump(&self, from: &TcpStream, to: &TcpStream, direction: Direction) {
        match self.try_pump(from, to, direction) {
            // The other direction may still have something to say.
            Ok(()) => drop(to.shutdown(Shutdown::Write)),
            Err(_) => self.set_fault(Fault::Cut),
        }
    }

    fn try_pump(
        &self,
        from: &TcpStream,
        to: &TcpStream,
        direction: Direction,
    ) -> std::io::Result<()> {
        let mut held = Held::default();
        loop {
            let fault = *self.fault();
            match (fault, direction) {
                (Fault::Cut, _) => return Err(ErrorKind::ConnectionAborted.into()),
                (Fault::BlackHole, _) | (Fault::HoldAnswers, Direction::Answers) => {
                    self.wait_for_change(fault, TICK);
                    continue;
                }
                _ => {}
            }
            let due = held.due_in(fault);
            if due.is_none_or(|due| !due.is_zero()) {
                if held.ended && due.is_none() {
                    return Ok(());
                }
                if held.ended || held.length >= READ_AHEAD {
                    self.wait_for_change(fault, due.unwrap_or(TICK).min(TICK));
                } else {
                    held.read(from, due.unwrap_or(TICK).min(TICK))?;
                }
                continue;
            }
            let (at_once, pause) = portion(fault);
            held.write(to, at_once)?;
            if !pause.is_zero() {
                self.wait_for_change(fault, pause);
            }
        }
    }

    /// Waits as long as the fault is this one, and no longer than `limit`.
    fn wait_for_change(&self, fault: Fault, limit: Duration) {
        let unchanged = |current: &mut Fault| *current == fault;
        drop(self.fault_changed.wait_timeout_while(self.fault(), limit, unchanged));
    }

    fn fault(&self) -> MutexGuard<'_, Fault> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn server(&self) -> MutexGuard<'_, Option<TcpStream>> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many bytes may pass together, and how long nothing may after them.
fn portion(fault: Fault) -> (usize, Duration) {
    match fault {
        Fault::Trickle(pause) => (1, pause),
        Fault::Rate(per_second) => {
            let bytes = per_second.div_ceil(SLICES).max(1);
            (
                bytes as usize,
                Duration::from_secs_f64(f64::from(bytes) / f64::from(per_second.max(1))),
            )
        }
        _ => (usize::MAX, Duration::ZERO),
    }
}

impl Held {
    /// When the oldest bytes may pass; `None` if there are none.
    fn due_in(&self, fault: Fault) -> Option<Duration> {
        let (came, _) = self.chunks.front()?;
        let delay = if let Fault::Delay(delay) = fault { delay } else { Duration::ZERO };
        Some(delay.saturating_sub(came.elapsed()))
    }

    fn read(&mut self, mut from: &TcpStream, patience: Duration) -> std::io::Result<()> {
        from.set_read_timeout(Some(patience.max(SHORTEST)))?;
        let mut chunk = vec![0; 64 * 1024];
        match from.read(&mut chunk) {
            Ok(0) => self.ended = true,
            Ok(read) => {
                chunk.truncate(read);
                self.length += read;
                self.chunks.push_back((Instant::now(), chunk));
            }
            Err(error) if is_not_yet(error.kind()) => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Passes on the oldest bytes, as many as may pass and the other side takes now.
    fn write(&mut self, mut to: &TcpStream, at_most: usize) -> std::io::Result<()> {
        let Some((_, chunk)) = self.chunks.front_mut() else { return Ok(()) };
        let portion = &chunk[..chunk.len().min(at_most)];
        match to.write(portion) {
            Ok(written) => {
                chunk.drain(..written);
                self.length -= written;
                if chunk.is_empty() {
                    self.chunks.pop_front();
                }
                Ok(())
            }
            Err(error) if is_not_yet(error.kind()) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

fn is_not_yet(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}
