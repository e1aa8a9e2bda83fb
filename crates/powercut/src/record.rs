//! A real process under strace: what it did below one folder, from its start to its end.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process_group};
use testkit::eventually;

use crate::disk::Disk;
use crate::operation::{Handle, Operation};
use crate::trace::parse;
use crate::tree::Tree;

/// No buffer that is written may be longer than this.
const LONGEST_WRITE: usize = 16 << 20;
/// What changes files, what says which file a descriptor means, and what must not be used because
/// its effect could not be seen. A question mark: not every machine has the call.
const CALLS: &[&str] = &[
    "open",
    "openat",
    "openat2",
    "creat",
    "close",
    "dup",
    "dup2",
    "dup3",
    "fcntl",
    "write",
    "writev",
    "pwrite64",
    "pwritev",
    "pwritev2",
    "read",
    "readv",
    "lseek",
    "truncate",
    "ftruncate",
    "fsync",
    "fdatasync",
    "rename",
    "renameat",
    "renameat2",
    "link",
    "linkat",
    "unlink",
    "unlinkat",
    "mkdir",
    "mkdirat",
    "rmdir",
    "chdir",
    "fchdir",
    "clone",
    "clone3",
    "fork",
    "vfork",
    "execve",
    "execveat",
    "mmap",
    "copy_file_range",
    "splice",
    "sendfile",
    "fallocate",
    "symlink",
    "symlinkat",
    "io_uring_setup",
];

/// What a process did to a folder.
#[derive(Debug)]
pub struct Recording {
    /// The folder as it was before.
    pub before: Tree,
    /// What was done below it, in order.
    pub operations: Vec<Operation>,
}

/// Whether anything can be recorded here. If strace is missing or tracing is not permitted, that is
/// said once, past the test harness, which would swallow it: a test that is skipped proves nothing.
pub fn can_record() -> bool {
    static FOUND: OnceLock<Option<String>> = OnceLock::new();
    FOUND
        .get_or_init(|| {
            let reason = obstacle()?;
            let _ =
                writeln!(std::io::stderr(), "skipped: no power cut can be tried here: {reason}");
            Some(reason)
        })
        .is_none()
}

fn obstacle() -> Option<String> {
    let mut probe = Command::new("strace");
    probe.args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=?close", "true"]);
    match probe.stdin(Stdio::null()).output() {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        Err(error) => Some(format!("cannot run strace: {error}")),
    }
}

/// Runs `command` to its successful end, at most for `within`, and records what it does below
/// `root`. Its standard input and output are closed; `ack …` lines are found in the recording.
///
/// The operations are carried out once on a [`Disk`]: if that does not end up with what is really
/// in the folder, something was missed, and the recording is refused.
pub fn record(command: &Command, root: &Path, within: Duration) -> Result<Recording> {
    let root = root.canonicalize().with_context(|| format!("no folder {root:?}"))?;
    let start = match command.get_current_dir() {
        Some(folder) => folder.canonicalize()?,
        None => std::env::current_dir()?,
    };
    let before = Tree::read(&root)?;
    let scratch = tempfile::tempdir()?;
    let trace = scratch.path().join("trace");
    let messages = scratch.path().join("messages");
    let mut strace = traced(command, &trace);
    strace.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&messages)?);
    let status = run(strace.process_group(0), within)?;
    if !status.success() {
        let messages = std::fs::read(&messages)?;
        bail!("{command:?} failed: {status}\n{}", String::from_utf8_lossy(&messages));
    }
    let text = std::fs::read_to_string(&trace).context("cannot read what strace wrote")?;
    let operations = parse(&text, &root, &start)?;
    let recording = Recording { before, operations };
    recording.confirm(&Tree::read(&root)?)?;
    Ok(recording)
}

impl Recording {
    /// Everything that was flushed, by the path it was opened by.
    pub fn flushed(&self) -> BTreeSet<PathBuf> {
        self.flushes().into_iter().map(|(_, path)| path).collect()
    }

    /// The same, but what was opened by one of these paths was never flushed.
    pub fn without_flushes_of(&self, is_left_out: impl Fn(&Path) -> bool) -> Self {
        let mut operations = self.operations.clone();
        let unused = operations.len();
        for (index, path) in self.flushes() {
            if is_left_out(&path) {
                // Something without effect in its place: flushes refer to others by their place.
                let (handle, path) = (Handle(unused + index), PathBuf::new());
                operations[index] =
                    Operation::Open { handle, path, create: false, truncate: false };
            }
        }
        Self { before: self.before.clone(), operations }
    }

    fn flushes(&self) -> Vec<(usize, PathBuf)> {
        let mut opened = BTreeMap::new();
        let mut flushes = Vec::new();
        for (index, operation) in self.operations.iter().enumerate() {
            match operation {
                Operation::Open { handle, path, .. } => {
                    opened.insert(*handle, path.clone());
                }
                Operation::Flush { handle, .. } => {
                    flushes.extend(opened.get(handle).map(|path| (index, path.clone())));
                }
                _ => {}
            }
        }
        flushes
    }

    fn confirm(&self, after: &Tree) -> Result<()> {
        let mut disk = Disk::new(&self.before);
        for operation in &self.operations {
            disk.apply(operation).with_context(|| format!("{operation:.200?}"))?;
        }
        let difference = disk.cached().difference(after);
        ensure!(difference.is_none(), "the recording is not what happened: {difference:?}");
        Ok(())
    }
}

fn traced(command: &Command, trace: &Path) -> Command {
    let mut strace = Command::new("strace");
    // Only the calls asked for stop the process: everything else runs at full speed.
    strace.args(["-f", "--seccomp-bpf", "-y", "-xx", "-qq", "-s"]);
    strace.arg(LONGEST_WRITE.to_string());
    let calls: Vec<String> = CALLS.iter().map(|name| format!("?{name}")).collect();
    strace.args(["-e", &format!("trace={}", calls.join(","))]);
    // Of what is read only the amount matters; of what is written, every buffer.
    strace.args(["-e", "signal=none", "-e", "raw=read,readv"]);
    strace.args(["-e", "abbrev=!writev,pwritev,pwritev2"]);
    strace.arg("-o").arg(trace).arg("--").arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => strace.env(name, value),
            None => strace.env_remove(name),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        strace.current_dir(folder);
    }
    strace
}

/// Waits for the end; past the deadline, the whole process group is killed.
fn run(command: &mut Command, within: Duration) -> Result<ExitStatus> {
    let mut child = command.spawn().context("cannot run strace")?;
    let ended = eventually(within, || match child.try_wait() {
        Ok(Some(status)) => Ok(status),
        Ok(None) => Err(format!("still running after {within:?}")),
        Err(error) => Err(error.to_string()),
    });
    ended.or_else(|reason| {
        kill_group(&mut child)?;
        bail!(reason)
    })
}

fn kill_group(child: &mut Child) -> Result<()> {
    let group = Pid::from_raw(i32::try_from(child.id())?).context("no process id")?;
    kill_process_group(group, Signal::KILL)?;
    child.wait()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_does_not_end_is_ended() {
        if !can_record() {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("sleep");
        command.arg("600");
        let refused = record(&command, folder.path(), Duration::from_millis(200)).unwrap_err();
        assert!(refused.to_string().contains("still running"), "{refused:#}");
    }

    #[test]
    fn a_failing_command_is_no_recording() {
        if !can_record() {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "echo because >&2; exit 3"]);
        let refused = record(&command, folder.path(), Duration::from_secs(30)).unwrap_err();
        assert!(refused.to_string().contains("because"), "{refused:#}");
    }
}
