//! What v2 records have beyond the common part, by category.

use crate::Category;
use crate::json::Object;
use crate::shape::field::Members;
use crate::shape::{Print, Reader, Trimmed, members};

use super::image::Image;
use super::text::Text;

members! {
    /// A model that guides another by a picture.
    pub struct Controlnet(caller) {
        /// What kind of picture; any text is accepted.
        controlnet_style: Option<String> => absent,
    }
}

members! {
    /// A model that makes the pictures that guide.
    pub struct Annotator(caller) {
        /// The kinds of control it serves.
        control_types: Vec<String> => absent,
        /// The preprocessors it offers.
        preprocessors: Vec<String> => absent,
    }
}

members! {
    /// A model that compares pictures with words.
    pub struct Clip(caller) {
        /// Its name in the library that loads it.
        pretrained_name: Option<String> => absent,
    }
}

members! {
    /// A model that makes films or sound.
    pub struct Media(caller) {
        /// The model it descends from.
        baseline: Option<String> => absent,
        /// Whether it shows what not everyone should see.
        nsfw: bool => or(false),
        /// Words to find it by.
        tags: Option<Vec<Trimmed>> => absent,
    }
}

members! {
    /// A small model that changes another one.
    pub struct Patch(caller) {
        /// The model it changes.
        baseline: Option<String> => absent,
        /// Whether it shows what not everyone should see.
        nsfw: bool => or(false),
        /// Words to find it by.
        tags: Option<Vec<Trimmed>> => absent,
        /// Words that wake it.
        trigger: Option<Vec<String>> => absent,
        /// Its page.
        homepage: Option<String> => absent,
        /// Addresses of pictures it made.
        showcases: Option<Vec<String>> => absent,
    }
}

/// The category's own members.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "each is named after its categories")]
pub enum Kind {
    Image(Box<Image>),
    Text(Box<Text>),
    Controlnet(Controlnet),
    Annotator(Annotator),
    Clip(Clip),
    Media(Media),
    Patch(Patch),
    Plain,
}

impl Kind {
    /// The names of the category's own members.
    pub fn names(category: Category) -> &'static [&'static str] {
        match category {
            Category::ImageGeneration => Image::NAMES,
            Category::TextGeneration => Text::NAMES,
            Category::Controlnet => Controlnet::NAMES,
            Category::ControlnetAnnotator => Annotator::NAMES,
            Category::Clip => Clip::NAMES,
            Category::VideoGeneration | Category::AudioGeneration => Media::NAMES,
            Category::Lora | Category::Ti => Patch::NAMES,
            _ => &[],
        }
    }

    pub(super) fn read(category: Category, members: &Object, reader: &mut Reader) -> Option<Self> {
        Some(match category {
            Category::ImageGeneration => {
                Self::Image(Members::read_members(members, reader).map(Box::new)?)
            }
            Category::TextGeneration => {
                Self::Text(Members::read_members(members, reader).map(Box::new)?)
            }
            Category::Controlnet => Self::Controlnet(Members::read_members(members, reader)?),
            Category::ControlnetAnnotator => {
                Self::Annotator(Members::read_members(members, reader)?)
            }
            Category::Clip => Self::Clip(Members::read_members(members, reader)?),
            Category::VideoGeneration | Category::AudioGeneration => {
                Self::Media(Members::read_members(members, reader)?)
            }
            Category::Lora | Category::Ti => Self::Patch(Members::read_members(members, reader)?),
            _ => Self::Plain,
        })
    }

    pub(super) fn write(&self, out: &mut Object, print: Print) {
        match self {
            Self::Image(image) => image.write_members(out, print),
            Self::Text(text) => text.write_members(out, print),
            Self::Controlnet(controlnet) => controlnet.write_members(out, print),
            Self::Annotator(annotator) => annotator.write_members(out, print),
            Self::Clip(clip) => clip.write_members(out, print),
            Self::Media(media) => media.write_members(out, print),
            Self::Patch(patch) => patch.write_members(out, print),
            Self::Plain => {}
        }
    }
}
