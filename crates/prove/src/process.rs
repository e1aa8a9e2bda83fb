//! A worker process, held by the fleet: started, led, stopped, killed.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use rustix::process::{Pid, Signal, kill_process};

/// What a process is started with.
#[derive(Debug, Clone)]
pub struct Launch<'a> {
    /// The executable.
    pub executable: &'a Path,
    /// Arguments after the command.
    pub arguments: Vec<String>,
    /// Where its standard error goes.
    pub log: &'a Path,
}

/// A running worker. Killed and reaped when dropped.
#[derive(Debug)]
pub struct Process {
    /// Number in the run, as in the name of its history.
    pub number: u32,
    /// Whether it was asked to die or to meet errors.
    pub armed: Option<String>,
    /// When it is to go on, if it stands still.
    pub stopped_until: Option<Instant>,
    child: Child,
    orders: Option<ChildStdin>,
    answers: Receiver<String>,
    listener: Option<JoinHandle<()>>,
}

impl Process {
    /// Starts it.
    pub fn start(number: u32, launch: &Launch<'_>) -> Result<Self> {
        let log = File::options().create(true).append(true).open(launch.log)?;
        let mut child = Command::new(launch.executable)
            .arg("worker")
            .args(&launch.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .with_context(|| launch.executable.display().to_string())?;
        let orders = child.stdin.take();
        let out = child.stdout.take().context("no standard output")?;
        // At most three words ever come.
        let (words, answers) = sync_channel(8);
        let listen = move || {
            let lines = BufReader::new(out).lines().map_while(std::io::Result::ok);
            for line in lines {
                if words.send(line).is_err() {
                    break;
                }
            }
        };
        let listener = std::thread::Builder::new().name("listener".into()).spawn(listen)?;
        let listener = Some(listener);
        Ok(Self { number, armed: None, stopped_until: None, child, orders, answers, listener })
    }

    /// Gives an order.
    pub fn order(&mut self, word: &str) -> Result<()> {
        let orders = self.orders.as_mut().context("it was told to end")?;
        Ok(writeln!(orders, "{word}")?)
    }

    /// Waits until it has said `word`.
    pub fn wait_for(&mut self, word: &str, within: Duration) -> Result<()> {
        let deadline = Instant::now() + within;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.answers.recv_timeout(left) {
                Ok(said) if said == word => return Ok(()),
                Ok(_) => {}
                Err(error) => return Err(anyhow!("w{}: no `{word}`: {error}", self.number)),
            }
        }
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Stops its threads where they are.
    pub fn stop(&mut self, time: Duration) -> Result<()> {
        self.signal(Signal::STOP)?;
        self.stopped_until = Some(Instant::now() + time);
        Ok(())
    }

    /// Lets its threads go on.
    pub fn resume(&mut self) -> Result<()> {
        self.stopped_until = None;
        self.signal(Signal::CONT)
    }

    /// Whether it stands still, by whomever.
    pub fn has_stopped_itself(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()));
        // The state follows the name, which stands in brackets.
        stat.is_ok_and(|stat| stat.rsplit(')').next().is_some_and(|rest| rest.starts_with(" T")))
    }

    /// Ends it without a chance to clean up, and waits until it is gone.
    pub fn kill(&mut self) -> Result<ExitStatus> {
        self.child.kill()?;
        Ok(self.child.wait()?)
    }

    /// Tells it to end, and waits until it has.
    pub fn end(&mut self, within: Duration) -> Result<ExitStatus> {
        self.orders = None;
        let deadline = Instant::now() + within;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            if Instant::now() > deadline {
                return Err(anyhow!("w{}: does not end", self.number));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        Ok(kill_process(id.context("no process id")?, signal)?)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already; then there is nobody to kill, and only the waiting counts.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
    }
}
