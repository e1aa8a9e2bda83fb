//! One state of the model: the files, the processes, and what an onlooker who forgets nothing knows
//! of them. Small and `Copy`, because millions are made.

/// A document: the set of records in it, one bit each. Equal sets have equal digests.
pub(crate) type Content = u8;

/// Generations below 16, one bit each.
pub(crate) type Generations = u16;

/// The record the first writer of ours adds; the second adds the next bit.
pub(crate) const FIRST_OF_OURS: Content = 1;
/// The record of the first foreign commit; the second adds the next bit.
pub(crate) const FIRST_FOREIGN: Content = 4;
/// No file under this name.
pub(crate) const MISSING: Content = 0xff;
/// A file whose bytes were not flushed when the power went.
pub(crate) const TORN: Content = 0xfe;

/// What a slot says of the content it describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Mark {
    /// About to be put in place, or in place and not followed up.
    Prepared,
    /// In place and followed up.
    Done,
    /// Somebody else's content, given a generation.
    Adopted,
    /// Put in place over a foreign commit, and being taken back.
    Revoked,
}

/// One of the two slots of the control file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Slot {
    /// 0: the checksum is wrong, or nothing was ever written.
    pub(crate) generation: u8,
    pub(crate) digest: Content,
    pub(crate) base: Content,
    pub(crate) mark: Mark,
    /// What the counters say once this content has been followed up.
    pub(crate) note: Generations,
}

impl Slot {
    pub(crate) const INVALID: Self =
        Self { generation: 0, digest: MISSING, base: MISSING, mark: Mark::Adopted, note: 0 };
}

/// The names in the folder, and the judgements that stand and fall with them when the power goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Folder {
    pub(crate) document: Content,
    pub(crate) swap: Content,
    /// The bytes of the swap file are on the disk.
    pub(crate) swap_flushed: bool,
    /// Where a foreign writer sets the document aside.
    pub(crate) aside: Content,
    /// The records found in any content in `kept`.
    pub(crate) kept: Content,
    /// Records of ours and foreign ones that were committed.
    pub(crate) committed: Content,
    /// Records a foreign commit dropped, made from an older reading.
    pub(crate) dropped: Content,
    /// Foreign records overwritten by a foreign commit while we held them aside.
    pub(crate) collided: Content,
    /// Generations that ours committed.
    pub(crate) commits: Generations,
}

impl Folder {
    pub(crate) fn keep(&mut self, content: Content) {
        if content < TORN {
            self.kept |= content;
        }
    }

    /// What stands: the document or, in a foreign writer's gap, what it set aside.
    pub(crate) fn standing(&self) -> Content {
        if self.document == MISSING { self.aside } else { self.document }
    }

    /// Foreign records that were committed and are not in the document.
    pub(crate) fn foreign_missing(&self) -> Content {
        self.committed & !(FIRST_FOREIGN - 1) & !self.document & !self.dropped
    }

    /// Links what was set aside back, which fails harmlessly if the document is there again.
    pub(crate) fn restore_missing(&mut self) {
        if self.document == MISSING {
            self.document = self.aside;
        }
    }

    pub(crate) fn exchange(&mut self) {
        std::mem::swap(&mut self.document, &mut self.swap);
        self.swap_flushed = true;
    }
}

/// Where a process of ours is; each is one step that can be the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum At {
    Start,
    Recover,
    Read,
    BaseFlush,
    Adopt,
    AdoptFlush,
    Prepare,
    PrepareFlush,
    Place,
    Exchange,
    SlotLate,
    Revoke,
    Back,
    Drop,
    Flush,
    Counters,
    Audit,
    MarkDone,
    Keep,
    Confirm,
    Unlock,
    Acknowledge,
    Ended,
    Dead,
}

/// A process of ours under (or waiting for) the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Ours {
    pub(crate) at: At,
    /// What it adds; 0 for a reader that adopts.
    pub(crate) record: Content,
    /// The content it read and builds on.
    pub(crate) base: Content,
    /// The generation it prepares, follows up or adopts.
    pub(crate) generation: u8,
    /// What it last put in place while taking back, or `MISSING`.
    pub(crate) put: Content,
    /// The commit it follows up is a dead writer's.
    pub(crate) recovering: bool,
    pub(crate) restarted: bool,
}

impl At {
    /// The step from here touches only what the holder of the lock alone looks at.
    pub(crate) const fn is_unseen(self) -> bool {
        use At::{
            AdoptFlush, Audit, BaseFlush, Confirm, Counters, Drop, Flush, Keep, MarkDone, Place,
            PrepareFlush, Revoke,
        };
        matches!(
            self,
            AdoptFlush
                | Audit
                | BaseFlush
                | Confirm
                | Counters
                | Drop
                | Flush
                | Keep
                | MarkDone
                | Place
                | PrepareFlush
                | Revoke
        )
    }
}

impl Ours {
    pub(crate) const fn new(at: At, record: Content) -> Self {
        Self {
            at,
            record,
            base: MISSING,
            generation: 0,
            put: MISSING,
            recovering: false,
            restarted: false,
        }
    }

    /// At `at`, having forgotten everything.
    pub(crate) const fn anew(self, at: At) -> Self {
        Self { restarted: self.restarted, ..Self::new(at, self.record) }
    }

    pub(crate) const fn wanted(&self) -> Content {
        self.base | self.record
    }
}

/// Where the foreign writer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum ForeignAt {
    Read,
    SetAside,
    Put,
    RemoveAside,
    Dead,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Foreign {
    pub(crate) at: ForeignAt,
    pub(crate) seen: Content,
    pub(crate) adds: bool,
    pub(crate) commits: u8,
}

/// Where the reader is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum ReaderAt {
    Look,
    Label,
    Adopting,
    Dead,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Reader {
    pub(crate) at: ReaderAt,
    pub(crate) seen: Content,
    pub(crate) floor: u8,
}

/// What must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Property {
    OneGenerationOneContent,
    ReaderNeverFallsBack,
    AcknowledgedStays,
    LostVersionIsKept,
    ForeignCommitStays,
    CollidedCommitIsKept,
    NeverBelievedAbsent,
    Heals,
    FollowedUpOnce,
    WhollyOrNot,
}

/// Index of the process a reader adopts through.
pub(crate) const ADOPTER: usize = 2;

/// Everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(crate) folder: Folder,
    pub(crate) slots: [Slot; 2],
    /// The category's counters: the generations they account for.
    pub(crate) counters: Generations,
    /// The audit log: flushed with every event.
    pub(crate) audit: Generations,
    /// What a power cut leaves of each of the above; not moved where no power cut comes.
    pub(crate) durable_folder: Folder,
    pub(crate) durable_slots: [Slot; 2],
    pub(crate) durable_counters: Generations,
    pub(crate) lock: Option<u8>,
    pub(crate) ours: [Ours; 3],
    pub(crate) foreign: Foreign,
    pub(crate) reader: Reader,
    pub(crate) faults: u8,
    /// Largest generation a slot was ever given, and the least the clock would now say.
    pub(crate) named: u8,
    pub(crate) clock: u8,
    pub(crate) acknowledged: Content,
    pub(crate) broken: Option<Property>,
}

impl State {
    /// An empty document with a generation, and nobody at work.
    pub(crate) fn first() -> Self {
        let folder = Folder {
            document: 0,
            swap: MISSING,
            swap_flushed: true,
            aside: MISSING,
            kept: 0,
            committed: 0,
            dropped: 0,
            collided: 0,
            commits: 0,
        };
        let adopted = Slot { generation: 1, digest: 0, ..Slot::INVALID };
        let slots = [adopted, Slot::INVALID];
        let writer = |number: u8| Ours::new(At::Start, FIRST_OF_OURS << number);
        Self {
            folder,
            slots,
            counters: 0,
            audit: 0,
            durable_folder: folder,
            durable_slots: slots,
            durable_counters: 0,
            lock: None,
            ours: [writer(0), writer(1), Ours::new(At::Ended, 0)],
            foreign: Foreign { at: ForeignAt::Read, seen: MISSING, adds: true, commits: 0 },
            reader: Reader { at: ReaderAt::Look, seen: MISSING, floor: 0 },
            faults: 0,
            named: 1,
            clock: 0,
            acknowledged: 0,
            broken: None,
        }
    }

    /// The slot that labels `content`: the largest generation with its digest.
    pub(crate) fn label(&self, content: Content) -> Option<usize> {
        let describes = |&index: &usize| {
            self.slots[index].generation != 0 && self.slots[index].digest == content
        };
        [0, 1].into_iter().filter(describes).max_by_key(|&index| self.slots[index].generation)
    }

    /// The prepared slot to settle first: the document's, else the one whose base is in the swap
    /// file, else any. There are two if a mark was lost with the power.
    pub(crate) fn prepared(&self) -> Option<usize> {
        let prepared = |&index: &usize| {
            self.slots[index].generation != 0 && self.slots[index].mark == Mark::Prepared
        };
        let current = self.label(self.folder.document).filter(prepared);
        let displaced = |&index: &usize| self.slots[index].base == self.folder.swap;
        let overtaken = || [0, 1].into_iter().filter(prepared).find(displaced);
        current.or_else(overtaken).or_else(|| [0, 1].into_iter().find(prepared))
    }

    /// The generation after all that the slots and the clock know.
    pub(crate) fn next_generation(&self) -> u8 {
        self.slots[0].generation.max(self.slots[1].generation).max(self.clock) + 1
    }

    /// Notes the first property broken.
    pub(crate) fn breaks(&mut self, property: Property) {
        self.broken.get_or_insert(property);
    }
}
