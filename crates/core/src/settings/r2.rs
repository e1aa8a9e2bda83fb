//! Object storage of downloads. The service does not use it; tools and workers on the same
//! configuration do.

use super::Secret;

crate::setting_group! {
    /// Object storage of downloads, for tools and workers; the service does not use it.
    pub struct R2 is "R2" {
        /// Address that downloads are fetched from.
        HORDE_MODEL_REFERENCE_R2__GATEWAY_URL => gateway_url: Option<String> = None,
        /// Bucket to upload to.
        HORDE_MODEL_REFERENCE_R2__UPLOAD_BUCKET => upload_bucket: Option<String> = None,
        /// Address to upload to.
        HORDE_MODEL_REFERENCE_R2__UPLOAD_ENDPOINT_URL => upload_endpoint_url: Option<String> = None,
        /// Who uploads.
        HORDE_MODEL_REFERENCE_R2__UPLOAD_ACCESS_KEY_ID => upload_access_key_id: Option<Secret> = None,
        /// The key to it.
        HORDE_MODEL_REFERENCE_R2__UPLOAD_SECRET_ACCESS_KEY => upload_secret_access_key: Option<Secret> =
            None,
        /// Region to upload to.
        HORDE_MODEL_REFERENCE_R2__UPLOAD_REGION => upload_region: String = "auto".into(),
        /// Seconds a worker keeps the list of what there is.
        HORDE_MODEL_REFERENCE_R2__MANIFEST_TTL_SECONDS => manifest_ttl_seconds: i64 = 300,
    }
}
