//! What legacy records have beyond the common part, by category.

use indexmap::IndexMap;

use crate::Category;
use crate::json::Object;
use crate::record::{Capability, Claim, ContextWindow, InteractionMode};
use crate::shape::field::Members;
use crate::shape::{Integer, Reader, ValueMap, members};

members! {
    /// A legacy image model.
    pub struct Image(caller) {
        /// Whether it fills holes in pictures.
        inpainting: bool => or(false),
        /// The model it descends from; read in any spelling, kept under its name.
        baseline: String => required,
        /// Words to find it by.
        tags: Option<Vec<String>> => absent,
        /// Addresses of pictures it made.
        showcases: Option<Vec<String>> => absent,
        /// The oldest worker that can run it.
        min_bridge_version: Option<Integer> => absent,
        /// Words that wake it.
        trigger: Option<Vec<String>> => absent,
        /// Its page.
        homepage: Option<String> => absent,
        /// How it was made smaller or faster.
        optimization: Option<String> => absent,
        /// The room it takes.
        size_on_disk_bytes: Option<Integer> => absent,
        /// Settings it needs.
        requirements: Option<ValueMap> => absent,
    }
}

members! {
    /// A legacy text model.
    pub struct Text(caller) {
        /// The name without its author.
        model_name: Option<String> => absent,
        /// The model it descends from.
        baseline: Option<String> => absent,
        /// How many parameters it has.
        parameters: Option<Integer> => absent,
        /// Its name for people.
        display_name: Option<String> => absent,
        /// Its page.
        url: Option<String> => absent,
        /// Words to find it by.
        tags: Option<Vec<String>> => absent,
        /// How it wants to be spoken to.
        instruct_format: Option<String> => absent,
        /// Recommended settings.
        settings: Option<ValueMap> => absent,
        /// How much text it can look at.
        context_window: Option<ContextWindow> => absent,
        /// In which ways it can be used.
        interaction_modes: Option<IndexMap<InteractionMode, Claim>> => absent,
        /// What else it can do.
        capabilities: Option<IndexMap<Capability, Claim>> => absent,
    }
}

members! {
    /// A legacy model that compares pictures with words.
    pub struct Clip(caller) {
        /// Its name in the library that loads it.
        pretrained_name: Option<String> => absent,
    }
}

/// The category's own members.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "each is named after its category")]
pub enum Kind {
    Image(Box<Image>),
    Text(Box<Text>),
    Clip(Clip),
    Plain,
}

impl Kind {
    /// Reads the category's own members, and tells their names.
    pub(super) fn read(
        category: Category,
        members: &Object,
        reader: &mut Reader,
    ) -> (Option<Self>, &'static [&'static str]) {
        match category {
            Category::ImageGeneration => {
                let image = Image::read_members(members, reader);
                (image.map(|image| Self::Image(Box::new(image))), Image::NAMES)
            }
            Category::TextGeneration => {
                let text = Text::read_members(members, reader);
                (text.map(|text| Self::Text(Box::new(text))), Text::NAMES)
            }
            Category::Clip => (Clip::read_members(members, reader).map(Self::Clip), Clip::NAMES),
            _ => (Some(Self::Plain), &[]),
        }
    }
}

const CONTROL_TYPES: [&str; 19] = [
    "control_canny",
    "control_depth",
    "control_hed",
    "control_mlsd",
    "control_normal",
    "control_openpose",
    "control_fakescribbles",
    "control_scribble",
    "control_seg",
    "control_qr",
    "control_qr_xl",
    "control_lineart",
    "control_lineart_anime",
    "control_normal_bae",
    "control_recolor",
    "control_tile",
    "control_hough",
    "control_shuffle",
    "control_color",
];

/// The types a legacy record of the category may have, the usual one first. Empty: any.
pub fn types(category: Category) -> &'static [&'static str] {
    match category {
        Category::ImageGeneration => &["ckpt"],
        Category::Blip => &["blip"],
        Category::Clip => &["clip", "coca"],
        Category::Codeformer => &["CodeFormers"],
        Category::Controlnet => &CONTROL_TYPES,
        Category::Esrgan => &["realesrgan", "esrgan"],
        Category::Gfpgan => &["gfpgan"],
        Category::SafetyChecker => &["safety_checker"],
        Category::Miscellaneous => &["layer_diffuse"],
        _ => &[],
    }
}
