//! What a power cut may do to each folder and file on its own: the ways to choose from.

use std::collections::{BTreeSet, HashSet};

use crate::disk::{ChangeKind, Disk, FileNode, Node};
use crate::tree::{Blob, Tree};

/// A device writes this much at once or not at all; a change within one sector is never torn.
const SECTOR: usize = 512;
/// The page cache writes back in these, and so it is where most tears are.
const PAGE: usize = 4096;
/// Of longer lists only the first, the middle and the last ones are tried.
const LONG: usize = 6;

/// Something that is not durable, and what may be left of it: first nothing, last everything.
#[derive(Debug)]
pub(crate) enum Axis {
    /// How many of a folder's changes of names survive.
    Names { folder: usize, options: Vec<usize> },
    /// Which content of a file survives.
    Content { file: usize, options: Vec<Remains> },
}

/// A content, and what happened to it.
#[derive(Debug, Clone)]
pub(crate) struct Remains {
    content: Blob,
    told: &'static str,
}

impl Remains {
    fn new(content: &[u8], told: &'static str) -> Self {
        Self { content: Blob::new(content), told }
    }
}

impl Axis {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Names { options, .. } => options.len(),
            Self::Content { options, .. } => options.len(),
        }
    }

    pub(crate) fn is_names(&self) -> bool {
        matches!(self, Self::Names { .. })
    }
}

impl Disk {
    /// Everything that is not durable and whose loss could be noticed.
    pub(crate) fn axes(&self) -> Vec<Axis> {
        let names = self.folders.iter().enumerate().filter(|(_, node)| !node.pending.is_empty());
        let names = names
            .map(|(folder, node)| Axis::Names { folder, options: some_of(node.pending.len()) });
        let named = self.named_files();
        let contents = self.files.iter().enumerate();
        let contents = contents
            .filter(|(file, node)| !node.pending.is_empty() && named.contains(file))
            .map(|(file, node)| Axis::Content { file, options: remains(node) })
            .filter(|axis| axis.len() > 1);
        names.chain(contents).collect()
    }

    /// The folder after a crash in which each axis took the option chosen for it.
    pub(crate) fn crashed(&self, axes: &[Axis], chosen: &[usize]) -> Tree {
        let mut survivors = vec![0; self.folders.len()];
        let mut contents = vec![None; self.files.len()];
        for (axis, chosen) in axes.iter().zip(chosen) {
            match axis {
                Axis::Names { folder, options } => survivors[*folder] = options[*chosen],
                Axis::Content { file, options } => {
                    contents[*file] = Some(options[*chosen].content.clone());
                }
            }
        }
        // What is not on an axis is durable, or written again with the same bytes.
        self.after_crash(&survivors, &|file| {
            contents[file].clone().unwrap_or_else(|| self.files[file].durable.clone())
        })
    }

    /// A choice in words.
    pub(crate) fn tell(&self, axes: &[Axis], chosen: &[usize]) -> String {
        let told = axes.iter().zip(chosen).map(|(axis, chosen)| match axis {
            Axis::Names { folder, options } => {
                let node = &self.folders[*folder];
                let (count, all) = (options[*chosen], node.pending.len());
                format!("names in {:?}: {count} of {all} changes", node.name)
            }
            Axis::Content { file, options } => {
                format!("content of {:?}: {}", self.files[*file].name, options[*chosen].told)
            }
        });
        told.collect::<Vec<_>>().join("; ")
    }

    /// The files that have a name, had one durably, or may have one after a crash.
    fn named_files(&self) -> BTreeSet<usize> {
        let durable = self.folders.iter().flat_map(|node| node.durable.values().copied());
        let pending = self.folders.iter().flat_map(|node| &node.pending);
        let entries = pending.flat_map(|step| &self.steps[*step].entries);
        let nodes = durable.chain(entries.filter_map(|entry| entry.node));
        nodes
            .filter_map(|node| match node {
                Node::File(file) => Some(file),
                Node::Folder(_) => None,
            })
            .collect()
    }
}

/// Numbers from 0 to `last`: all, or the most telling ones.
fn some_of(last: usize) -> Vec<usize> {
    if last <= LONG {
        return (0..=last).collect();
    }
    vec![0, 1, last / 2, last - 2, last - 1, last]
}

/// The contents a file with unflushed changes may have: the old one, the new one, what was in
/// between, and each with its last change half done. Changes are cut off in their order, but the
/// last of them may have any of its sectors missing, and lengths may be there without any bytes.
fn remains(node: &FileNode) -> Vec<Remains> {
    let mut between = Vec::new();
    let mut content = node.durable.bytes().to_vec();
    let mut lengths = content.clone();
    let tried = some_of(node.pending.len());
    for (index, change) in node.pending.iter().enumerate() {
        let before = content.clone();
        change.kind.apply(&mut content);
        apply_length(&change.kind, &mut lengths);
        if tried.contains(&(index + 1)) {
            between.extend(half_done(&before, &change.kind, &content));
            between.push(Remains::new(&content, "an earlier state"));
        }
    }
    between.push(Remains::new(&lengths, "the lengths without any bytes"));

    let nothing = Remains::new(node.durable.bytes(), "nothing new");
    let everything = Remains::new(&content, "everything");
    let mut seen = HashSet::from([nothing.content.clone(), everything.content.clone()]);
    between.retain(|remains| seen.insert(remains.content.clone()));
    if between.is_empty() && nothing.content == everything.content {
        return vec![everything];
    }
    [vec![nothing], between, vec![everything]].concat()
}

/// What is between the contents `before` and `after` a change.
fn half_done(before: &[u8], change: &ChangeKind, after: &[u8]) -> Vec<Remains> {
    let ChangeKind::Write { offset, data } = change else { return Vec::new() };
    let (start, end) = (*offset, offset + data.len());
    let mut empty = before.to_vec();
    apply_length(change, &mut empty);
    let mut found = vec![Remains::new(&empty, "the length without the bytes")];
    for tear in tears(start, end) {
        let mut head = empty.clone();
        head[start..tear].copy_from_slice(&after[start..tear]);
        found.push(Remains::new(&head, "torn, the end is missing"));
        head.truncate(before.len().max(tear));
        found.push(Remains::new(&head, "torn, the end and its length are missing"));
        let mut tail = empty.clone();
        tail[tear..end].copy_from_slice(&after[tear..end]);
        found.push(Remains::new(&tail, "torn, the start is missing"));
    }
    found
}

/// What the file is like if of a change only the length is there.
fn apply_length(kind: &ChangeKind, content: &mut Vec<u8>) {
    match kind {
        ChangeKind::Write { offset, data } => {
            let end = content.len().max(offset + data.len());
            content.resize(end, 0);
        }
        ChangeKind::Resize { .. } => kind.apply(content),
    }
}

/// Up to three places within a range where it may be torn: behind its first sector, at the page
/// nearest its middle, before its last sector.
fn tears(start: usize, end: usize) -> Vec<usize> {
    let first = (start / SECTOR + 1) * SECTOR;
    let middle = usize::midpoint(start, end) / PAGE * PAGE;
    let last = end.saturating_sub(1) / SECTOR * SECTOR;
    let tears = BTreeSet::from([first, middle, last]);
    tears.into_iter().filter(|tear| start < *tear && *tear < end).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::{Handle, Operation, Place};

    fn contents(before: &[u8], operations: &[Operation]) -> Vec<Vec<u8>> {
        let mut tree = Tree::default();
        tree.entries.insert("f".into(), crate::tree::Entry::File(Blob::new(before)));
        let mut disk = Disk::new(&tree);
        let (handle, path) = (Handle(1), "f".into());
        disk.apply(&Operation::Open { handle, path, create: false, truncate: false }).unwrap();
        for operation in operations {
            disk.apply(operation).unwrap();
        }
        remains(&disk.files[0]).into_iter().map(|state| state.content.bytes().to_vec()).collect()
    }

    fn write(at: u64, data: &[u8]) -> Operation {
        Operation::Write { handle: Handle(1), place: Place::At(at), data: data.to_vec() }
    }

    #[test]
    fn within_one_sector_a_write_is_there_or_not() {
        assert_eq!(contents(b"abc", &[write(1, b"X")]), [b"abc".to_vec(), b"aXc".to_vec()]);
    }

    #[test]
    fn a_longer_write_is_torn_at_its_sectors_and_pages() {
        let states = contents(&[b'a'; 9000], &[write(0, &[b'b'; 9000])]);
        let mixed =
            |head: u8, tear: usize, tail: u8| [vec![head; tear], vec![tail; 9000 - tear]].concat();
        for tear in [512, 4096, 8704] {
            assert!(states.contains(&mixed(b'b', tear, b'a')), "{tear}");
            assert!(states.contains(&mixed(b'a', tear, b'b')), "{tear}");
        }
        assert_eq!(states.first(), Some(&vec![b'a'; 9000]));
        assert_eq!(states.last(), Some(&vec![b'b'; 9000]));
        assert_eq!(states.len(), 8);
    }

    #[test]
    fn a_file_emptied_and_written_again_may_be_empty_or_of_zeroes() {
        let emptied = Operation::Resize { handle: Handle(1), length: 0 };
        let states = contents(b"abc", &[emptied, write(0, b"xy")]);
        let expected: [&[u8]; 4] = [b"abc", b"", b"\0\0", b"xy"];
        assert_eq!(states, expected);
    }

    #[test]
    fn of_two_appended_lines_the_second_never_comes_first() {
        let states = contents(b"", &[write(0, b"one\n"), write(4, b"two\n")]);
        assert!(states.contains(&b"one\n".to_vec()));
        assert!(!states.iter().any(|state| state.ends_with(b"\0two\n")));
    }
}
