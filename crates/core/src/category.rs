//! The fifteen categories, and one descriptor row for each.

use std::fmt;
use std::str::FromStr;

/// A kind of model. The order of the variants is the canonical order of every listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
#[allow(missing_docs, reason = "the names are the words of the contract")]
pub enum Category {
    Blip,
    Clip,
    Codeformer,
    Controlnet,
    ControlnetAnnotator,
    Esrgan,
    Gfpgan,
    SafetyChecker,
    ImageGeneration,
    TextGeneration,
    VideoGeneration,
    AudioGeneration,
    Miscellaneous,
    Lora,
    Ti,
}

/// What a model works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are the words of the contract")]
pub enum Domain {
    Image,
    Text,
    Video,
    Audio,
    Rendered3d,
}

/// What a model is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are the words of the contract")]
pub enum Purpose {
    Generation,
    PostProcessing,
    AuxiliaryOrPatch,
    FeatureExtractor,
    SafetyChecker,
    Miscellaneous,
}

struct Descriptor {
    name: &'static str,
    domain: Domain,
    purpose: Purpose,
    /// Name of the v2 file without its ending, and of the legacy file where that is JSON.
    file_stem: &'static str,
    has_legacy_form: bool,
    managed_elsewhere: bool,
}

const fn row(
    name: &'static str,
    domain: Domain,
    purpose: Purpose,
    file_stem: &'static str,
) -> Descriptor {
    Descriptor { name, domain, purpose, file_stem, has_legacy_form: true, managed_elsewhere: false }
}

const fn v2_only(row: Descriptor) -> Descriptor {
    Descriptor { has_legacy_form: false, ..row }
}

const fn elsewhere(row: Descriptor) -> Descriptor {
    Descriptor { has_legacy_form: false, managed_elsewhere: true, ..row }
}

#[rustfmt::skip]
const DESCRIPTORS: [Descriptor; Category::COUNT] = {
    use Domain::{Audio, Image, Text, Video};
    use Purpose::{AuxiliaryOrPatch, FeatureExtractor, Generation, PostProcessing};
    [
        row("blip", Image, FeatureExtractor, "blip"),
        row("clip", Image, FeatureExtractor, "clip"),
        row("codeformer", Image, PostProcessing, "codeformer"),
        row("controlnet", Image, AuxiliaryOrPatch, "controlnet"),
        v2_only(row("controlnet_annotator", Image, AuxiliaryOrPatch, "controlnet_annotator")),
        row("esrgan", Image, PostProcessing, "esrgan"),
        row("gfpgan", Image, PostProcessing, "gfpgan"),
        row("safety_checker", Image, Purpose::SafetyChecker, "safety_checker"),
        row("image_generation", Image, Generation, "stable_diffusion"),
        row("text_generation", Text, Generation, "text_generation"),
        v2_only(row("video_generation", Video, Generation, "video_generation")),
        v2_only(row("audio_generation", Audio, Generation, "audio_generation")),
        row("miscellaneous", Image, Purpose::Miscellaneous, "miscellaneous"),
        elsewhere(row("lora", Image, AuxiliaryOrPatch, "lora")),
        elsewhere(row("ti", Image, AuxiliaryOrPatch, "ti")),
    ]
};

impl Category {
    /// How many there are.
    pub const COUNT: usize = 15;

    /// Every category, in canonical order.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Blip,
        Self::Clip,
        Self::Codeformer,
        Self::Controlnet,
        Self::ControlnetAnnotator,
        Self::Esrgan,
        Self::Gfpgan,
        Self::SafetyChecker,
        Self::ImageGeneration,
        Self::TextGeneration,
        Self::VideoGeneration,
        Self::AudioGeneration,
        Self::Miscellaneous,
        Self::Lora,
        Self::Ti,
    ];

    /// Place in [`Category::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }

    const fn descriptor(self) -> &'static Descriptor {
        &DESCRIPTORS[self.index()]
    }

    /// The category's word on the wire and in file names of metadata, such as `image_generation`.
    pub const fn name(self) -> &'static str {
        self.descriptor().name
    }

    /// Name of the category's files without their ending, such as `stable_diffusion`.
    pub const fn file_stem(self) -> &'static str {
        self.descriptor().file_stem
    }

    /// What its models work on.
    pub const fn domain(self) -> Domain {
        self.descriptor().domain
    }

    /// What its models are for.
    pub const fn purpose(self) -> Purpose {
        self.descriptor().purpose
    }

    /// Whether the category exists in the legacy format too.
    pub const fn has_legacy_form(self) -> bool {
        self.descriptor().has_legacy_form
    }

    /// Whether its models are really kept by another service (`lora`, `ti`).
    pub const fn is_managed_elsewhere(self) -> bool {
        self.descriptor().managed_elsewhere
    }
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text is the name of no category.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown category `{0}`")]
pub struct UnknownCategory(pub String);

impl FromStr for Category {
    type Err = UnknownCategory;

    fn from_str(name: &str) -> Result<Self, UnknownCategory> {
        let found = Self::ALL.into_iter().find(|category| category.name() == name);
        found.ok_or_else(|| UnknownCategory(name.to_owned()))
    }
}

impl Domain {
    /// The word on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Text => "text",
            Self::Video => "video",
            Self::Audio => "audio",
            Self::Rendered3d => "rendered_3d",
        }
    }
}

impl Purpose {
    /// The word on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Generation => "generation",
            Self::PostProcessing => "post_processing",
            Self::AuxiliaryOrPatch => "auxiliary_or_patch",
            Self::FeatureExtractor => "feature_extractor",
            Self::SafetyChecker => "safety_checker",
            Self::Miscellaneous => "miscellaneous",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_category_is_at_its_index_and_found_by_name() {
        for (index, category) in Category::ALL.into_iter().enumerate() {
            assert_eq!(category.index(), index);
            assert_eq!(category.name().parse(), Ok(category));
        }
        assert!("Blip".parse::<Category>().is_err());
    }
}
