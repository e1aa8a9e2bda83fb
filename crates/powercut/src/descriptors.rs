//! Which open file a descriptor number means: tables per process, shared by its threads, copied by
//! a fork; and where in the file the next write goes.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use crate::operation::Handle;

/// A file as one `open` made it: descriptors duplicated or inherited share it.
#[derive(Debug)]
pub(crate) struct Description {
    pub handle: Handle,
    pub append: bool,
    pub offset: u64,
}

#[derive(Debug, Clone, Copy)]
struct Descriptor {
    description: usize,
    close_on_exec: bool,
}

/// What threads that share their descriptors have in common.
#[derive(Debug, Clone)]
pub(crate) struct Process {
    /// The working folder.
    pub folder: PathBuf,
    /// What was written to standard output since the last line's end.
    pub line: Vec<u8>,
    descriptors: BTreeMap<i32, Descriptor>,
}

/// All processes of a recording. Only files that matter to it have a description.
#[derive(Debug)]
pub(crate) struct Descriptors {
    processes: Vec<Process>,
    tasks: HashMap<u32, usize>,
    descriptions: Vec<Description>,
    /// Where the first task starts.
    start: PathBuf,
}

impl Descriptors {
    pub(crate) fn new(start: &Path) -> Self {
        Self {
            processes: Vec::new(),
            tasks: HashMap::new(),
            descriptions: Vec::new(),
            start: start.to_owned(),
        }
    }

    pub(crate) fn process(&mut self, task: u32) -> &mut Process {
        let process = *self.tasks.entry(task).or_insert_with(|| {
            self.processes.push(Process {
                folder: self.start.clone(),
                line: Vec::new(),
                descriptors: BTreeMap::new(),
            });
            self.processes.len() - 1
        });
        &mut self.processes[process]
    }

    /// A new thread (`shared`) or process.
    pub(crate) fn fork(&mut self, parent: u32, child: u32, shared: bool) {
        let copy = self.process(parent).clone();
        let process = if shared {
            self.tasks[&parent]
        } else {
            self.processes.push(Process { line: Vec::new(), ..copy });
            self.processes.len() - 1
        };
        self.tasks.insert(child, process);
    }

    /// Another program took over: some descriptors are gone.
    pub(crate) fn exec(&mut self, task: u32) {
        self.process(task).descriptors.retain(|_, descriptor| !descriptor.close_on_exec);
    }

    pub(crate) fn open(
        &mut self,
        task: u32,
        number: i32,
        description: Description,
        close_on_exec: bool,
    ) {
        let index = self.descriptions.len();
        self.descriptions.push(description);
        let descriptor = Descriptor { description: index, close_on_exec };
        self.process(task).descriptors.insert(number, descriptor);
    }

    /// A second number for the same description, or for none.
    pub(crate) fn duplicate(&mut self, task: u32, from: i32, to: i32, close_on_exec: bool) {
        let descriptors = &mut self.process(task).descriptors;
        match descriptors.get(&from).copied() {
            Some(descriptor) => {
                descriptors.insert(to, Descriptor { close_on_exec, ..descriptor });
            }
            None => {
                descriptors.remove(&to);
            }
        }
    }

    /// The number means nothing any more, or nothing that matters.
    pub(crate) fn close(&mut self, task: u32, number: i32) {
        self.process(task).descriptors.remove(&number);
    }

    pub(crate) fn get(&mut self, task: u32, number: i32) -> Option<&mut Description> {
        let descriptor = *self.process(task).descriptors.get(&number)?;
        self.descriptions.get_mut(descriptor.description)
    }
}
