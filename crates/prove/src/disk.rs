//! A file system of its own for the data directory: small, in memory, and its mount options ours to
//! change. Where mounting is not allowed, the faults that need it are left out, with a word.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};
use clap::ValueEnum;

/// What the data directory lies on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Medium {
    /// The file system the run's folder is on.
    Plain,
    /// A small tmpfs, which can be full and read-only.
    Tmpfs,
    /// A ramfs: its times are those of the clock's ticks, so neighbouring changes share them.
    /// Newer kernels give ext4, xfs, btrfs and tmpfs finer times.
    Ramfs,
}

impl Medium {
    /// Whether it can be mounted in a folder below `folder`.
    pub fn can_be_had(self, folder: &Path) -> bool {
        let tried = Disk::prepare(&folder.join("tried"), self);
        if let Err(error) = &tried {
            println!("{self:?} cannot be mounted here: {error:#}");
        }
        tried.is_ok()
    }
}

/// How large the small disk is.
const TMPFS_OPTIONS: &str = "size=8m";

/// A data directory on its medium. Unmounted when dropped.
#[derive(Debug)]
pub struct Disk {
    root: PathBuf,
    medium: Medium,
}

impl Disk {
    /// Makes `root` and mounts what it needs.
    pub fn prepare(root: &Path, medium: Medium) -> Result<Self> {
        std::fs::create_dir_all(root)?;
        match medium {
            Medium::Plain => {}
            Medium::Tmpfs => mount(&["-t", "tmpfs", "-o", TMPFS_OPTIONS, "tmpfs"], root)?,
            Medium::Ramfs => mount(&["-t", "ramfs", "ramfs"], root)?,
        }
        Ok(Self { root: root.to_owned(), medium })
    }

    /// Whether it can be filled and made read-only.
    pub fn is_small(&self) -> bool {
        self.medium == Medium::Tmpfs
    }

    /// Leaves at most `bytes` free.
    pub fn fill(&self, bytes: u64) -> Result<()> {
        let free = rustix::fs::statvfs(&self.root)?;
        let free = free.f_bavail * free.f_frsize;
        let ballast = File::create(self.ballast())?;
        let taken = free.saturating_sub(bytes).max(1);
        match rustix::fs::fallocate(&ballast, rustix::fs::FallocateFlags::empty(), 0, taken) {
            // Others took some meanwhile: it is full all the same, but for what they leave.
            Err(rustix::io::Errno::NOSPC) => Ok(()),
            filled => Ok(filled?),
        }
    }

    /// Frees what [`Disk::fill`] took.
    pub fn free(&self) {
        let _ = std::fs::remove_file(self.ballast());
    }

    /// Refuses all writes from now on; `false` when somebody is writing just now.
    pub fn make_read_only(&self) -> bool {
        mount(&["-o", "remount,ro"], &self.root).is_ok()
    }

    /// Takes writes again.
    pub fn make_writable(&self) -> Result<()> {
        mount(&["-o", "remount,rw"], &self.root)
    }

    fn ballast(&self) -> PathBuf {
        self.root.join("ballast")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if self.medium != Medium::Plain {
            let _ = Command::new("umount").arg("--lazy").arg(&self.root).status();
        }
    }
}

fn mount(arguments: &[&str], root: &Path) -> Result<()> {
    let ran = Command::new("mount").args(arguments).arg(root).output()?;
    if !ran.status.success() {
        bail!("mount: {}", String::from_utf8_lossy(&ran.stderr).trim());
    }
    Ok(())
}
