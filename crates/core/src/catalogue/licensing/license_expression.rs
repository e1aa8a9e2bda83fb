//! Licence expressions such as `MIT OR (Apache-2.0 AND GPL-2.0-only WITH Classpath-exception-2.0)`.
//!
//! Only the identifiers matter here, not what the operators say about them.

use std::collections::BTreeSet;

/// Why a text is not a licence expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidExpression {
    /// A character that belongs to no word, operator or parenthesis.
    #[error("the character `{0}` has no place in a licence expression")]
    Character(char),
    /// An operator, a parenthesis or the end where an identifier belongs.
    #[error("an identifier is missing")]
    MissingIdentifier,
    /// An identifier or a parenthesis where an operator belongs.
    #[error("an operator is missing")]
    MissingOperator,
    /// Parentheses that do not match.
    #[error("the parentheses do not match")]
    Parentheses,
}

/// The identifiers in an expression. `A WITH B` is one, and so are words without an operator
/// between them.
pub fn license_ids(expression: &str) -> Result<BTreeSet<String>, InvalidExpression> {
    let tokens = tokens(expression)?;
    let mut rest = tokens.as_slice();
    let mut ids = BTreeSet::new();
    let mut open = 0_usize;
    loop {
        while let [Token::Open, after @ ..] = rest {
            open += 1;
            rest = after;
        }
        let (id, after) = identifier(rest)?;
        ids.insert(id);
        rest = after;
        while let [Token::Close, after @ ..] = rest {
            open = open.checked_sub(1).ok_or(InvalidExpression::Parentheses)?;
            rest = after;
        }
        match rest {
            [] if open == 0 => return Ok(ids),
            [] => return Err(InvalidExpression::Parentheses),
            [Token::And | Token::Or, after @ ..] => rest = after,
            _ => return Err(InvalidExpression::MissingOperator),
        }
    }
}

enum Token<'a> {
    Word(&'a str),
    And,
    Or,
    With,
    Open,
    Close,
}

fn tokens(expression: &str) -> Result<Vec<Token<'_>>, InvalidExpression> {
    let mut tokens = Vec::new();
    let mut rest = expression.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = if is_word_character(first) {
            rest.find(|character| !is_word_character(character)).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let (text, after) = rest.split_at(length);
        tokens.push(match text {
            "(" => Token::Open,
            ")" => Token::Close,
            _ if text.eq_ignore_ascii_case("and") => Token::And,
            _ if text.eq_ignore_ascii_case("or") => Token::Or,
            _ if text.eq_ignore_ascii_case("with") => Token::With,
            _ if is_word_character(first) => Token::Word(text),
            _ => return Err(InvalidExpression::Character(first)),
        });
        rest = after.trim_start();
    }
    Ok(tokens)
}

fn is_word_character(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '-' | '.' | '+' | '_' | ':')
}

/// One identifier at the start of `tokens`, and what follows it.
fn identifier<'t, 'a>(
    tokens: &'t [Token<'a>],
) -> Result<(String, &'t [Token<'a>]), InvalidExpression> {
    let (licence, rest) = words(tokens)?;
    let [Token::With, after @ ..] = rest else { return Ok((licence, rest)) };
    let (exception, rest) = words(after)?;
    Ok((format!("{licence} WITH {exception}"), rest))
}

fn words<'t, 'a>(tokens: &'t [Token<'a>]) -> Result<(String, &'t [Token<'a>]), InvalidExpression> {
    let mut words = Vec::new();
    let mut rest = tokens;
    while let [Token::Word(word), after @ ..] = rest {
        words.push(*word);
        rest = after;
    }
    if words.is_empty() {
        return Err(InvalidExpression::MissingIdentifier);
    }
    Ok((words.join(" "), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(expression: &str) -> String {
        match license_ids(expression) {
            Ok(ids) => ids.into_iter().collect::<Vec<_>>().join("|"),
            Err(error) => format!("{error:?}"),
        }
    }

    #[test]
    fn identifiers_are_collected() {
        for (expression, found) in [
            ("MIT", "MIT"),
            ("  MIT  ", "MIT"),
            ("MIT or (WTFPL And MIT)", "MIT|WTFPL"),
            ("Two  Words OR OpenRAIL++-M", "OpenRAIL++-M|Two Words"),
            ("((A WITH B)) AND C", "A WITH B|C"),
            ("LicenseRef-é:1.0_x", "LicenseRef-é:1.0_x"),
        ] {
            assert_eq!(ids(expression), found);
        }
    }

    #[test]
    fn broken_expressions_are_refused() {
        for (expression, error) in [
            ("", "MissingIdentifier"),
            ("()", "MissingIdentifier"),
            ("MIT OR (", "MissingIdentifier"),
            ("AND MIT", "MissingIdentifier"),
            ("A WITH", "MissingIdentifier"),
            ("MIT (WTFPL)", "MissingOperator"),
            ("A WITH B WITH C", "MissingOperator"),
            ("(MIT", "Parentheses"),
            ("MIT)", "Parentheses"),
            ("MIT/X11", "Character('/')"),
        ] {
            assert_eq!(ids(expression), error, "{expression}");
        }
    }
}
