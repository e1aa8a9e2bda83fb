//! Why a catalogue is not changed, in the words of the contract.

/// A rule of a catalogue that a change would break.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each says what it is")]
pub enum Refusal {
    #[error("Baseline '{0}' changed after review.")]
    BaselineChanged(String),
    #[error("Cannot delete missing baseline '{0}'.")]
    BaselineMissing(String),
    #[error("Baseline '{0}' is still named by a canonical image model.")]
    BaselineInUse(String),
    #[error("Cannot upsert baseline '{0}' without a matching record.")]
    BaselineWithoutRecord(String),
    #[error("Baseline alternative name '{0}' names another baseline.")]
    AlternativeIsName(String),
    #[error("Baseline alternative name '{0}' is shared by two baselines.")]
    AlternativeShared(String),

    #[error("Guidance profile '{0}' changed after review.")]
    ProfileChanged(String),
    #[error("Guidance assignment for '{0}' changed after review.")]
    AssignmentChanged(String),
    #[error("Cannot create guidance profile '{0}'.")]
    ProfileWithoutRecord(String),
    #[error("Cannot update missing guidance profile '{0}'.")]
    ProfileNotUpdated(String),
    #[error("Cannot deprecate missing guidance profile '{0}'.")]
    ProfileNotDeprecated(String),
    #[error("Profile key '{0}' does not match its profile_id.")]
    ProfileKey(String),
    #[error("Guidance alias '{0}' is shared by multiple profiles.")]
    AliasShared(String),
    #[error("Assignment key '{0}' does not match its model_name.")]
    AssignmentKey(String),
    #[error("Guidance must target canonical text models, not '{0}'.")]
    BackendModel(String),
    #[error("Unknown canonical text model: {0}")]
    UnknownModel(String),
    #[error("Assignment for '{0}' requires an active prompt contract.")]
    NoContract(String),
    #[error("Supplemental profile '{0}' must be an active usage recipe.")]
    NoRecipe(String),
    #[error("Unknown text generation settings: {}", .0.join(", "))]
    UnknownSettings(Vec<String>),

    #[error("License definition already exists: {0}")]
    LicenseExists(String),
    #[error("License definition not found: {0}")]
    LicenseMissing(String),
    #[error("License definition is still referenced: {0}")]
    LicenseInUse(String),
    #[error("Licensed asset already exists: {0}")]
    AssetExists(String),
    #[error("Licensed asset not found: {0}")]
    AssetMissing(String),
    #[error("Unknown license definition: {0}")]
    LicenseUnknown(String),
    #[error("Deprecated license definition cannot be newly assigned: {0}")]
    LicenseDeprecated(String),
}

/// What kind of obstacle it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// What is there is not what was expected, or stands in the way.
    Conflict,
    /// What is to be changed is not there.
    Missing,
    /// What is wanted must not be.
    Invalid,
}

impl Refusal {
    /// What kind of obstacle it is.
    pub fn obstacle(&self) -> Obstacle {
        match self {
            Self::BaselineChanged(_)
            | Self::ProfileChanged(_)
            | Self::AssignmentChanged(_)
            | Self::LicenseExists(_)
            | Self::LicenseInUse(_)
            | Self::AssetExists(_) => Obstacle::Conflict,
            Self::LicenseMissing(_) | Self::AssetMissing(_) => Obstacle::Missing,
            _ => Obstacle::Invalid,
        }
    }
}
