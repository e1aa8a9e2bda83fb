//! Replies of a Redis server, in both versions of its protocol.

use anyhow::{Context, Result, bail};

/// What a server says.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// A short word such as `OK`.
    Simple(String),
    /// A refusal: a code in capitals, then words.
    Error(String),
    /// A number.
    Integer(i64),
    /// Bytes.
    Bulk(Vec<u8>),
    /// Nothing there.
    Nil,
    /// A sequence, also that of a set.
    Array(Vec<Self>),
    /// Pairs in the order sent; only with `HELLO 3`.
    Map(Vec<(Self, Self)>),
    /// Said without being asked; only with `HELLO 3`.
    Push(Vec<Self>),
    /// A fraction; only with `HELLO 3`.
    Double(f64),
    /// True or false; only with `HELLO 3`.
    Boolean(bool),
}

impl Reply {
    /// A word or bytes as text, if it is UTF-8.
    pub fn text(&self) -> Option<String> {
        match self {
            Self::Simple(text) => Some(text.clone()),
            Self::Bulk(bytes) => String::from_utf8(bytes.clone()).ok(),
            _ => None,
        }
    }

    /// A number.
    pub fn integer(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            _ => None,
        }
    }

    /// The items of a sequence; of everything else none.
    pub fn items(&self) -> &[Self] {
        match self {
            Self::Array(items) | Self::Push(items) => items,
            _ => &[],
        }
    }

    /// The value after `name` where names and values alternate, or in a map.
    pub fn field(&self, name: &str) -> Option<&Self> {
        let is_name = |reply: &Self| reply.text().is_some_and(|text| text == name);
        match self {
            Self::Map(pairs) => pairs.iter().find(|(key, _)| is_name(key)).map(|(_, value)| value),
            _ => self.items().chunks_exact(2).find(|pair| is_name(&pair[0])).map(|pair| &pair[1]),
        }
    }
}

/// The first reply in `bytes` and its length; `None` while it is not complete.
pub(crate) fn parse(bytes: &[u8]) -> Result<Option<(Reply, usize)>> {
    let mut cursor = Cursor { bytes, position: 0 };
    let reply = cursor.reply()?;
    Ok(reply.map(|reply| (reply, cursor.position)))
}

struct Cursor<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Cursor<'a> {
    fn reply(&mut self) -> Result<Option<Reply>> {
        let Some(line) = self.line()? else { return Ok(None) };
        let (kind, rest) = line.split_at_checked(1).context("a reply without a kind")?;
        Ok(match kind {
            "+" => Some(Reply::Simple(rest.to_owned())),
            "-" => Some(Reply::Error(rest.to_owned())),
            ":" => Some(Reply::Integer(rest.parse()?)),
            "," => Some(Reply::Double(rest.parse()?)),
            "#" => Some(Reply::Boolean(rest == "t")),
            "_" => Some(Reply::Nil),
            "$" | "*" if rest == "-1" => Some(Reply::Nil),
            "$" => self.bytes_of(rest.parse()?)?.map(|bytes| Reply::Bulk(bytes.to_vec())),
            // Verbatim text has a format of three letters and a colon in front.
            "=" => self
                .bytes_of(rest.parse()?)?
                .map(|bytes| Reply::Bulk(bytes.get(4..).unwrap_or_default().to_vec())),
            "*" | "~" => self.replies(rest.parse()?)?.map(Reply::Array),
            ">" => self.replies(rest.parse()?)?.map(Reply::Push),
            "%" => self.replies(2 * rest.parse::<usize>()?)?.map(|items| {
                let mut items = items.into_iter();
                Reply::Map(std::iter::from_fn(|| items.next().zip(items.next())).collect())
            }),
            _ => bail!("a reply of an unknown kind: {line:?}"),
        })
    }

    fn replies(&mut self, count: usize) -> Result<Option<Vec<Reply>>> {
        let mut items = Vec::new();
        for _ in 0..count {
            let Some(item) = self.reply()? else { return Ok(None) };
            items.push(item);
        }
        Ok(Some(items))
    }

    fn line(&mut self) -> Result<Option<&'a str>> {
        let rest = &self.bytes[self.position..];
        let Some(end) = rest.windows(2).position(|pair| pair == b"\r\n") else { return Ok(None) };
        self.position += end + 2;
        Ok(Some(std::str::from_utf8(&rest[..end])?))
    }

    fn bytes_of(&mut self, length: usize) -> Result<Option<&'a [u8]>> {
        let end = self.position + length;
        if self.bytes.len() < end + 2 {
            return Ok(None);
        }
        let bytes = &self.bytes[self.position..end];
        self.position = end + 2;
        Ok(Some(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPLY: &[u8] = b"*4\r\n$2\r\n\r\n\r\n:-7\r\n%1\r\n+a\r\n,1.5\r\n>2\r\n#t\r\n$-1\r\n";

    #[test]
    fn reads_nested_replies() -> Result<()> {
        let expected = Reply::Array(vec![
            Reply::Bulk(b"\r\n".to_vec()),
            Reply::Integer(-7),
            Reply::Map(vec![(Reply::Simple("a".into()), Reply::Double(1.5))]),
            Reply::Push(vec![Reply::Boolean(true), Reply::Nil]),
        ]);
        let followed = [REPLY, b"+next\r\n"].concat();
        assert_eq!(parse(&followed)?, Some((expected, REPLY.len())));
        Ok(())
    }

    #[test]
    fn waits_for_the_rest_wherever_it_is_cut() -> Result<()> {
        for end in 0..REPLY.len() {
            assert_eq!(parse(&REPLY[..end])?, None, "cut at {end}");
        }
        Ok(())
    }

    #[test]
    fn refuses_what_is_no_reply() {
        assert!(parse(b"HTTP/1.1 200 OK\r\n").is_err());
    }
}
