//! What v2 records of text models have beyond the common part.

use indexmap::IndexMap;

use crate::shape::{AtLeast, HttpUrl, Integer, Trimmed, ValueMap, members, words};

members! {
    /// A text model.
    pub struct Text(caller) {
        /// The model it descends from.
        baseline: Option<String> => absent,
        /// How many parameters it has.
        parameters: Integer => required,
        /// Whether it writes what not everyone should read.
        nsfw: bool => or(false),
        /// What it is good at.
        style: Option<String> => absent,
        /// Its name for people.
        display_name: Option<String> => absent,
        /// Its page.
        url: Option<String> => absent,
        /// Words to find it by.
        tags: Option<Vec<Trimmed>> => absent,
        /// How it wants to be spoken to.
        instruct_format: Option<String> => absent,
        /// Recommended settings.
        settings: Option<ValueMap> => absent,
        /// The name that its sizes and variants share.
        text_model_group: Option<String> => absent,
        /// Why its name does not follow its group's schema.
        name_schema_exception: Option<String> => absent,
        /// How much text it can look at.
        context_window: Option<ContextWindow> => absent,
        /// In which ways it can be used.
        interaction_modes: Option<IndexMap<InteractionMode, Claim>> => absent,
        /// What else it can do.
        capabilities: Option<IndexMap<Capability, Claim>> => absent,
        /// What the guidance catalogue says of it; shown by the service, so it comes back.
        guidance: Option<GuidanceSummary> => unwritten,
    }
}

words! {
    /// A way of using a text model.
    pub enum InteractionMode {
        Completion = "completion",
        Instruction = "instruction",
        Chat = "chat",
    }
}

words! {
    /// Something a text model may be able to do.
    pub enum Capability {
        ToolCalling = "tool_calling",
        StructuredOutput = "structured_output",
    }
}

words! {
    /// Whether something works.
    pub enum Support {
        Supported = "supported",
        Unsupported = "unsupported",
        Unknown = "unknown",
    }
}

words! {
    /// How much guidance there is for a text model.
    pub enum GuidanceStatus {
        Published = "published",
        LegacyLabel = "legacy_label",
        Undocumented = "undocumented",
    }
}

members! {
    /// A page that says so.
    pub struct Source(reject) {
        /// Its address.
        url: HttpUrl => required,
        /// Its title.
        title: Option<String> => absent,
        /// What to look for there.
        note: Option<String> => absent,
    }
}

members! {
    /// How much text a model can look at.
    pub struct ContextWindow(reject) {
        /// In tokens.
        maximum_tokens: AtLeast<1> => required,
        /// Who says so.
        sources: Vec<Source> => spelled(Vec::new()),
        /// Under which condition.
        qualification: Option<String> => absent,
    }
}

members! {
    /// A statement about what a model can do.
    pub struct Claim(reject) {
        /// Whether it works.
        status: Support => required,
        /// Who says so.
        sources: Vec<Source> => spelled(Vec::new()),
        /// Under which condition.
        qualification: Option<String> => absent,
    }
}

members! {
    /// What the guidance catalogue says of a model, in short.
    pub struct GuidanceSummary(reject) {
        /// How much there is.
        status: GuidanceStatus => required,
        /// The contract it follows.
        primary_profile_id: Option<String> => absent,
        /// Recipes that help.
        supplemental_profile_ids: Vec<String> => spelled(Vec::new()),
    }
}
