//! The published repositories: where a new PRIMARY takes its first data, and a REPLICA its last resort.

use std::num::NonZeroU32;

use super::{BaseUrl, positive};

crate::setting_group! {
    /// The published repositories: where a new PRIMARY takes its first data, and a REPLICA its last
    /// resort.
    pub struct Seeding is "seeding from GitHub" {
        /// Let a PRIMARY fetch the categories it has no file of at start.
        HORDE_MODEL_REFERENCE_GITHUB_SEED_ENABLED => enabled: bool = false,
        /// Owner of the repository of image models and utilities.
        HORDE_MODEL_REFERENCE_IMAGE_GITHUB_REPO__OWNER => image_owner: String = "Haidra-Org".into(),
        /// Its name.
        HORDE_MODEL_REFERENCE_IMAGE_GITHUB_REPO__NAME => image_name: String =
            "AI-Horde-image-model-reference".into(),
        /// Its branch.
        HORDE_MODEL_REFERENCE_IMAGE_GITHUB_REPO__BRANCH => image_branch: String = "main".into(),
        /// Address put before that of its files; instead of GITHUB_PROXY_URL_BASE.
        HORDE_MODEL_REFERENCE_IMAGE_GITHUB_REPO__PROXY_SETTINGS__GITHUB_PROXY_URL_BASE =>
            image_proxy: Option<BaseUrl> = None,
        /// Owner of the repository of text models.
        HORDE_MODEL_REFERENCE_TEXT_GITHUB_REPO__OWNER => text_owner: String = "Haidra-Org".into(),
        /// Its name.
        HORDE_MODEL_REFERENCE_TEXT_GITHUB_REPO__NAME => text_name: String =
            "AI-Horde-text-model-reference".into(),
        /// Its branch.
        HORDE_MODEL_REFERENCE_TEXT_GITHUB_REPO__BRANCH => text_branch: String = "main".into(),
        /// Address put before that of its files; instead of GITHUB_PROXY_URL_BASE.
        HORDE_MODEL_REFERENCE_TEXT_GITHUB_REPO__PROXY_SETTINGS__GITHUB_PROXY_URL_BASE =>
            text_proxy: Option<BaseUrl> = None,
        /// Address put before that of the files of both repositories.
        GITHUB_PROXY_URL_BASE => proxy: Option<BaseUrl> = None,
        /// How often a file is asked for in all.
        HORDE_MODEL_REFERENCE_LEGACY_DOWNLOAD_RETRY_MAX_ATTEMPTS => max_attempts: NonZeroU32 = positive(3),
        /// Seconds between two attempts.
        HORDE_MODEL_REFERENCE_LEGACY_DOWNLOAD_RETRY_BACKOFF_SECONDS => backoff_seconds: u32 = 2,
    }
}

/// A published repository.
#[derive(Debug, Clone, PartialEq)]
pub struct GithubRepository {
    /// Who owns it.
    pub owner: String,
    /// Its name.
    pub name: String,
    /// The branch to read.
    pub branch: String,
    /// The address to put before those of its files.
    pub proxy: Option<BaseUrl>,
}

impl Seeding {
    /// The repository of everything but text models.
    pub fn image_repository(&self) -> GithubRepository {
        GithubRepository {
            owner: self.image_owner.clone(),
            name: self.image_name.clone(),
            branch: self.image_branch.clone(),
            proxy: self.image_proxy.clone().or_else(|| self.proxy.clone()),
        }
    }

    /// The repository of text models.
    pub fn text_repository(&self) -> GithubRepository {
        GithubRepository {
            owner: self.text_owner.clone(),
            name: self.text_name.clone(),
            branch: self.text_branch.clone(),
            proxy: self.text_proxy.clone().or_else(|| self.proxy.clone()),
        }
    }
}

impl GithubRepository {
    /// Address of one of its files.
    pub fn address_of(&self, path: &str) -> String {
        let Self { owner, name, branch, proxy } = self;
        let address = format!("https://raw.githubusercontent.com/{owner}/{name}/{branch}/{path}");
        proxy.as_ref().map_or_else(|| address.clone(), |proxy| proxy.join(&address))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Value;
    use super::*;

    #[test]
    fn the_common_proxy_is_used_unless_a_repository_has_its_own() {
        let seeding = Seeding {
            proxy: BaseUrl::read("https://proxy.example"),
            text_proxy: BaseUrl::read("https://text.example/a"),
            ..Seeding::default()
        };
        assert_eq!(
            seeding.image_repository().address_of("clip.json"),
            "https://proxy.example/https://raw.githubusercontent.com/Haidra-Org/AI-Horde-image-model-reference/main/clip.json"
        );
        assert!(
            seeding.text_repository().address_of("x").starts_with("https://text.example/a/https:")
        );
        assert!(Seeding::default().text_repository().address_of("x").starts_with("https://raw."));
    }
}
