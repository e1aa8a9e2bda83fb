//! Documents beside the categories: licences, image baselines, guidance for text models.

use std::path::PathBuf;

use super::Words;

crate::setting_group! {
    /// Licences of models, and who may edit them.
    pub struct Licensing is "licensing" {
        /// Horde user ids of those who may edit licences and assets; nobody else may, approvers
        /// included.
        HORDE_MODEL_REFERENCE_LICENSING__EDITOR_IDS => editor_ids: Words = Words::none(),
        /// Refuse new v2 records that do not say their licensing.
        HORDE_MODEL_REFERENCE_LICENSING__REQUIRE_EXPLICIT_MODEL_ASSIGNMENTS =>
            require_explicit_model_assignments: bool = false,
        /// Their folder under the data.
        HORDE_MODEL_REFERENCE_LICENSING__RELATIVE_SUBDIR => relative_subdir: String = "licensing".into(),
        /// Their folder, if it lies elsewhere.
        HORDE_MODEL_REFERENCE_LICENSING__ROOT_PATH_OVERRIDE => root_path_override: Option<PathBuf> = None,
    }
}

crate::setting_group! {
    /// Image baselines and guidance for text models.
    pub struct Catalogues is "catalogues" {
        /// Folder of the guidance for text models, under the data.
        HORDE_MODEL_REFERENCE_TEXT_GUIDANCE__RELATIVE_SUBDIR => guidance_subdir: String =
            "text_guidance".into(),
        /// That folder, if it lies elsewhere.
        HORDE_MODEL_REFERENCE_TEXT_GUIDANCE__ROOT_PATH_OVERRIDE =>
            guidance_path_override: Option<PathBuf> = None,
        /// Folder of the image baselines, under the data.
        HORDE_MODEL_REFERENCE_IMAGE_BASELINES__RELATIVE_SUBDIR => baselines_subdir: String =
            "baselines".into(),
        /// That folder, if it lies elsewhere.
        HORDE_MODEL_REFERENCE_IMAGE_BASELINES__ROOT_PATH_OVERRIDE =>
            baselines_path_override: Option<PathBuf> = None,
    }
}

impl Licensing {
    /// Whether the user may edit licences and assets.
    pub fn is_editor(&self, user_id: &str) -> bool {
        self.editor_ids.contains(user_id)
    }
}
