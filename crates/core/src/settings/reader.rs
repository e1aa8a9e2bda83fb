//! Reads variables from the layers, strongest first, and keeps account of all it was asked for:
//! the account is the listing of settings, and what nobody asked for is a mistyped name.

use super::group::{PREFIX, Variable};
use super::layer::{Given, Layer, key_of_name};
use super::sources::{Sources, toml_layer};
use super::{Group, Origin, Problem, SettingFiles, SettingsError, Value};
use crate::nearest::nearest;

/// A variable as it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Described {
    /// Its name.
    pub name: &'static str,
    /// Another name, which wins where both are given in the same place.
    pub stronger_name: Option<&'static str>,
    /// The group it belongs to.
    pub concern: &'static str,
    /// What it does.
    pub meaning: &'static str,
    /// Its type, in a word or two.
    pub kind: String,
    /// Its default as a text that could be given.
    pub default: String,
    /// Its value, masked if it is a secret.
    pub value: String,
    /// Whether the value may hold a secret.
    pub secret: bool,
    /// Where the value came from.
    pub origin: Origin,
}

/// Settings that can be used, and what is to be said about them.
#[derive(Debug, Clone)]
pub struct Loaded<T> {
    /// The settings.
    pub settings: T,
    /// Names that nobody knows; each a sentence.
    pub warnings: Vec<String>,
    /// What follows from combinations of settings; each a sentence.
    pub notes: Vec<String>,
    /// Every variable that exists, in the order of the groups.
    pub variables: Vec<Described>,
}

/// Reads variables from the layers.
pub struct Reader {
    layers: Vec<Layer>,
    variables: Vec<Described>,
    problems: Vec<Problem>,
    notes: Vec<String>,
}

impl Reader {
    /// Opens the sources, and the files they lead to.
    pub fn new(sources: &Sources) -> Self {
        let mut reader = Self {
            layers: vec![sources.overrides_layer(), sources.environment_layer()],
            variables: Vec::new(),
            problems: Vec::new(),
            notes: Vec::new(),
        };
        // Which files there are is itself a setting, so it is read before they are, and once more
        // with them for the account.
        let mut problems = Vec::new();
        let dot_env = sources.dot_env_layer(".env", &mut problems);
        if reader.glance().default_env_files.is_set() {
            reader.layers.push(sources.dot_env_layer(".env.prod", &mut problems));
        }
        reader.layers.push(dot_env);
        if let Some(file) = reader.glance().config {
            reader.layers.push(toml_layer(&file, &mut problems));
        }
        reader.problems = problems;
        SettingFiles::default().read_over(&mut reader);
        reader
    }

    /// Which files there are, as far as the layers so far tell.
    fn glance(&mut self) -> SettingFiles {
        let files = SettingFiles::default().read_over(self);
        self.variables.clear();
        self.problems.clear();
        files
    }

    /// Reads one variable; `default` is its value if nobody gives it, or a wrong one.
    pub fn read<T: Value>(&mut self, variable: Variable, default: T) -> T {
        let default_shown = default.show();
        let (value, origin) = match self.find(&variable) {
            None => (default, Origin::Default),
            Some(Given { raw, origin, .. }) => match raw.read() {
                Some(value) => (value, origin),
                None => {
                    self.problems.push(Problem::Value {
                        variable: variable.name.to_owned(),
                        value: raw.show_refused::<T>(),
                        origin: origin.clone(),
                        accepted: T::accepted(),
                    });
                    (default, origin)
                }
            },
        };
        self.variables.push(Described {
            name: variable.name,
            stronger_name: variable.stronger_name,
            concern: variable.concern,
            meaning: variable.meaning,
            kind: T::kind(),
            default: default_shown,
            value: value.show(),
            secret: T::SECRET,
            origin,
        });
        value
    }

    fn find(&self, variable: &Variable) -> Option<Given> {
        let names = || variable.stronger_name.into_iter().chain([variable.name]);
        self.layers.iter().find_map(|layer| names().find_map(|name| layer.find(name))).cloned()
    }

    /// Whether somebody gave the variable `name`, which has been read.
    pub fn is_given(&self, name: &str) -> bool {
        self.row(name).is_some_and(|row| row.origin != Origin::Default)
    }

    /// Enters that another setting leaves the variable `name` no value but the one shown, and notes
    /// so if somebody had given another.
    pub fn settle(&mut self, name: &str, shown: &str, because: &str) {
        let Some(row) = self.variables.iter_mut().find(|row| row.name == name) else { return };
        row.value = shown.to_owned();
        let before =
            std::mem::replace(&mut row.origin, Origin::Settled { because: because.to_owned() });
        if before != Origin::Default {
            self.notes.push(format!("{name} is taken as {shown}, because {because}."));
        }
    }

    /// Notes something an operator may want to know.
    pub fn note(&mut self, sentence: String) {
        self.notes.push(sentence);
    }

    /// Refuses the value of the variable `name`, which makes no sense beside others.
    pub fn refuse(&mut self, name: &str, accepted: String) {
        let Some(row) = self.row(name) else { return };
        self.refuse_shown(name, row.value.clone(), accepted);
    }

    /// The same, with the value as its owner shows it.
    pub fn refuse_shown(&mut self, name: &str, value: String, accepted: String) {
        let Some(row) = self.row(name) else { return };
        let origin = row.origin.clone();
        self.problems.push(Problem::Value { variable: name.to_owned(), value, origin, accepted });
    }

    fn row(&self, name: &str) -> Option<&Described> {
        self.variables.iter().find(|row| row.name == name)
    }

    /// Ends the reading: `settings`, if nothing was wrong.
    pub fn finish<T>(mut self, settings: T) -> Result<Loaded<T>, SettingsError> {
        let warnings = self.judge_unknown_names();
        if !self.problems.is_empty() {
            return Err(SettingsError { problems: self.problems });
        }
        Ok(Loaded { settings, warnings, notes: self.notes, variables: self.variables })
    }

    /// A name under the prefix that was never asked for is a mistake. Near a known group or variable
    /// the meaning is clear and the value is wrong; otherwise it is only worth a warning.
    fn judge_unknown_names(&mut self) -> Vec<String> {
        let mut warnings = Vec::new();
        let mut problems = Vec::new();
        for layer in &self.layers {
            let is_known = |name: &str| {
                self.variables.iter().any(|row| row.name == name || row.stronger_name == Some(name))
            };
            for (name, given) in layer.unknown(is_known) {
                if let Some(row) = self.variable_above(name) {
                    let accepted = format!("a single value ({})", row.kind);
                    problems.push(hidden(row.name, given, accepted));
                } else if let Some(member) = self.first_member_of(name) {
                    // A group given as `null` says nothing.
                    if given.raw.read::<Option<String>>() != Some(None) || given.raw.is_empty() {
                        let accepted =
                            format!("a JSON object, or single variables such as {}", member.name);
                        problems.push(hidden(name, given, accepted));
                    }
                } else {
                    warnings.push(self.unknown_name(name, given));
                }
            }
        }
        self.problems.append(&mut problems);
        warnings
    }

    /// The variable that `name` treats as a group.
    fn variable_above(&self, name: &str) -> Option<&Described> {
        self.variables.iter().find(|row| is_member(name, row.name))
    }

    /// The first variable of the group `name`, if it is one.
    fn first_member_of(&self, name: &str) -> Option<&Described> {
        self.variables.iter().find(|row| is_member(row.name, name))
    }

    fn unknown_name(&self, name: &str, given: &Given) -> String {
        let bare = |name: &'static str| name.strip_prefix(PREFIX).unwrap_or(name);
        let names = self.variables.iter().map(|row| bare(row.name));
        let meant = nearest(name.strip_prefix(PREFIX).unwrap_or(name), names);
        let row = meant.and_then(|meant| self.variables.iter().find(|row| bare(row.name) == meant));
        let (unknown, known) = match &given.origin {
            Origin::Toml { key, .. } => (key.clone(), row.map(|row| key_of_name(row.name))),
            _ => (name.to_owned(), row.map(|row| row.name.to_owned())),
        };
        let place = match &given.origin {
            Origin::Toml { file, .. } => file.display().to_string(),
            origin => origin.to_string(),
        };
        match known {
            Some(known) => {
                format!("There is no setting {unknown} (from: {place}); was {known} meant?")
            }
            None => format!("There is no setting {unknown} (from: {place})."),
        }
    }
}

fn is_member(name: &str, group: &str) -> bool {
    name.strip_prefix(group).is_some_and(|rest| rest.starts_with("__"))
}

/// A wrong value that is not shown: groups may hold passwords.
fn hidden(variable: &str, given: &Given, accepted: String) -> Problem {
    Problem::Value {
        variable: variable.to_owned(),
        value: if given.raw.is_empty() { "empty" } else { "the value given (not shown)" }
            .to_owned(),
        origin: given.origin.clone(),
        accepted,
    }
}
