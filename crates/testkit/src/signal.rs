//! Signals to processes we started.

use std::process::Child;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

use crate::eventually;

const STOPPED_WITHIN: Duration = Duration::from_secs(10);

/// Sends `signal`.
pub(crate) fn signal(child: &Child, signal: Signal) -> Result<()> {
    Ok(kill_process(id(child)?, signal)?)
}

/// Stops its threads where they are, and returns when they stand still.
pub(crate) fn pause(child: &Child) -> Result<()> {
    let id = id(child)?;
    kill_process(id, Signal::STOP)?;
    // Asking for stopped children alone never reaps one, which is left to the handle.
    let options = WaitIdOptions::STOPPED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    eventually(STOPPED_WITHIN, || {
        waitid(WaitId::Pid(id), options)?.context("it does not stop").map(|_| ())
    })
}

fn id(child: &Child) -> Result<Pid> {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw).context("no process id")
}
