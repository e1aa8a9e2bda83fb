//! What must be true of a folder after any power cut, and of what is written next.

use std::path::Path;

use horde_model_reference::audit::{Event, Filter, Tail};
use horde_model_reference::change::{Operation, Precondition, WriteError};
use horde_model_reference::generation::Generation;
use horde_model_reference::{Category, Json, Primary};
use tokio::runtime::Runtime;

use crate::scenario::{Records, Step, Way};
use crate::writer::open;

type Verdict<T = ()> = Result<T, String>;

/// Judges folders that a writer left after some of its steps.
pub(crate) struct Judge {
    pub(crate) way: Way,
    pub(crate) steps: Vec<Step>,
    pub(crate) runtime: Runtime,
}

/// What became of one category.
struct Standing<'a> {
    category: Category,
    /// Its steps that stand.
    steps: Vec<&'a Step>,
    /// How they were acknowledged, as far as they were.
    acknowledged: Vec<Generation>,
}

impl Judge {
    pub(crate) fn check(&self, folder: &Path, acknowledged: &[String]) -> Verdict {
        let generation = |line: &String| line.rsplit(' ').next()?.parse().ok();
        let generations: Vec<Generation> =
            acknowledged.iter().map(generation).collect::<Option<_>>().ok_or("an odd line")?;
        let mut standing = Vec::new();
        for category in self.way.categories() {
            match self.standing(folder, *category, &generations)? {
                Some(found) => standing.push(found),
                // What another program did not flush is not ours to keep.
                None => return Ok(()),
            }
        }
        self.every_derived_document_is_whole(folder)?;
        let primary = open(folder, self.way, true)?;
        for found in &standing {
            self.runtime.block_on(self.continues(folder, &primary, found))?;
        }
        let events = Tail::new(folder.join("audit"), Filter::default()).read_on();
        let events = events.map_err(|error| error.to_string())?;
        if !events.is_sorted_by(|one, next| one.id < next.id) {
            return Err("two events have one number".into());
        }
        for found in &standing {
            self.events_are_those_of(found, &events)?;
            self.counters_are_those_of(folder, found)?;
            self.derived_follows(folder, found)?;
        }
        drop(primary);
        nothing_is_left_half_done(folder)
    }

    /// Which steps stand: all that were acknowledged, and perhaps the one under way. `None` if the
    /// other program's document is torn, which it alone is to blame for.
    fn standing(
        &self,
        folder: &Path,
        category: Category,
        acknowledged: &[Generation],
    ) -> Verdict<Option<Standing<'_>>> {
        let count = acknowledged.len();
        let begun: Vec<(usize, &Step)> = self
            .steps
            .iter()
            .enumerate()
            .take(count + 1)
            .filter(|(_, step)| step.category == category)
            .collect();
        let is_certain = |(index, step): &(usize, &Step)| *index < count && !step.is_foreign;
        let least = begun.iter().rposition(is_certain).map_or(0, |last| last + 1);
        let path = self.way.document(category);
        let found = match records(folder, path) {
            Ok(found) => found,
            Err(_) if begun[least..].iter().any(|(_, step)| step.is_foreign) => return Ok(None),
            Err(reason) => return Err(reason),
        };
        let steps: Vec<&Step> = begun.iter().map(|(_, step)| *step).collect();
        let stands = |upto: &usize| self.way.after(category, steps[..*upto].to_vec()) == found;
        let Some(upto) = (least..=steps.len()).rev().find(stands) else {
            let names: Vec<&String> = found.keys().collect();
            return Err(format!("{path} lacks what was acknowledged, or has more: {names:?}"));
        };
        let known = begun[..upto].iter().filter_map(|(index, _)| acknowledged.get(*index));
        let acknowledged = known.copied().collect();
        Ok(Some(Standing { category, steps: steps[..upto].to_vec(), acknowledged }))
    }

    fn every_derived_document_is_whole(&self, folder: &Path) -> Verdict {
        for path in self.derived() {
            records(folder, path)?;
        }
        Ok(())
    }

    fn derived(&self) -> &'static [&'static str] {
        if self.way == Way::Legacy {
            &["stable_diffusion.json", "text_generation.json"]
        } else {
            &[]
        }
    }

    /// Requests are remembered, the name of what stands still holds, and the next write goes through.
    async fn continues(&self, folder: &Path, primary: &Primary, found: &Standing<'_>) -> Verdict {
        let path = folder.join(self.way.document(found.category));
        let before = std::fs::read(&path).ok();
        for (index, step) in found.steps.iter().enumerate().filter(|(_, step)| !step.is_foreign) {
            if step.request.is_none() {
                continue;
            }
            let again = step.make(primary, step.options()).await;
            let again = again.map_err(|error| format!("repeating {}: {error}", step.name))?;
            if !again.repeated {
                return Err(format!("the request {:?} was forgotten", step.request));
            }
            let first = found.acknowledged.get(index);
            if first.is_some_and(|first| *first != again.generation) {
                return Err(format!("{:?} led to another generation", step.request));
            }
        }
        if std::fs::read(&path).ok() != before {
            return Err("a repeated request wrote something".into());
        }
        let last = found.acknowledged.iter().max().copied().unwrap_or_default();
        let step = further(found.category);
        let mut options = step.options();
        // Foreign steps have no generation of their own.
        if found.acknowledged.len() == found.steps.len()
            && found.acknowledged.last() == Some(&last)
            && last.is_some()
        {
            options = options.only_if(Precondition::Generation(last));
        }
        match step.make(primary, options).await {
            Ok(done) if done.generation > last => Ok(()),
            Ok(done) => Err(format!("generation {} came after {last}", done.generation)),
            Err(WriteError::Conflict { generation, .. }) => {
                Err(format!("what was acknowledged as {last} is called {generation}"))
            }
            Err(error) => Err(format!("the next write failed: {error}")),
        }
    }

    fn events_are_those_of(&self, found: &Standing<'_>, events: &[Event]) -> Verdict {
        let own = events.iter().filter(|event| event.category == found.category.name());
        let own: Vec<&Event> = own.collect();
        let further = further(found.category);
        let all = found.steps.iter().copied().chain([&further]).enumerate();
        let wanted: Vec<(usize, &Step)> =
            all.filter(|(_, step)| step.user.is_some() && !step.is_foreign).collect();
        let is = |event: &Event, (index, step): &(usize, &Step)| {
            let acknowledged = found.acknowledged.get(*index);
            event.domain == self.way.canonical()
                && (&event.model_name, event.operation) == (&step.name, step.operation)
                && event.request_id == step.request
                && acknowledged.is_none_or(|generation| event.generation == Some(*generation))
        };
        let is_so = own.len() == wanted.len()
            && own.iter().zip(&wanted).all(|(event, step)| is(event, step));
        if is_so {
            return Ok(());
        }
        let told: Vec<String> =
            own.iter().map(|event| format!("{:?} {}", event.operation, event.model_name)).collect();
        let done: Vec<String> =
            wanted.iter().map(|(_, step)| format!("{:?} {}", step.operation, step.name)).collect();
        Err(format!("the trail of {} tells {told:?}, done was {done:?}", found.category))
    }

    fn counters_are_those_of(&self, folder: &Path, found: &Standing<'_>) -> Verdict {
        let further = further(found.category);
        let steps = found.steps.iter().copied().chain([&further]);
        let own: Vec<&Step> = steps.filter(|step| !step.is_foreign).collect();
        let formats: &[&str] = if self.way == Way::Legacy { &["v2", "legacy"] } else { &["v2"] };
        for format in formats {
            let path = format!("meta/{format}/{}_metadata.json", found.category);
            let text = std::fs::read(folder.join(&path)).map_err(|e| format!("{path}: {e}"))?;
            let metadata = Json::parse(&text).map_err(|e| format!("{path}: {e}"))?;
            for operation in [Operation::Create, Operation::Update, Operation::Delete] {
                let done = own.iter().filter(|step| step.operation == operation).count();
                let member = format!("total_{}s", operation.name());
                let counted = metadata.get(&member).and_then(Json::as_i64);
                if counted != i64::try_from(done).ok() {
                    return Err(format!("{path} says {member} {counted:?}, done were {done}"));
                }
            }
        }
        Ok(())
    }

    fn derived_follows(&self, folder: &Path, found: &Standing<'_>) -> Verdict {
        let further = further(found.category);
        let steps = found.steps.iter().copied().chain([&further]);
        let wanted = self.way.after(found.category, steps);
        let document = self.way.document(found.category);
        let derived = self.way.categories().iter().position(|one| *one == found.category);
        let derived = derived.and_then(|index| self.derived().get(index));
        for path in [document].iter().chain(derived) {
            let there = records(folder, path)?;
            if there != wanted {
                let names: Vec<&String> = there.keys().collect();
                return Err(format!("{path} is not what it should be: {names:?}"));
            }
        }
        Ok(())
    }
}

/// What is written after the start.
fn further(category: Category) -> Step {
    Step {
        category,
        name: "further".into(),
        operation: Operation::Create,
        text: "further".into(),
        user: Some("102"),
        request: None,
        is_foreign: false,
    }
}

/// The records of a document; none where there is no file.
fn records(folder: &Path, path: &str) -> Verdict<Records> {
    let bytes = match std::fs::read(folder.join(path)) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Records::new()),
        Err(error) => return Err(format!("{path}: {error}")),
    };
    let torn = || format!("{path} is half written");
    if path.ends_with(".csv") {
        let text = String::from_utf8(bytes).map_err(|_| torn())?;
        let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
        let head = lines.next().ok_or_else(torn)?;
        let column = head.iter().position(|name| *name == "description").ok_or_else(torn)?;
        if !text.ends_with('\n') {
            return Err(torn());
        }
        let record = |line: Vec<&str>| {
            (line.len() == head.len()).then(|| (line[0].to_owned(), line[column].to_owned()))
        };
        return lines.map(record).collect::<Option<_>>().ok_or_else(torn);
    }
    let value = Json::parse(&bytes).map_err(|_| torn())?;
    let text = |record: &Json| record.get("description").and_then(Json::as_str).map(str::to_owned);
    let record = |(name, record): (&String, &Json)| Some((name.clone(), text(record)?));
    let records = value.as_object().ok_or_else(torn)?.iter().map(record);
    records.collect::<Option<_>>().ok_or_else(torn)
}

fn nothing_is_left_half_done(folder: &Path) -> Verdict {
    for entry in std::fs::read_dir(folder).map_err(|error| error.to_string())?.flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        if path.is_dir() {
            nothing_is_left_half_done(&path)?;
        } else if name.starts_with(".directory.") {
            // The folder's identity is created once, by whoever is first, and without a lock.
        } else if [".swap", ".new", ".staged"].iter().any(|ending| name.ends_with(ending)) {
            return Err(format!("{path:?} is left behind"));
        } else if name.ends_with(".json") || name == "directory" {
            let bytes = std::fs::read(&path).map_err(|error| error.to_string())?;
            Json::parse(&bytes).map_err(|error| format!("{path:?} is half written: {error}"))?;
        }
    }
    Ok(())
}
