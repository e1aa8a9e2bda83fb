//! Which files settings are read from, which is itself a setting.

use std::path::PathBuf;

use super::Value;

/// A switch of the environment that is on unless it is `0`, `false` or empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flag(bool);

impl Flag {
    /// Whether it is on.
    pub const fn is_set(self) -> bool {
        self.0
    }
}

impl Value for Flag {
    fn kind() -> String {
        "flag".into()
    }

    fn accepted() -> String {
        "0, false or nothing for off, anything else for on".into()
    }

    fn read(text: &str) -> Option<Self> {
        let off = matches!(text.trim().to_ascii_lowercase().as_str(), "" | "0" | "false");
        Some(Self(!off))
    }

    fn show(&self) -> String {
        if self.0 { "1" } else { "0" }.into()
    }
}

crate::setting_group! {
    /// Which files settings are read from, besides `.env` in the working directory.
    pub struct SettingFiles is "files of settings" {
        /// A TOML file of settings, weaker than the environment and `.env`. Its keys are the names in
        /// lower case without HORDE_MODEL_REFERENCE_; groups are tables.
        HORDE_MODEL_REFERENCE_CONFIG => config: Option<PathBuf> = None,
        /// Read `.env.prod` too, which wins over `.env`.
        HAIDRA_USE_DEFAULT_ENV_FILES => default_env_files: Flag = Flag(false),
    }
}
