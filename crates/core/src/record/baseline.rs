//! The baselines of image models that every service knows, with their other spellings.
//!
//! The list is open: a served catalogue stands on top of it. A baseline that is missing here is a
//! warning when a record is read, never a refusal.

/// Names and alternative names, in the order of the packaged catalogue.
pub const BASELINES: [(&str, &[&str]); 13] = [
    ("infer", &[]),
    (
        "stable_diffusion_1",
        &[
            "stable diffusion 1",
            "stable diffusion 1.4",
            "stable diffusion 1.5",
            "SD1",
            "SD14",
            "SD1.4",
            "SD15",
            "SD1.5",
            "stable_diffusion",
            "stable_diffusion_1",
            "stable_diffusion_1.4",
            "stable_diffusion_1.5",
        ],
    ),
    ("stable_diffusion_2_768", &[]),
    ("stable_diffusion_2_512", &[]),
    ("stable_diffusion_xl", &["stable diffusion xl", "SDXL", "stable_diffusion_xl"]),
    ("stable_cascade", &["stable_cascade", "stable cascade"]),
    ("flux_1", &[]),
    ("flux_schnell", &["flux_schnell", "flux schnell"]),
    ("flux_dev", &["flux_dev", "flux dev"]),
    ("qwen_image", &["qwen_image", "qwen image", "qwen-image", "qwen"]),
    ("z_image_turbo", &["z_image_turbo", "z image turbo", "zimage-turbo", "zimage"]),
    ("krea2_turbo", &["krea_2_turbo", "krea2"]),
    ("anima", &["anima_base", "anima_aesthetic", "anima_turbo"]),
];

/// Whether the text is one of the names above, exactly.
pub fn is_known(baseline: &str) -> bool {
    BASELINES.iter().any(|(name, others)| *name == baseline || others.contains(&baseline))
}

/// The three baselines that legacy records spell with blanks: legacy spelling, name.
const LEGACY_SPELLINGS: [(&str, &str); 3] = [
    ("stable diffusion 1", "stable_diffusion_1"),
    ("stable diffusion 2", "stable_diffusion_2_768"),
    ("stable diffusion 2 512", "stable_diffusion_2_512"),
];

/// The name of a baseline found in a legacy record.
pub fn from_legacy(spelling: &str) -> &str {
    LEGACY_SPELLINGS.iter().find(|(legacy, _)| *legacy == spelling).map_or(spelling, |row| row.1)
}

/// The spelling of a baseline for a legacy record.
pub fn to_legacy(name: &str) -> &str {
    LEGACY_SPELLINGS.iter().find(|(_, known)| *known == name).map_or(name, |row| row.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_go_there_and_back() {
        assert_eq!(from_legacy("stable diffusion 2"), "stable_diffusion_2_768");
        assert_eq!(to_legacy(from_legacy("stable diffusion 2 512")), "stable diffusion 2 512");
        assert_eq!(from_legacy("flux dev"), "flux dev");
        assert!(is_known("SD1.5") && is_known("infer") && !is_known("sdxl"));
    }
}
