//! The grammar of licence expressions such as `MIT OR (GPL-3.0-only WITH Some-exception)`.
//!
//! It is wider than SPDX where the reference's is: any word is an identifier, and several words in a
//! row are one. What an identifier stands for is the licensing catalogue's business.

use std::collections::BTreeSet;

/// The expression that says that nothing is known.
pub const NO_ASSERTION: &str = "NOASSERTION";

/// A parsed expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expression {
    /// One licence, with its exception if it has one.
    License(String),
    /// All of these apply.
    And(Vec<Self>),
    /// One of these may be chosen.
    Or(Vec<Self>),
}

/// The text is no expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a licence expression")]
pub struct InvalidExpression(pub String);

impl Expression {
    /// Reads an expression.
    pub fn parse(text: &str) -> Result<Self, InvalidExpression> {
        let invalid = || InvalidExpression(text.to_owned());
        let tokens = tokens(text).ok_or_else(invalid)?;
        let mut parser = Parser { tokens: &tokens };
        let expression = parser.choice().ok_or_else(invalid)?;
        if parser.tokens.is_empty() { Ok(expression) } else { Err(invalid()) }
    }

    /// The licences it names, each once.
    pub fn identifiers(&self) -> BTreeSet<&str> {
        match self {
            Self::License(identifier) => BTreeSet::from([identifier.as_str()]),
            Self::And(parts) | Self::Or(parts) => {
                parts.iter().flat_map(Self::identifiers).collect()
            }
        }
    }

    /// Whether it says that nothing is known.
    pub fn is_no_assertion(&self) -> bool {
        matches!(self, Self::License(identifier) if identifier == NO_ASSERTION)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    And,
    Or,
    With,
    Open,
    Close,
}

fn tokens(text: &str) -> Option<Vec<Token>> {
    let is_word = |c: char| c.is_alphanumeric() || "-.+_:".contains(c);
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '(' | ')' => 1,
            _ => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
        };
        let (token, tail) = rest.split_at(length);
        tokens.push(match token.to_ascii_uppercase().as_str() {
            "" => return None,
            "(" => Token::Open,
            ")" => Token::Close,
            "AND" => Token::And,
            "OR" => Token::Or,
            "WITH" => Token::With,
            _ => Token::Word(token.to_owned()),
        });
        rest = tail.trim_start();
    }
    Some(tokens)
}

/// Parentheses nested deeper than this are refused rather than followed.
const DEEPEST: usize = 100;

struct Parser<'t> {
    tokens: &'t [Token],
}

impl Parser<'_> {
    fn take(&mut self, token: &Token) -> bool {
        let found = self.tokens.first() == Some(token);
        if found {
            self.tokens = &self.tokens[1..];
        }
        found
    }

    fn choice(&mut self) -> Option<Expression> {
        let deepest = self.tokens.iter().filter(|token| **token == Token::Open).count();
        if deepest > DEEPEST { None } else { self.alternatives() }
    }

    fn alternatives(&mut self) -> Option<Expression> {
        let mut parts = vec![self.combination()?];
        while self.take(&Token::Or) {
            parts.push(self.combination()?);
        }
        Some(if parts.len() == 1 { parts.remove(0) } else { Expression::Or(parts) })
    }

    fn combination(&mut self) -> Option<Expression> {
        let mut parts = vec![self.operand()?];
        while self.take(&Token::And) {
            parts.push(self.operand()?);
        }
        Some(if parts.len() == 1 { parts.remove(0) } else { Expression::And(parts) })
    }

    fn operand(&mut self) -> Option<Expression> {
        if self.take(&Token::Open) {
            let inner = self.alternatives()?;
            return self.take(&Token::Close).then_some(inner);
        }
        let license = self.identifier()?;
        if !self.take(&Token::With) {
            return Some(Expression::License(license));
        }
        let exception = self.identifier()?;
        Some(Expression::License(format!("{license} WITH {exception}")))
    }

    fn identifier(&mut self) -> Option<String> {
        let mut words = Vec::new();
        while let Some(Token::Word(word)) = self.tokens.first() {
            words.push(word.as_str());
            self.tokens = &self.tokens[1..];
        }
        (!words.is_empty()).then(|| words.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identifiers(text: &str) -> Vec<String> {
        let expression = Expression::parse(text).unwrap();
        expression.identifiers().into_iter().map(str::to_owned).collect()
    }

    #[test]
    fn expressions_and_the_licences_in_them() {
        assert_eq!(identifiers(" MIT "), ["MIT"]);
        assert_eq!(identifiers("MIT or (Apache-2.0 AND MIT)"), ["Apache-2.0", "MIT"]);
        assert_eq!(
            identifiers("GPL-3.0-only with Some-exception"),
            ["GPL-3.0-only WITH Some-exception"]
        );
        assert_eq!(identifiers("Two  Words OR OpenRAIL++-M"), ["OpenRAIL++-M", "Two Words"]);
        assert_eq!(identifiers("((A WITH B)) And C"), ["A WITH B", "C"]);
        assert_eq!(identifiers("лицензия:1+"), ["лицензия:1+"]);
        assert!(Expression::parse("NOASSERTION").unwrap().is_no_assertion());
    }

    #[test]
    fn what_is_no_expression() {
        for text in [
            "",
            " ",
            "()",
            "MIT OR",
            "MIT OR (",
            "MIT (WTFPL)",
            "(MIT",
            "MIT)",
            "AND MIT",
            "MIT / BSD",
            "MIT/X11",
            "A WITH",
            "A WITH B WITH C",
        ] {
            assert!(Expression::parse(text).is_err(), "{text:?}");
        }
        assert!(Expression::parse(&"(".repeat(100_000)).is_err());
    }
}
