//! What a profile tells its readers: advice, and examples of prompts and requests.

use super::prose::{Prose, ProseList};
use crate::shape::{AtLeastOne, ValueMap, members, words};

members! {
    /// Advice for one kind of reader.
    #[derive(Default)]
    pub struct Advice(reject) {
        /// In one paragraph.
        overview: Prose => absent,
        /// What it is good for.
        use_cases: ProseList => absent,
        /// How to get more out of it.
        tips: ProseList => absent,
        /// What to beware of.
        caveats: ProseList => absent,
    }
}

members! {
    /// A conversation, and the text it becomes.
    pub struct PromptExample(reject) {
        /// Its title.
        title: String => required,
        /// What it shows.
        description: Option<String> => absent,
        /// The conversation.
        messages: AtLeastOne<Message> => required,
        /// What the model reads in the end.
        rendered_prompt: Option<String> => absent,
    }
}

members! {
    /// One message of a conversation.
    pub struct Message(reject) {
        /// Who says it.
        role: Role => required,
        /// What is said.
        content: String => required,
    }
}

words! {
    /// Who says something in a conversation.
    pub enum Role as "literal_error" {
        System = "system",
        User = "user",
        Assistant = "assistant",
        Tool = "tool",
    }
}

members! {
    /// A request to the horde.
    pub struct RequestExample(reject) {
        /// Its title.
        title: String => required,
        /// The prompt.
        prompt: String => required,
        /// The settings.
        parameters: ValueMap => absent,
        /// Anything else.
        notes: Option<String> => absent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Stored;
    use crate::json::Json;

    fn refusal<T: Stored>(text: &str) -> Option<&'static str> {
        let value = Json::parse(text.as_bytes()).unwrap();
        T::parse(&value).err().map(|issues| issues[0].kind)
    }

    #[test]
    fn examples_have_messages_with_known_roles() {
        let text = r#"{"title":"t","messages":[]}"#;
        assert_eq!(refusal::<PromptExample>(text), Some("too_short"));
        let text = r#"{"title":"t","messages":[{"role":"me","content":""}]}"#;
        assert_eq!(refusal::<PromptExample>(text), Some("literal_error"));
        assert_eq!(refusal::<PromptExample>(&text.replace("\"me\"", "\"tool\"")), None);
    }

    #[test]
    fn settings_are_plain() {
        let with = |parameters: &str| {
            let text = format!(r#"{{"title":"t","prompt":"p","parameters":{parameters}}}"#);
            refusal::<RequestExample>(&text)
        };
        assert_eq!(with(r#"{"a":1,"b":[1,2],"c":["x"],"d":[]}"#), None);
        assert_eq!(with(r#"{"a":{}}"#), Some("int_type"));
        assert_eq!(with(r#"{"a":[1,"x"]}"#), Some("list_type"));
    }
}
