//! Text for people: colours where there is a terminal, columns, sizes.

use std::io::{BufRead, IsTerminal, Write};

/// Colours, or none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Paint {
    coloured: bool,
}

impl Paint {
    /// For standard output.
    #[expect(clippy::disallowed_methods, reason = "NO_COLOR is about terminals, and no setting")]
    pub(crate) fn stdout() -> Self {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { coloured: std::io::stdout().is_terminal() && !unwanted }
    }

    /// For what is no terminal.
    #[cfg(test)]
    pub(crate) fn none() -> Self {
        Self { coloured: false }
    }

    pub(crate) fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    pub(crate) fn red(self, text: &str) -> String {
        self.with("31", text)
    }

    pub(crate) fn green(self, text: &str) -> String {
        self.with("32", text)
    }

    pub(crate) fn yellow(self, text: &str) -> String {
        self.with("33", text)
    }

    fn with(self, code: &str, text: &str) -> String {
        if self.coloured { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// Which way a column is aligned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
}

/// Rows in columns as wide as their widest cell, two blanks apart.
pub(crate) fn columns(rows: &[Vec<String>], align: &[Align]) -> Vec<String> {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..align.len()).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(align).zip(&widths).map(|((cell, align), width)| match align {
            Align::Left => format!("{cell:width$}"),
            Align::Right => format!("{cell:>width$}"),
        });
        cells.collect::<Vec<String>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

/// The text without what a file must not send to a terminal, and no longer than `most` characters.
pub(crate) fn shown(text: &str, most: usize) -> String {
    let printable = |character: char| if misleads(character) { '�' } else { character };
    let mut characters = text.chars().map(printable);
    let mut shown: String = characters.by_ref().take(most).collect();
    if characters.next().is_some() {
        shown.pop();
        shown.push('…');
    }
    shown
}

/// Whether a character commands the terminal, ends a line, or turns the order in which others are read:
/// whoever decides by what is shown must see what is there.
fn misleads(character: char) -> bool {
    let turns = matches!(
        character,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    );
    turns || character.is_control() || matches!(character, '\u{2028}' | '\u{2029}')
}

/// A number of bytes in three digits or so.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut size = bytes as f64;
    let mut unit = 0;
    while size >= 999.95 && unit + 1 < UNITS.len() {
        size /= 1000.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} B") } else { format!("{size:.1} {}", UNITS[unit]) }
}

/// `1 error`, `2 errors`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// Asks whoever sits at the terminal; `None` where nobody does.
pub(crate) fn is_wanted(question: &str) -> std::io::Result<Option<bool>> {
    std::io::stdout().flush()?;
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return Ok(None);
    }
    eprint!("{question} [y/N] ");
    let mut answer = String::new();
    stdin.lock().read_line(&mut answer)?;
    Ok(Some(["y", "yes"].contains(&answer.trim().to_lowercase().as_str())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_stand_below_each_other() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let rows = [row(["é", "10", "x"]), row(["long", "9", ""])];
        let lines = columns(&rows, &[Align::Left, Align::Right, Align::Left]);
        assert_eq!(lines, ["é     10  x", "long   9"]);
    }

    #[test]
    fn texts_of_files_cannot_move_the_cursor_or_turn_what_is_read() {
        assert_eq!(shown("a\x1b[2Jb", 3), "a�…");
        assert_eq!(shown("abc", 3), "abc");
        assert_eq!(shown("a\u{202e}b\u{2066}c\u{2028}", 9), "a�b�c�");
        assert_eq!(shown("e\u{301} \u{5d0}\u{1f989}", 9), "e\u{301} \u{5d0}\u{1f989}");
    }

    #[test]
    fn sizes_are_short() {
        for (bytes, text) in [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (999_950, "1.0 MB")] {
            assert_eq!(size(bytes), text);
        }
    }
}
