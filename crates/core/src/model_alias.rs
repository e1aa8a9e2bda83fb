//! The one model that is known under two names.
//!
//! Workers still ask for a ControlNet model under the name it had before it was renamed.

use crate::Category;

const OLD_NAME: &str = "control_qr_sdxl";
const NAME: &str = "control_qr_xl";

/// The stored name that `name` stands for in `category`.
///
/// An old name gives way to the new one only where the new one is stored; a store that has kept the
/// old key is still served from it, and a name that is nowhere stays as it was asked for.
pub fn controlnet_alias(
    category: Category,
    name: &str,
    is_stored: impl FnOnce(&str) -> bool,
) -> &str {
    if category == Category::Controlnet && name == OLD_NAME && is_stored(NAME) {
        NAME
    } else {
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_old_name_stands_for_the_new_one_where_that_is_stored() {
        assert_eq!(controlnet_alias(Category::Controlnet, OLD_NAME, |name| name == NAME), NAME);
        assert_eq!(controlnet_alias(Category::Controlnet, OLD_NAME, |_| false), OLD_NAME);
        assert_eq!(controlnet_alias(Category::Clip, OLD_NAME, |_| true), OLD_NAME);
        assert_eq!(
            controlnet_alias(Category::Controlnet, "control_canny", |_| true),
            "control_canny"
        );
    }
}
