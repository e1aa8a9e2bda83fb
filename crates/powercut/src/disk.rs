//! A file system with a page cache: what programs see, and what would survive a power cut.
//!
//! What is assumed, rather too little than too much:
//! - A flush (fsync or fdatasync) of a file makes its content and its length durable, not its name.
//! - A new, changed or removed name is durable once its folder was flushed after it.
//! - A rename or exchange is one step: it happened or it did not, also between two folders.
//! - Changes of names in one folder become durable in their order: what survives is a prefix of
//!   them. Different folders know nothing of each other.
//! - What was written and not flushed may be there, or not, or in part (see `crash`), whatever
//!   became of the names, before or after other files, in no order.
//! - A flush covers what had ended when it began; what other threads did meanwhile it may miss.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};

use crate::operation::{Handle, Operation, Place};
use crate::tree::{Blob, Entry, Tree};

/// Files and folders, each as it is cached and as it is durable.
#[derive(Debug)]
pub struct Disk {
    pub(crate) files: Vec<FileNode>,
    pub(crate) folders: Vec<FolderNode>,
    pub(crate) steps: Vec<Step>,
    handles: BTreeMap<Handle, Node>,
    applied: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Node {
    File(usize),
    Folder(usize),
}

#[derive(Debug)]
pub(crate) struct FileNode {
    /// A name it once had, for messages.
    pub name: OsString,
    pub durable: Blob,
    pub cached: Vec<u8>,
    /// What leads from the durable content to the cached one.
    pub pending: Vec<Change>,
}

#[derive(Debug, Clone)]
pub(crate) struct Change {
    operation: usize,
    pub kind: ChangeKind,
}

#[derive(Debug, Clone)]
pub(crate) enum ChangeKind {
    Write { offset: usize, data: Arc<[u8]> },
    Resize { length: usize },
}

#[derive(Debug)]
pub(crate) struct FolderNode {
    /// A path it once had, for messages.
    pub name: OsString,
    pub durable: BTreeMap<OsString, Node>,
    pub cached: BTreeMap<OsString, Node>,
    /// The steps (by index) that lead from the durable names to the cached ones.
    pub pending: Vec<usize>,
}

/// Changes of names that happen together or not at all.
#[derive(Debug)]
pub(crate) struct Step {
    operation: usize,
    pub entries: Vec<NewEntry>,
}

#[derive(Debug)]
pub(crate) struct NewEntry {
    pub folder: usize,
    pub name: OsString,
    pub node: Option<Node>,
}

/// The folder everything is in.
pub(crate) const ROOT: usize = 0;

impl Disk {
    /// A disk that holds `tree`, all of it durable.
    pub fn new(tree: &Tree) -> Self {
        let mut disk = Self {
            files: Vec::new(),
            folders: Vec::new(),
            steps: Vec::new(),
            handles: BTreeMap::new(),
            applied: 0,
        };
        disk.add_folder(OsStr::new("."), tree);
        disk
    }

    /// The folder as programs see it.
    pub fn cached(&self) -> Tree {
        self.tree(ROOT, &|folder| self.folders[folder].cached.clone(), &|file| {
            Blob::new(&self.files[file].cached)
        })
    }

    /// Carries out the next operation of the list.
    pub fn apply(&mut self, operation: &Operation) -> Result<()> {
        match operation {
            Operation::Open { handle, path, create, truncate } => {
                self.open(*handle, path, *create, *truncate)?;
            }
            Operation::Write { handle, place, data } => {
                let file = self.file(*handle)?;
                let offset = match place {
                    Place::At(offset) => usize::try_from(*offset)?,
                    Place::End => self.files[file].cached.len(),
                };
                self.change(file, ChangeKind::Write { offset, data: data.as_slice().into() });
            }
            Operation::Resize { handle, length } => {
                let file = self.file(*handle)?;
                self.change(file, ChangeKind::Resize { length: usize::try_from(*length)? });
            }
            Operation::Flush { handle, begun } => match self.node(*handle)? {
                Node::File(file) => self.files[file].flush(*begun),
                Node::Folder(folder) => self.flush_folder(folder, *begun),
            },
            Operation::Rename { from, to } => self.rename(from, to)?,
            Operation::Exchange { one, other } => {
                let ((first, one), (second, other)) = (self.place(one)?, self.place(other)?);
                let (a, b) = (self.look_up(first, &one)?, self.look_up(second, &other)?);
                self.step(vec![
                    NewEntry { folder: first, name: one, node: Some(b) },
                    NewEntry { folder: second, name: other, node: Some(a) },
                ]);
            }
            Operation::Link { from, to } => {
                let node = self.find(from)?;
                let (folder, name) = self.place(to)?;
                self.step(vec![NewEntry { folder, name, node: Some(node) }]);
            }
            Operation::Remove { path } => {
                let (folder, name) = self.place(path)?;
                self.look_up(folder, &name)?;
                self.step(vec![NewEntry { folder, name, node: None }]);
            }
            Operation::MakeFolder { path } => {
                let (folder, name) = self.place(path)?;
                let node = Node::Folder(self.add_folder(path.as_os_str(), &Tree::default()));
                self.step(vec![NewEntry { folder, name, node: Some(node) }]);
            }
            Operation::Acknowledge(_) => {}
        }
        self.applied += 1;
        Ok(())
    }

    /// What a power cut leaves if these first steps of each folder, and these contents, survive.
    pub(crate) fn after_crash(&self, survivors: &[usize], content: &dyn Fn(usize) -> Blob) -> Tree {
        let survivors = self.whole_steps(survivors.to_vec());
        let names = |folder: usize| {
            let node: &FolderNode = &self.folders[folder];
            let mut names = node.durable.clone();
            for step in &node.pending[..survivors[folder]] {
                put(&mut names, folder, &self.steps[*step]);
            }
            names
        };
        self.tree(ROOT, &names, content)
    }

    /// Takes back the steps of one folder that have not happened in another that is part of them.
    fn whole_steps(&self, mut survivors: Vec<usize>) -> Vec<usize> {
        loop {
            let before = survivors.clone();
            for folder in 0..self.folders.len() {
                let pending = &self.folders[folder].pending[..survivors[folder]];
                let broken = pending.iter().position(|step| {
                    let mut folders = self.steps[*step].entries.iter().map(|entry| entry.folder);
                    folders.any(|other| self.folders[other].number_of(*step) >= survivors[other])
                });
                survivors[folder] = broken.unwrap_or(survivors[folder]);
            }
            if survivors == before {
                return survivors;
            }
        }
    }

    fn flush_folder(&mut self, folder: usize, begun: usize) {
        let mut durable = vec![0; self.folders.len()];
        let early = |step: &&usize| self.steps[**step].operation < begun;
        durable[folder] = self.folders[folder].pending.iter().take_while(early).count();
        // A step between two folders takes with it what stood before it in the other one.
        loop {
            let before = durable.clone();
            for (folder, count) in self.folders.iter().zip(&before) {
                for step in &folder.pending[..*count] {
                    for entry in &self.steps[*step].entries {
                        let number = self.folders[entry.folder].number_of(*step) + 1;
                        durable[entry.folder] = durable[entry.folder].max(number);
                    }
                }
            }
            if durable == before {
                break;
            }
        }
        for (folder, count) in durable.into_iter().enumerate() {
            let node = &mut self.folders[folder];
            for step in node.pending.drain(..count) {
                put(&mut node.durable, folder, &self.steps[step]);
            }
        }
    }

    fn open(&mut self, handle: Handle, path: &Path, create: bool, truncate: bool) -> Result<()> {
        let node = if path.as_os_str().is_empty() {
            Node::Folder(ROOT)
        } else {
            let (folder, name) = self.place(path)?;
            match self.folders[folder].cached.get(&name) {
                Some(node) => *node,
                None if create => {
                    let node = Node::File(self.add_file(&name, &Blob::new(&[])));
                    self.step(vec![NewEntry { folder, name, node: Some(node) }]);
                    node
                }
                None => bail!("{path:?} was opened and is not there"),
            }
        };
        if let Node::File(file) = node
            && truncate
            && !self.files[file].cached.is_empty()
        {
            self.change(file, ChangeKind::Resize { length: 0 });
        }
        self.handles.insert(handle, node);
        Ok(())
    }

    fn rename(&mut self, from: &Path, to: &Path) -> Result<()> {
        let node = self.find(from)?;
        let (folder, name) = self.place(to)?;
        if self.folders[folder].cached.get(&name) == Some(&node) {
            // Two names of one file: the system call does nothing.
            return Ok(());
        }
        let (old_folder, old_name) = self.place(from)?;
        self.step(vec![
            NewEntry { folder: old_folder, name: old_name, node: None },
            NewEntry { folder, name, node: Some(node) },
        ]);
        Ok(())
    }

    fn step(&mut self, entries: Vec<NewEntry>) {
        let index = self.steps.len();
        self.steps.push(Step { operation: self.applied, entries });
        let step = &self.steps[index];
        for entry in &step.entries {
            let node = &mut self.folders[entry.folder];
            if node.pending.last() != Some(&index) {
                node.pending.push(index);
                put(&mut node.cached, entry.folder, step);
            }
        }
    }

    fn change(&mut self, file: usize, kind: ChangeKind) {
        let operation = self.applied;
        let node = &mut self.files[file];
        kind.apply(&mut node.cached);
        node.pending.push(Change { operation, kind });
    }

    fn add_file(&mut self, name: &OsStr, content: &Blob) -> usize {
        self.files.push(FileNode {
            name: name.to_owned(),
            durable: content.clone(),
            cached: content.bytes().to_vec(),
            pending: Vec::new(),
        });
        self.files.len() - 1
    }

    fn add_folder(&mut self, name: &OsStr, tree: &Tree) -> usize {
        let index = self.folders.len();
        self.folders.push(FolderNode {
            name: name.to_owned(),
            durable: BTreeMap::new(),
            cached: BTreeMap::new(),
            pending: Vec::new(),
        });
        let mut names = BTreeMap::new();
        for (name, entry) in &tree.entries {
            let node = match entry {
                Entry::File(content) => Node::File(self.add_file(name, content)),
                Entry::Folder(tree) => Node::Folder(self.add_folder(name, tree)),
            };
            names.insert(name.clone(), node);
        }
        self.folders[index].cached = names.clone();
        self.folders[index].durable = names;
        index
    }

    fn node(&self, handle: Handle) -> Result<Node> {
        self.handles.get(&handle).copied().context("a handle that was never opened")
    }

    fn file(&self, handle: Handle) -> Result<usize> {
        match self.node(handle)? {
            Node::File(file) => Ok(file),
            Node::Folder(_) => bail!("a folder was written to"),
        }
    }

    /// The folder a path is in, and its name there.
    fn place(&self, path: &Path) -> Result<(usize, OsString)> {
        let name = path.file_name().with_context(|| format!("no name: {path:?}"))?;
        let mut folder = ROOT;
        for part in path.parent().into_iter().flatten() {
            match self.look_up(folder, part)? {
                Node::Folder(next) => folder = next,
                Node::File(_) => bail!("{path:?} goes through a file"),
            }
        }
        Ok((folder, name.to_owned()))
    }

    fn find(&self, path: &Path) -> Result<Node> {
        let (folder, name) = self.place(path)?;
        self.look_up(folder, &name)
    }

    fn look_up(&self, folder: usize, name: &OsStr) -> Result<Node> {
        let node = self.folders[folder].cached.get(name).copied();
        node.with_context(|| format!("{name:?} is not there"))
    }

    fn tree(
        &self,
        folder: usize,
        names: &dyn Fn(usize) -> BTreeMap<OsString, Node>,
        content: &dyn Fn(usize) -> Blob,
    ) -> Tree {
        let entry = |node| match node {
            Node::File(file) => Entry::File(content(file)),
            Node::Folder(folder) => Entry::Folder(self.tree(folder, names, content)),
        };
        Tree {
            entries: names(folder).into_iter().map(|(name, node)| (name, entry(node))).collect(),
        }
    }
}

impl FileNode {
    fn flush(&mut self, begun: usize) {
        let early = self.pending.iter().take_while(|change| change.operation < begun).count();
        if early == 0 {
            return;
        }
        let mut content = self.durable.bytes().to_vec();
        for change in self.pending.drain(..early) {
            change.kind.apply(&mut content);
        }
        self.durable = Blob::new(&content);
    }
}

impl FolderNode {
    /// Where a step stands among the pending ones. A step that is durable here already stands
    /// nowhere, and before all others.
    fn number_of(&self, step: usize) -> usize {
        self.pending.partition_point(|pending| *pending < step)
    }
}

impl ChangeKind {
    pub(crate) fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::Write { offset, data } => {
                let end = offset + data.len();
                if content.len() < end {
                    content.resize(end, 0);
                }
                content[*offset..end].copy_from_slice(data);
            }
            Self::Resize { length } => content.resize(*length, 0),
        }
    }
}

fn put(names: &mut BTreeMap<OsString, Node>, folder: usize, step: &Step) {
    for entry in step.entries.iter().filter(|entry| entry.folder == folder) {
        match entry.node {
            Some(node) => names.insert(entry.name.clone(), node),
            None => names.remove(&entry.name),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(disk: &mut Disk, handle: usize, path: &str) {
        let (handle, path) = (Handle(handle), path.into());
        disk.apply(&Operation::Open { handle, path, create: true, truncate: false }).unwrap();
    }

    fn flush(disk: &mut Disk, handle: usize) {
        let begun = disk.applied;
        disk.apply(&Operation::Flush { handle: Handle(handle), begun }).unwrap();
    }

    /// What is left if nothing survives that was not flushed.
    fn durable(disk: &Disk) -> Vec<String> {
        let survivors = vec![0; disk.folders.len()];
        names(&disk.after_crash(&survivors, &|file| disk.files[file].durable.clone()))
    }

    fn names(tree: &Tree) -> Vec<String> {
        let below = |(name, entry): (&OsString, &Entry)| {
            let name = name.to_string_lossy();
            match entry {
                Entry::File(content) => {
                    vec![format!("{name}={}", String::from_utf8_lossy(content.bytes()))]
                }
                Entry::Folder(tree) => {
                    let inside = names(tree).into_iter();
                    [
                        vec![format!("{name}/")],
                        inside.map(|path| format!("{name}/{path}")).collect(),
                    ]
                    .concat()
                }
            }
        };
        tree.entries.iter().flat_map(below).collect()
    }

    fn write(disk: &mut Disk, handle: usize, text: &str) {
        let data = text.as_bytes().to_vec();
        disk.apply(&Operation::Write { handle: Handle(handle), place: Place::End, data }).unwrap();
    }

    #[test]
    fn content_and_name_become_durable_apart() {
        let mut disk = Disk::new(&Tree::default());
        open(&mut disk, 1, "a");
        open(&mut disk, 2, "");
        write(&mut disk, 1, "one");
        flush(&mut disk, 1);
        assert!(durable(&disk).is_empty());
        write(&mut disk, 1, " more");
        flush(&mut disk, 2);
        assert_eq!(durable(&disk), ["a=one"]);
        assert_eq!(names(&disk.cached()), ["a=one more"]);
    }

    #[test]
    fn a_flush_covers_only_what_had_ended_when_it_began() {
        let mut disk = Disk::new(&Tree::default());
        open(&mut disk, 1, "a");
        open(&mut disk, 2, "");
        flush(&mut disk, 2);
        write(&mut disk, 1, "one");
        let begun = disk.applied;
        write(&mut disk, 1, " two");
        disk.apply(&Operation::Flush { handle: Handle(1), begun }).unwrap();
        assert_eq!(durable(&disk), ["a=one"]);
        flush(&mut disk, 1);
        assert_eq!(durable(&disk), ["a=one two"]);
    }

    #[test]
    fn a_move_between_folders_happens_in_both_or_in_none() {
        let mut disk = Disk::new(&Tree::default());
        disk.apply(&Operation::MakeFolder { path: "kept".into() }).unwrap();
        open(&mut disk, 1, "");
        open(&mut disk, 2, "a");
        flush(&mut disk, 1);
        open(&mut disk, 3, "kept/earlier");
        disk.apply(&Operation::Rename { from: "a".into(), to: "kept/a".into() }).unwrap();
        let content = |file: usize| disk.files[file].durable.clone();
        let left = |survivors: [usize; 2]| names(&disk.after_crash(&survivors, &content));
        assert_eq!(left([1, 2]), ["kept/", "kept/a=", "kept/earlier="]);
        assert_eq!(left([1, 1]), ["a=", "kept/", "kept/earlier="]);
        assert_eq!(left([0, 2]), ["a=", "kept/", "kept/earlier="]);
        assert_eq!(left([1, 0]), ["a=", "kept/"]);

        flush(&mut disk, 1);
        assert_eq!(durable(&disk), ["kept/", "kept/a=", "kept/earlier="]);
    }

    #[test]
    fn an_exchange_and_two_names_of_one_file() {
        let mut disk = Disk::new(&Tree::default());
        open(&mut disk, 1, "a");
        open(&mut disk, 2, "b");
        write(&mut disk, 1, "A");
        write(&mut disk, 2, "B");
        disk.apply(&Operation::Exchange { one: "a".into(), other: "b".into() }).unwrap();
        disk.apply(&Operation::Link { from: "a".into(), to: "c".into() }).unwrap();
        disk.apply(&Operation::Rename { from: "a".into(), to: "c".into() }).unwrap();
        assert_eq!(names(&disk.cached()), ["a=B", "b=A", "c=B"]);
        disk.apply(&Operation::Remove { path: "a".into() }).unwrap();
        assert_eq!(names(&disk.cached()), ["b=A", "c=B"]);
    }
}
