//! Where values may come from, and their order: command line, environment, `.env` files, TOML file.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::layer::{Layer, Raw};
use super::{Origin, Problem, ReplicateMode};
use crate::json::{Json, Object};

/// Where values may come from. The default is nowhere: everything keeps its default.
///
/// The environment holds secrets, so this cannot be printed.
#[derive(Clone)]
pub struct Sources {
    /// The mode when nobody says one: a library is a REPLICA, a server a PRIMARY.
    pub default_mode: ReplicateMode,
    /// Name and value of variables set by flags of the command line; they win over all else.
    pub overrides: Vec<(String, String)>,
    /// The environment.
    pub environment: Vec<(OsString, OsString)>,
    /// The folder whose `.env` is read, if any.
    pub dot_env_folder: Option<PathBuf>,
}

impl Default for Sources {
    fn default() -> Self {
        Self {
            default_mode: ReplicateMode::Replica,
            overrides: Vec::new(),
            environment: Vec::new(),
            dot_env_folder: None,
        }
    }
}

impl Sources {
    /// The environment of this process and the `.env` of its working directory. Nothing else in the
    /// crate looks at either.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    pub fn from_process_env() -> Self {
        Self {
            environment: std::env::vars_os().collect(),
            dot_env_folder: Some(PathBuf::from(".")),
            ..Self::default()
        }
    }

    /// The variables set by flags.
    pub(super) fn overrides_layer(&self) -> Layer {
        let mut layer = Layer::default();
        for (name, value) in &self.overrides {
            layer.give(name, Raw::Text(value.clone()), Origin::CommandLine);
        }
        layer
    }

    /// The environment. Of names that differ in case only, the one in capitals counts.
    pub(super) fn environment_layer(&self) -> Layer {
        let mut variables: Vec<_> = self.environment.iter().collect();
        variables.sort_by(|(a, _), (b, _)| b.cmp(a));
        let mut layer = Layer::default();
        for (name, value) in variables {
            let Some(name) = name.to_str() else { continue };
            let raw = value.to_str().map_or(Raw::NotUtf8, |text| Raw::Text(text.to_owned()));
            layer.give(name, raw, Origin::Environment);
        }
        layer
    }

    /// The file `name` in the folder of `.env`, which need not exist.
    pub(super) fn dot_env_layer(&self, name: &str, problems: &mut Vec<Problem>) -> Layer {
        let Some(folder) = &self.dot_env_folder else { return Layer::default() };
        let file = if folder == Path::new(".") { name.into() } else { folder.join(name) };
        // A folder of this name is somebody's virtual environment.
        if !file.is_file() {
            return Layer::default();
        }
        match std::fs::read_to_string(&file) {
            Ok(text) => dot_env(&text, &file, problems),
            Err(error) => {
                problems.push(source_problem(file.display().to_string(), error));
                Layer::default()
            }
        }
    }
}

fn source_problem(place: String, reason: impl ToString) -> Problem {
    Problem::Source { place, reason: reason.to_string() }
}

fn dot_env(text: &str, file: &Path, problems: &mut Vec<Problem>) -> Layer {
    let mut layer = Layer::default();
    let text = text.trim_start_matches('\u{feff}');
    let quoted: String = text.lines().map(|line| json_quoted(line) + "\n").collect();
    for item in dotenvy::from_read_iter(quoted.as_bytes()) {
        match item {
            Ok((name, value)) => {
                let line = last_line_that(text, |line| assigns(line, &name));
                let origin = Origin::DotEnv { file: file.to_owned(), line };
                layer.give(&name, Raw::Text(value), origin);
            }
            // The parser's message quotes the line, and with it perhaps a password.
            Err(dotenvy::Error::LineParse(broken, _)) => {
                let first = broken.lines().next().unwrap_or_default();
                let line = last_line_that(&quoted, |line| line.trim_end() == first.trim_end());
                let reason = "not of the form NAME=value; values with blanks need quotes";
                problems.push(source_problem(format!("{} line {line}", file.display()), reason));
            }
            Err(error) => problems.push(source_problem(file.display().to_string(), error)),
        }
    }
    layer
}

/// The line with quotes around its value if that is bare JSON. Other readers of such files take it as
/// it stands; the parser used here would take the quotes out of it.
fn json_quoted(line: &str) -> String {
    let bare = || {
        let (name, value) = line.split_once('=')?;
        let closing = match value.trim_start().chars().next()? {
            '[' => ']',
            '{' => '}',
            _ => return None,
        };
        let end = value.rfind(closing)? + closing.len_utf8();
        let (json, rest) = value.split_at_checked(end)?;
        let is_open = !name.trim_start().starts_with('#') && !value.contains('\'');
        is_open.then(|| format!("{name}='{}'{rest}", json.trim_start()))
    };
    bare().unwrap_or_else(|| line.to_owned())
}

/// Number of the last line that has the property: of repeated variables the last one counts.
fn last_line_that(text: &str, has_property: impl Fn(&str) -> bool) -> usize {
    let lines = text.lines().enumerate();
    lines.filter(|(_, line)| has_property(line)).last().map_or(1, |(index, _)| index + 1)
}

fn assigns(line: &str, name: &str) -> bool {
    let line = line.trim_start();
    let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
    line.strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with('='))
}

/// The TOML file, which must exist since somebody named it.
pub(super) fn toml_layer(file: &Path, problems: &mut Vec<Problem>) -> Layer {
    let mut layer = Layer::ours();
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) => {
            problems.push(source_problem(file.display().to_string(), error));
            return layer;
        }
    };
    match text.parse::<toml::Table>() {
        Ok(table) => {
            for (key, value) in table {
                layer.give_key(&key, json_of(value), file);
            }
        }
        // The error's own display quotes the line, and with it perhaps a password.
        Err(error) => {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            problems
                .push(source_problem(format!("{} line {line}", file.display()), error.message()));
        }
    }
    layer
}

fn json_of(value: toml::Value) -> Json {
    match value {
        toml::Value::String(text) => Json::String(text),
        toml::Value::Integer(number) => Json::Int(number),
        toml::Value::Float(number) if number.is_finite() => Json::Float(number),
        // Not a number of JSON; as a text it is refused under its own name.
        toml::Value::Float(number) => Json::String(number.to_string()),
        toml::Value::Boolean(value) => Json::Bool(value),
        toml::Value::Datetime(time) => Json::String(time.to_string()),
        toml::Value::Array(items) => Json::Array(items.into_iter().map(json_of).collect()),
        toml::Value::Table(table) => {
            let members = table.into_iter().map(|(key, value)| (key, json_of(value)));
            Json::Object(members.collect::<Object>())
        }
    }
}
