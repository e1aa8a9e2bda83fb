//! Templates that turn a conversation into the text that a model reads.

use crate::shape::{NonEmpty, members, words};

words! {
    /// The language a template is written in.
    pub enum Syntax {
        Jinja2 = "jinja2",
        Handlebars = "handlebars",
        PythonFormat = "python_format",
        Literal = "literal",
        Other = "other",
    }
}

members! {
    /// A template.
    pub struct Template(reject) rule(broken_rule) {
        /// Its name among the templates of the profile.
        template_id: NonEmpty => required,
        /// The name for people.
        name: String => required,
        /// The language it is written in.
        syntax: Syntax => required,
        /// The language's name, where it is none of the usual ones.
        syntax_name: Option<String> => absent,
        /// The template itself.
        template: String => required,
        /// What it expects to be given.
        variables: Vec<Variable> => absent,
    }
}

members! {
    /// Something that a template expects to be given.
    pub struct Variable(reject) {
        /// Its name in the template.
        name: NonEmpty => required,
        /// What it stands for.
        description: String => required,
        /// Whether the template is useless without it.
        required: bool => or(true),
    }
}

impl Template {
    fn broken_rule(&self) -> Option<String> {
        let is_named = self.syntax_name.as_ref().is_some_and(|name| !name.is_empty());
        let is_nameless = self.syntax == Syntax::Other && !is_named;
        is_nameless.then(|| "the syntax `other` needs a `syntax_name`".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Stored;
    use crate::json::Json;

    #[test]
    fn an_unlisted_syntax_is_named() {
        let refusal = |text: &str| {
            let value = Json::parse(text.as_bytes()).unwrap();
            Template::parse(&value).err().map(|issues| issues[0].kind)
        };
        let text = r#"{"template_id":"t","name":"n","syntax":"other","template":""}"#;
        assert_eq!(refusal(text), Some("value_error"));
        assert_eq!(refusal(&text.replace("\"name\"", "\"syntax_name\":\"x\",\"name\"")), None);
    }
}
