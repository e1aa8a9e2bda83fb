//! Records in the legacy format, as types.

use indexmap::IndexMap;

use crate::Category;
use crate::json::{Json, Object};
use crate::record::field::{Members, Print};
use crate::record::members::members;
use crate::record::{
    Capability, Claim, ContextWindow, Integer, InteractionMode, Issue, Licensing, Metadata, Reader,
    Unknown, ValueMap, baseline, list_of_words,
};

members! {
    /// What legacy records of every category have.
    pub struct Common(caller) {
        /// The model's name.
        name: String => required,
        /// The kind of model, from a short list for each category.
        model_type as "type": Option<String> => absent,
        /// What the model is, in words.
        description: Option<String> => absent,
        /// The author's version of it.
        version: Option<String> => absent,
        /// What it makes looks like.
        style: Option<String> => absent,
        /// Whether it shows what not everyone should see.
        nsfw: Option<bool> => absent,
        /// Whether all its files are wanted.
        download_all: Option<bool> => absent,
        /// The files, and where they are.
        config: Config => nullable(Config::default()),
        /// Whether it is on the disk of whoever wrote the file.
        available: Option<bool> => absent,
        /// What does not work with it.
        features_not_supported: Option<Vec<String>> => absent,
        /// Under which licence it is.
        licensing: Option<Licensing> => absent,
        /// When and by whom the record was made.
        metadata: Option<Metadata> => absent,
    }
}

members! {
    /// The files of a model, and apart from them the places to fetch them from.
    #[derive(Default)]
    pub struct Config(discard) {
        /// The files.
        files: Vec<File> => nullable(Vec::new()),
        /// The places.
        download: Vec<Fetch> => nullable(Vec::new()),
        /// Checksums of what lies inside the files, by component.
        embedded_component_hashes: Option<IndexMap<String, String>> => absent,
    }
}

members! {
    /// A file on disk.
    pub struct File(keep) {
        /// Its name.
        path: String => required,
        /// A checksum nobody uses any more.
        md5sum: Option<String> => absent,
        /// Its checksum.
        sha256sum: Option<String> => absent,
        /// What it is for, such as `vae`.
        file_type: Option<String> => absent,
        /// A checksum of its content that survives repacking.
        content_hash: Option<String> => absent,
    }
}

members! {
    /// Where a file is fetched from.
    pub struct Fetch(keep) {
        /// The file's name.
        file_name: Option<String> => absent,
        /// The folder it belongs into.
        file_path: String => nullable(String::new()),
        /// The address.
        file_url: Option<String> => absent,
    }
}

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

/// A legacy record.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The category it was read for.
    pub category: Category,
    /// What legacy records of every category have.
    pub common: Common,
    /// What legacy records of this category have.
    pub kind: Kind,
    /// Other members of the record.
    pub unknown: Object,
}

/// Where a legacy record comes from, which says how much is asked of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A request: the type must be the category's.
    Submission,
    /// A file that was accepted long ago.
    File,
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

/// The order of the published file of image models, which differs from that of the other categories.
const IMAGE_ORDER: [&str; 20] = [
    "name",
    "baseline",
    "optimization",
    "type",
    "inpainting",
    "description",
    "tags",
    "showcases",
    "min_bridge_version",
    "version",
    "style",
    "trigger",
    "homepage",
    "nsfw",
    "download_all",
    "requirements",
    "licensing",
    "config",
    "available",
    "features_not_supported",
];

impl Record {
    /// Reads a legacy record of `category`; unknown members are kept.
    pub fn parse(category: Category, value: &Json, origin: Origin) -> Result<Self, Vec<Issue>> {
        let mut reader = Reader::of(category, Unknown::Keep);
        let record = Self::read(category, value, origin, &mut reader);
        record.filter(|_| !reader.failed()).ok_or_else(|| reader.into_issues())
    }

    pub(super) fn read(
        category: Category,
        value: &Json,
        origin: Origin,
        reader: &mut Reader,
    ) -> Option<Self> {
        let members = reader.object(value)?;
        let common = Common::read_members(members, reader);
        let (kind, names) = read_kind(category, members, reader);
        let unknown = reader.others(members, &[Common::NAMES, names], reader.unknown());
        let (common, kind) = common.zip(kind)?;
        let mut record = Self { category, common, kind, unknown };
        record.settle_type(members, origin, reader);
        record.check(value, reader);
        Some(record)
    }

    /// Checks the type where there is a choice to check, and fills in the usual one.
    fn settle_type(&mut self, members: &Object, origin: Origin, reader: &mut Reader) {
        let has_own_shape = !matches!(self.kind, Kind::Plain);
        let allowed = types(self.category);
        if allowed.is_empty() || (origin == Origin::File && !has_own_shape) {
            return;
        }
        match (&self.common.model_type, members.get("type")) {
            (Some(word), _) if allowed.contains(&word.as_str()) => {}
            (None, None) if self.category == Category::Controlnet => {
                reader.within("type", |reader| {
                    let input = Json::Object(members.clone());
                    reader.refuse::<()>("missing", "Field required", &input)
                });
            }
            (None, given) if given.is_none() || origin == Origin::File => {
                self.common.model_type = allowed.first().map(|word| (*word).to_owned());
            }
            (_, given) => {
                let expected = list_of_words(allowed);
                reader.within("type", |reader| {
                    let message = format!("Input should be {expected}");
                    let input = given.cloned().unwrap_or(Json::Null);
                    let fact = ("expected", expected.as_str().into());
                    reader.refuse_with::<()>("literal_error", message, &input, fact)
                });
            }
        }
    }

    fn check(&mut self, input: &Json, reader: &mut Reader) {
        if self.common.config.download.iter().any(|entry| !is_splittable(entry)) {
            reader.within("config", |reader| {
                reader.refuse_value::<()>("an address has an unbalanced bracket", input)
            });
        }
        if let Kind::Image(image) = &mut self.kind {
            image.baseline = baseline::from_legacy(&image.baseline).to_owned();
            let showcases = image.showcases.iter().flatten();
            if showcases.clone().any(|address| address.contains("huggingface")) {
                let input = input.get("showcases").cloned().unwrap_or(Json::Null);
                reader.within("showcases", |reader| {
                    const REASON: &str = "pictures at this host are not wanted: huggingface";
                    reader.refuse_value::<()>(REASON, &input)
                });
            }
        }
    }

    /// The record as JSON, in the order of the category's published file.
    pub fn to_json(&self, print: Print) -> Object {
        let mut out = Object::new();
        self.common.write_members(&mut out, print);
        match &self.kind {
            Kind::Image(image) => return self.image_to_json(out, image, print),
            Kind::Text(text) => text.write_members(&mut out, print),
            Kind::Clip(clip) => clip.write_members(&mut out, print),
            Kind::Plain => {}
        }
        out.extend(self.unknown.clone());
        out
    }

    fn image_to_json(&self, mut members: Object, image: &Image, print: Print) -> Object {
        // Nulls never appear in image records, whatever the caller prints otherwise.
        let print = print.inside();
        image.write_members(&mut members, print);
        members.retain(|_, value| !value.is_null());
        if let Some(spelling) = members.get_mut("baseline") {
            *spelling = baseline::to_legacy(&image.baseline).into();
        }
        let metadata = members.shift_remove("metadata");
        let mut out = Object::with_capacity(members.len());
        for name in IMAGE_ORDER {
            if let Some(value) = members.shift_remove(name) {
                out.insert(name.to_owned(), value);
            }
        }
        out.extend(members);
        out.extend(metadata.map(|metadata| ("metadata".to_owned(), metadata)));
        out.extend(self.unknown.clone());
        out
    }
}

fn read_kind(
    category: Category,
    members: &Object,
    reader: &mut Reader,
) -> (Option<Kind>, &'static [&'static str]) {
    match category {
        Category::ImageGeneration => {
            let image = Image::read_members(members, reader);
            (image.map(|image| Kind::Image(Box::new(image))), Image::NAMES)
        }
        Category::TextGeneration => {
            let text = Text::read_members(members, reader);
            (text.map(|text| Kind::Text(Box::new(text))), Text::NAMES)
        }
        Category::Clip => (Clip::read_members(members, reader).map(Kind::Clip), Clip::NAMES),
        _ => (Some(Kind::Plain), &[]),
    }
}

/// Whether the host part of the address has its brackets in pairs: all that was ever asked of it.
fn is_splittable(entry: &Fetch) -> bool {
    let address = entry.file_url.as_deref().unwrap_or_default();
    let Some((_, rest)) = address.split_once("//") else { return true };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    host.contains('[') == host.contains(']')
}
