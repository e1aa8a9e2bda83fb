//! Every folder a power cut could leave at any point of a recording, each handed to a check.

use std::collections::HashSet;
use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use fastrand::Rng;

use crate::crash::Axis;
use crate::disk::Disk;
use crate::operation::Operation;
use crate::tree::Tree;

/// Combinations that all others deviate from: the names survive, the contents, nothing, everything.
const GROUNDS: usize = 4;

/// How many states are tried.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Where chance starts.
    pub seed: u64,
    /// At a point with at most so many states, all are tried.
    pub exhaustive: usize,
    /// With more, these many by chance, besides those in which one file or folder differs from the
    /// rest.
    pub samples: usize,
    /// Of those never more than this; which of them, chance says.
    pub most: usize,
    /// Of all of them one in so many is tried; which, chance says.
    pub one_in: usize,
    /// After so many convictions the rest is not tried.
    pub enough: usize,
}

/// What a replay found.
#[derive(Debug)]
pub struct Report {
    /// Points between operations at which the power was cut.
    pub points: usize,
    /// Different states that were checked.
    pub states: usize,
    /// Those that failed.
    pub convictions: Vec<Conviction>,
    /// The plan, to repeat it.
    pub plan: Plan,
}

/// A state that failed the check.
#[derive(Debug, Clone)]
pub struct Conviction {
    /// How many operations had ended when the power was cut.
    pub point: usize,
    /// The last of them.
    pub operation: String,
    /// What survived.
    pub survived: String,
    /// What the check says.
    pub verdict: String,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            seed: 0x5eed,
            exhaustive: 256,
            samples: 64,
            most: usize::MAX,
            one_in: 1,
            enough: usize::MAX,
        }
    }
}

impl Report {
    /// An error with the first convictions, if there are any.
    pub fn acquitted(&self) -> Result<()> {
        anyhow::ensure!(self.convictions.is_empty(), "{self}");
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { points, states, convictions, plan } = self;
        let (count, seed) = (convictions.len(), plan.seed);
        write!(formatter, "{count} of {states} states at {points} points fail (seed {seed:#x})")?;
        for Conviction { point, operation, survived, verdict } in convictions.iter().take(5) {
            write!(formatter, "\nat {point}, after {operation}: {verdict}\n    {survived}")?;
        }
        Ok(())
    }
}

/// States, each by its folder and by how much was acknowledged.
#[derive(Debug, Clone, Default)]
pub struct Known(HashSet<(u64, usize)>);

/// Cuts the power after each operation (and before the first), and has `check` judge what could be
/// left: the folder, and what had been acknowledged by then. The check may change the folder.
///
/// States that are equal in both are checked once.
pub fn replay(
    before: &Tree,
    operations: &[Operation],
    plan: Plan,
    check: impl FnMut(&Path, &[String]) -> Result<(), String>,
) -> Result<Report> {
    replay_beyond(&Known::default(), before, operations, plan, check)
}

/// The states that [`replay`] would check.
pub fn states(before: &Tree, operations: &[Operation], plan: Plan) -> Result<Known> {
    let mut seen = Known::default();
    walk(before, operations, plan, |state| {
        seen.0.insert(state.identity());
        Ok(true)
    })?;
    Ok(seen)
}

/// [`replay`] of the states that are not `known`.
pub fn replay_beyond(
    known: &Known,
    before: &Tree,
    operations: &[Operation],
    plan: Plan,
    mut check: impl FnMut(&Path, &[String]) -> Result<(), String>,
) -> Result<Report> {
    let scratch = scratch()?;
    let mut seen = known.clone();
    let points = operations.len() + 1;
    let mut report = Report { points, states: 0, convictions: Vec::new(), plan };
    walk(before, operations, plan, |state| {
        if !seen.0.insert(state.identity()) {
            return Ok(true);
        }
        report.states += 1;
        let folder = scratch.path().join(report.states.to_string());
        std::fs::create_dir(&folder)?;
        state.tree.write(&folder)?;
        if let Err(verdict) = check(&folder, state.acknowledged) {
            report.convictions.push(Conviction {
                point: state.point,
                operation: tell(state.point.checked_sub(1).map(|last| &operations[last])),
                survived: state.disk.tell(state.axes, state.chosen),
                verdict,
            });
        }
        std::fs::remove_dir_all(&folder)?;
        Ok(report.convictions.len() < plan.enough)
    })?;
    Ok(report)
}

/// What a power cut left.
struct State<'a> {
    /// How many operations had ended.
    point: usize,
    acknowledged: &'a [String],
    disk: &'a Disk,
    axes: &'a [Axis],
    chosen: &'a [usize],
    tree: Tree,
}

impl State<'_> {
    fn identity(&self) -> (u64, usize) {
        (self.tree.fingerprint(), self.acknowledged.len())
    }
}

/// Visits states until the visitor says that it has seen enough.
fn walk(
    before: &Tree,
    operations: &[Operation],
    plan: Plan,
    mut visit: impl FnMut(State<'_>) -> Result<bool>,
) -> Result<()> {
    let mut disk = Disk::new(before);
    let mut acknowledged = Vec::new();
    let mut random = Rng::with_seed(plan.seed);
    // Of few points a few states each, because finding what a point could leave takes time, too.
    let points_share = plan.one_in.isqrt();
    for point in 0..=operations.len() {
        if let Some(operation) = point.checked_sub(1).map(|last| &operations[last]) {
            disk.apply(operation).with_context(|| format!("{operation:.200?}"))?;
            if let Operation::Acknowledge(what) = operation {
                acknowledged.push(what.clone());
            }
        }
        if random.usize(..points_share) != 0 {
            continue;
        }
        let axes = disk.axes();
        for chosen in choices(&axes, plan, &mut random) {
            if random.usize(..plan.one_in / points_share) != 0 {
                continue;
            }
            let tree = disk.crashed(&axes, &chosen);
            let (axes, chosen) = (axes.as_slice(), chosen.as_slice());
            let (acknowledged, disk) = (acknowledged.as_slice(), &disk);
            if !visit(State { point, acknowledged, disk, axes, chosen, tree })? {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// Where states are built: in memory where there is such a place, because there are many.
fn scratch() -> Result<tempfile::TempDir> {
    let memory = PathBuf::from("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(&memory) } else { tempfile::tempdir() };
    folder.or_else(|_| tempfile::tempdir()).context("no folder for the states")
}

fn tell(operation: Option<&Operation>) -> String {
    match operation {
        None => "nothing".to_owned(),
        Some(Operation::Write { handle, place, data }) => {
            format!("Write {{ {handle:?}, {place:?}, {} bytes }}", data.len())
        }
        Some(operation) => format!("{operation:?}"),
    }
}

/// The combinations to try: an option's number for each axis.
fn choices(axes: &[Axis], plan: Plan, random: &mut Rng) -> Vec<Vec<usize>> {
    let product = axes.iter().try_fold(1_usize, |product, axis| product.checked_mul(axis.len()));
    if product.is_some_and(|product| product <= plan.exhaustive) {
        return every(axes);
    }
    let none = vec![0; axes.len()];
    let all: Vec<usize> = axes.iter().map(|axis| axis.len() - 1).collect();
    let mixed = |names: bool| {
        let pick = |(axis, all): (&Axis, &usize)| if axis.is_names() == names { *all } else { 0 };
        axes.iter().zip(&all).map(pick).collect::<Vec<_>>()
    };
    let grounds: [Vec<usize>; GROUNDS] = [mixed(true), mixed(false), none, all];
    let mut choices = grounds.to_vec();
    for (index, axis) in axes.iter().enumerate() {
        for option in 0..axis.len() {
            choices.extend(grounds.iter().map(|ground| {
                let mut choice = ground.clone();
                choice[index] = option;
                choice
            }));
        }
    }
    for _ in 0..plan.samples {
        choices.push(axes.iter().map(|axis| random.usize(..axis.len())).collect());
    }
    if choices.len() > plan.most {
        // The grounds are the most telling ones.
        random.shuffle(&mut choices[GROUNDS..]);
        choices.truncate(plan.most.max(GROUNDS));
    }
    choices
}

fn every(axes: &[Axis]) -> Vec<Vec<usize>> {
    axes.iter().fold(vec![Vec::new()], |choices, axis| {
        let with = |choice: &Vec<usize>, option| [choice.as_slice(), &[option]].concat();
        let extended =
            |choice: Vec<usize>| (0..axis.len()).map(move |option| with(&choice, option));
        choices.into_iter().flat_map(extended).collect()
    })
}
