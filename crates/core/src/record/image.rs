//! What v2 records of image models have beyond the common part.

use crate::json::{Json, Object};
use crate::shape::{Integer, Reader, Trimmed, ValueMap, members};

use super::baseline;

/// The styles an image model may claim.
pub const STYLES: [&str; 6] = ["generalist", "anime", "furry", "artistic", "other", "realistic"];

/// The schedulers that workers know; others are kept, with a warning.
pub const SCHEDULERS: [&str; 11] = [
    "normal",
    "karras",
    "exponential",
    "sgm_uniform",
    "simple",
    "ddim_uniform",
    "beta",
    "linear_quadratic",
    "kl_optimal",
    "align_your_steps",
    "gits",
];

members! {
    /// An image model.
    pub struct Image(caller) {
        /// Whether it fills holes in pictures.
        inpainting: Option<bool> => or(Some(false)),
        /// The model it descends from.
        baseline: String => required,
        /// How it was made smaller or faster.
        optimization: Option<String> => absent,
        /// Words to find it by.
        tags: Vec<Trimmed> => nullable(Vec::new()),
        /// Addresses of pictures it made.
        showcases: Vec<String> => nullable(Vec::new()),
        /// The oldest worker that can run it.
        min_bridge_version: Option<Integer> => absent,
        /// Words that wake it.
        trigger: Vec<String> => nullable(Vec::new()),
        /// Its page.
        homepage: Option<String> => absent,
        /// Whether it shows what not everyone should see.
        nsfw: bool => required,
        /// What its pictures look like.
        style: Option<Trimmed> => absent,
        /// Settings it needs.
        requirements: Option<ValueMap> => absent,
    }
}

impl Image {
    /// Applies the rules that concern several members or a known word.
    pub(super) fn check(
        &mut self,
        input: &Json,
        reader: &mut Reader,
        is_known: &dyn Fn(&str) -> bool,
    ) {
        if !is_known(&self.baseline) && !baseline::is_known(&self.baseline) {
            let message = format!("The baseline {:?} is not in the catalogue.", self.baseline);
            reader.within("baseline", |reader| reader.warn(message, input));
        }
        if let Some(style) = &self.style
            && !STYLES.contains(&&**style)
        {
            let reason = format!("{:?} is not a style; there are {}", style.0, STYLES.join(", "));
            reader.refuse_value::<()>(reason, input);
        }
        if let Some(requirements) = &mut self.requirements {
            replace_karras(&mut requirements.0);
            warn_of_schedulers(&requirements.0, reader);
        }
    }
}

/// `karras` was a switch before there was a list of schedulers.
fn replace_karras(requirements: &mut Object) {
    let karras = requirements.shift_remove("karras");
    if let (Some(Json::Bool(karras)), None) = (karras, requirements.get("schedulers")) {
        let scheduler = if karras { "karras" } else { "normal" };
        requirements.insert("schedulers".into(), Json::from(vec![scheduler]));
    }
}

fn warn_of_schedulers(requirements: &Object, reader: &mut Reader) {
    let Some(schedulers) = requirements.get("schedulers") else { return };
    let listed = schedulers.as_array().unwrap_or(std::slice::from_ref(schedulers));
    let unknown = |item: &&Json| !item.as_str().is_some_and(|word| SCHEDULERS.contains(&word));
    for item in listed.iter().filter(unknown) {
        let message = format!("The scheduler {item} is not known.");
        reader.within("requirements", |reader| reader.warn(message, item));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn karras_becomes_a_scheduler() {
        for (given, kept) in [
            (r#"{"karras":true,"a":1}"#, r#"{"a":1,"schedulers":["karras"]}"#),
            (r#"{"karras":false}"#, r#"{"schedulers":["normal"]}"#),
            (r#"{"karras":1}"#, "{}"),
            (r#"{"schedulers":"beta","karras":true}"#, r#"{"schedulers":"beta"}"#),
        ] {
            let mut value = Json::parse(given.as_bytes()).unwrap();
            replace_karras(value.as_object_mut().unwrap());
            assert_eq!(value.to_string(), kept, "{given}");
        }
    }
}
