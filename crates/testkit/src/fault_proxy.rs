//! A relay in front of a server that delays, cuts, starves or swallows what passes through it.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Result;

use crate::port::Port;
use crate::relay::Relay;

/// What happens to the bytes of a connection, in both directions unless it says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// They pass.
    Pass,
    /// They pass in order, each so much later than it came.
    Delay(Duration),
    /// The connection is closed at once, and new ones are refused.
    Cut,
    /// The connection stays open and nothing moves, not even the news that one side is gone. What was
    /// held back passes when the fault is over.
    BlackHole,
    /// Requests pass, answers are held back: the server does what the client cannot know of.
    HoldAnswers,
    /// One byte at a time passes, with this pause after it.
    Trickle(Duration),
    /// So many bytes pass in a second.
    Rate(u32),
}

/// The relay. When it is dropped, it cuts its connections and waits for its threads.
#[derive(Debug)]
pub struct FaultProxy {
    port: Port,
    target: SocketAddr,
    state: Arc<Mutex<State>>,
    acceptor: Mutex<Option<Acceptor>>,
}

/// One connection through the relay, open or not.
#[derive(Debug, Clone)]
pub struct ProxiedConnection(Arc<Relay>);

#[derive(Debug)]
struct State {
    fault_of_new: Fault,
    /// All ever accepted, in that order.
    relays: Vec<Arc<Relay>>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug)]
struct Acceptor {
    stopping: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl FaultProxy {
    /// Listens on a free port for connections to `target`, and lets everything pass.
    pub fn start(target: SocketAddr) -> Result<Self> {
        let state = State { fault_of_new: Fault::Pass, relays: Vec::new(), threads: Vec::new() };
        let proxy = Self {
            port: Port::take()?,
            target,
            state: Arc::new(Mutex::new(state)),
            acceptor: Mutex::new(None),
        };
        proxy.set_fault_of_new(Fault::Pass)?;
        Ok(proxy)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port()))
    }

    /// The same as a number.
    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// From now on all connections, those of the future too, suffer this.
    pub fn set_fault(&self, fault: Fault) -> Result<()> {
        // New ones first, or one that is accepted meanwhile would escape.
        self.set_fault_of_new(fault)?;
        for relay in &lock(&self.state).relays {
            relay.set_fault(fault);
        }
        Ok(())
    }

    /// From now on new connections suffer this; those there are stay as they are.
    pub fn set_fault_of_new(&self, fault: Fault) -> Result<()> {
        lock(&self.state).fault_of_new = fault;
        let mut acceptor = self.acceptor.lock().unwrap_or_else(PoisonError::into_inner);
        match (fault, acceptor.take()) {
            (Fault::Cut, Some(running)) => running.stop(self.address()),
            (Fault::Cut, None) => {}
            (_, Some(running)) => *acceptor = Some(running),
            (_, None) => *acceptor = Some(self.accept()?),
        }
        Ok(())
    }

    /// Closes the connections there are, once; new ones are accepted as before.
    pub fn cut_connections(&self) {
        for relay in &lock(&self.state).relays {
            relay.set_fault(Fault::Cut);
        }
    }

    /// How many connections are open now.
    pub fn open(&self) -> usize {
        lock(&self.state).relays.iter().filter(|relay| relay.is_open()).count()
    }

    /// How many connections there have ever been.
    pub fn accepted(&self) -> usize {
        lock(&self.state).relays.len()
    }

    /// Every connection there has ever been, in the order they were accepted.
    pub fn connections(&self) -> Vec<ProxiedConnection> {
        lock(&self.state).relays.iter().cloned().map(ProxiedConnection).collect()
    }

    fn accept(&self) -> Result<Acceptor> {
        let listener = TcpListener::bind(self.address())?;
        let (state, target) = (Arc::clone(&self.state), self.target);
        let stopping = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&stopping);
        let thread = std::thread::spawn(move || {
            for client in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(client) = client else { continue };
                let mut state = lock(&state);
                let relay = Arc::new(Relay::new(client, state.fault_of_new));
                state.relays.push(Arc::clone(&relay));
                state.threads.push(std::thread::spawn(move || relay.run(target)));
            }
        });
        Ok(Acceptor { stopping, thread })
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        let _ = self.set_fault(Fault::Cut);
        let threads = std::mem::take(&mut lock(&self.state).threads);
        for thread in threads {
            let _ = thread.join();
        }
    }
}

impl Acceptor {
    /// Returns when nothing listens any more.
    fn stop(self, address: SocketAddr) {
        self.stopping.store(true, Ordering::SeqCst);
        // The thread sees the flag only when something wakes it.
        let _ = TcpStream::connect(address);
        let _ = self.thread.join();
    }
}

impl ProxiedConnection {
    /// From now on this connection alone suffers this.
    pub fn set_fault(&self, fault: Fault) {
        self.0.set_fault(fault);
    }

    /// Whether it is still open. In a black hole nobody notices that it ended.
    pub fn is_open(&self) -> bool {
        self.0.is_open()
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
