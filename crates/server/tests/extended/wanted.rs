//! Where the recorded answer shows a fault of the reference: what is wanted in its place.
//!
//! Written as edits of what was recorded, so that everything else of the step still holds. Later
//! steps that carry a consequence are edited too.

use anyhow::{Context, Result};
use horde_model_reference::json::Json;

use crate::exchange::{Exchange, Recorded, Step};
use crate::faults::WANTED;

/// One difference between what was recorded and what is wanted. Places are pointers into the
/// body, or into the list of files of a step; `*` is every element of an array, `~1` a slash in a
/// name.
#[derive(Debug, Clone, Copy)]
pub enum Edit {
    Status(u16),
    /// Asks with this JSON instead.
    Ask(&'static str),
    /// Puts this JSON there, whether something is there or not.
    Set(&'static str, &'static str),
    /// Puts this JSON before the element of an array that is there.
    Insert(&'static str, &'static str),
    Remove(&'static str),
}

/// What is wanted of one step.
#[derive(Debug)]
pub struct Wanted {
    pub file: &'static str,
    pub step: usize,
    /// The fault it shows or follows from, or in words what is ours.
    pub fault: &'static str,
    pub edits: &'static [Edit],
}

/// Files in which members that are null are as good as absent: the core exchanges leave it open
/// whether proposals of text models in the legacy format hold them.
pub const NULL_EQUALS_ABSENT: &[&str] = &["legacy-queue-text"];

/// Steps that come true by themselves soon after a start: what died is settled beside serving.
pub const SOON: &[(&str, usize)] = &[("queue-recovery", 0)];

/// What is listed for a file that does not exist.
pub fn unknown(files: &[Exchange]) -> Vec<&'static str> {
    let listed = WANTED.iter().map(|wanted| wanted.file);
    listed.filter(|name| !files.iter().any(|file| file.name == *name)).collect()
}

/// The steps of a file with all edits made. An edit that changes nothing is an error: then it is
/// needed no more, or misses its place.
pub fn steps(file: &Exchange) -> Result<Vec<Step>> {
    let mut steps = file.steps.clone();
    for wanted in WANTED.iter().filter(|wanted| wanted.file == file.name) {
        let told = || format!("{} for step {} of {}", wanted.fault, wanted.step, wanted.file);
        let step = steps.get_mut(wanted.step).with_context(told)?;
        for edit in wanted.edits {
            edited(step, edit).with_context(told)?;
        }
    }
    Ok(steps)
}

fn edited(step: &mut Step, edit: &Edit) -> Result<()> {
    match (step, edit) {
        (Step::Exchange(_, recorded), Edit::Status(status)) => {
            anyhow::ensure!(recorded.status != *status, "the status is so already");
            recorded.status = *status;
            Ok(())
        }
        (Step::Exchange(request, _), Edit::Ask(body)) => {
            request.body = Some(body.as_bytes().to_vec());
            Ok(())
        }
        (Step::Exchange(_, Recorded { body: Some(body), .. }), edit) => {
            in_json(body, edit.place(), edit)
        }
        (Step::Files(files), edit) => {
            let place = edit.place();
            let found = files.iter_mut().find_map(|(path, content)| {
                Some((place.strip_prefix(path.as_str())?.to_owned(), content))
            });
            let (rest, content) = found.context("no such file")?;
            in_json(content, &rest, edit)
        }
        _ => anyhow::bail!("nothing to edit"),
    }
}

impl Edit {
    fn place(&self) -> &'static str {
        match self {
            Self::Status(_) | Self::Ask(_) => "",
            Self::Set(place, _) | Self::Insert(place, _) | Self::Remove(place) => place,
        }
    }
}

fn in_json(value: &mut Json, place: &str, edit: &Edit) -> Result<()> {
    match edit {
        Edit::Status(_) | Edit::Ask(_) => anyhow::bail!("only for requests and answers"),
        Edit::Set(_, json) => at(value, place, Some(&Json::parse(json.as_bytes())?)),
        Edit::Remove(_) => at(value, place, None),
        Edit::Insert(_, json) => {
            let (list, index) = place.rsplit_once('/').context("no list")?;
            let mut list_there = value;
            for name in list.split('/').skip(1) {
                list_there = below(list_there, name).with_context(|| format!("no {name}"))?;
            }
            let Json::Array(items) = list_there else { anyhow::bail!("no list") };
            let index: usize = index.parse()?;
            anyhow::ensure!(index <= items.len(), "no {index}");
            items.insert(index, Json::parse(json.as_bytes())?);
            Ok(())
        }
    }
}

fn below<'a>(value: &'a mut Json, name: &str) -> Option<&'a mut Json> {
    match value {
        Json::Array(items) => items.get_mut(name.parse::<usize>().ok()?),
        Json::Object(members) => members.get_mut(name),
        _ => None,
    }
}

/// Sets, or without a value removes, what a pointer points at.
fn at(value: &mut Json, place: &str, new: Option<&Json>) -> Result<()> {
    if place.is_empty() {
        let new = new.context("the whole cannot be removed")?;
        anyhow::ensure!(value != new, "it is so already");
        *value = new.clone();
        return Ok(());
    }
    let rest = place.strip_prefix('/').with_context(|| format!("`{place}` begins with no /"))?;
    let (name, rest) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let name = &name.replace("~1", "/");
    match value {
        Json::Array(items) if name == "*" => {
            items.iter_mut().try_for_each(|item| at(item, rest, new))
        }
        Json::Array(items) => {
            let index: usize = name.parse()?;
            anyhow::ensure!(index < items.len() || (rest.is_empty() && new.is_some()), "no {name}");
            match (rest.is_empty(), new) {
                (true, None) => drop(items.remove(index)),
                (true, Some(new)) if index == items.len() => items.push(new.clone()),
                _ => return at(&mut items[index], rest, new),
            }
            Ok(())
        }
        Json::Object(members) if rest.is_empty() => match new {
            None => members.shift_remove(name).map(drop).with_context(|| format!("no {name}")),
            Some(new) => {
                anyhow::ensure!(members.get(name) != Some(new), "{name} is so already");
                members.insert(name.to_owned(), new.clone());
                Ok(())
            }
        },
        Json::Object(members) => {
            at(members.get_mut(name).with_context(|| format!("no {name}"))?, rest, new)
        }
        _ => anyhow::bail!("nothing lies below at {name}"),
    }
}

#[test]
fn edits_find_their_place_or_are_refused() {
    let edit = |place: &'static str, new: Option<&'static str>| {
        let mut value = Json::parse(br#"{"a":[{"b":1},{"b":2}]}"#).unwrap();
        let edit = new.map_or(Edit::Remove(place), |new| Edit::Set(place, new));
        in_json(&mut value, place, &edit).ok().map(|()| value.to_string().replace(' ', ""))
    };
    assert_eq!(edit("/a/1/b", Some("3")).unwrap(), r#"{"a":[{"b":1},{"b":3}]}"#);
    assert_eq!(edit("/a/*/c", Some("3")).unwrap(), r#"{"a":[{"b":1,"c":3},{"b":2,"c":3}]}"#);
    assert_eq!(edit("/a/0", None).unwrap(), r#"{"a":[{"b":2}]}"#);
    assert_eq!(edit("/a/2", Some("3")).unwrap(), r#"{"a":[{"b":1},{"b":2},3]}"#);
    assert_eq!(edit("/a/1/b", Some("2")), None);
    assert_eq!(edit("/a/1/c", None), None);
    assert_eq!(edit("/x/1/c", Some("2")), None);
    assert_eq!(edit("a", Some("2")), None);
    let mut list = Json::parse(br#"{"a":[1,2]}"#).unwrap();
    in_json(&mut list, "/a/1", &Edit::Insert("/a/1", "3")).unwrap();
    assert_eq!(list.to_string().replace(' ', ""), r#"{"a":[1,3,2]}"#);
    assert!(in_json(&mut list, "/a/4", &Edit::Insert("/a/4", "3")).is_err());
}
