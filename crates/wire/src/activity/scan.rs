//! A strict scanner of JSON text that hands out slices of it.
//!
//! It accepts exactly RFC 8259 (lone surrogate escapes are refused, as they are no text), nested at most
//! [`MAX_DEPTH`] deep. It allocates nothing: a text with escapes is checked and handed out as it stands, to be
//! resolved by [`unescape`] if anyone needs it.

use crate::plain::plain_until;

/// How deep values may be nested; the outermost is the first.
pub(super) const MAX_DEPTH: usize = 32;

/// What is wrong with the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    /// It is not JSON, at about this byte.
    Syntax(usize),
    /// It is nested too deeply.
    Depth,
}

/// One value. Text is without its quotes; what is nested was checked and is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A text without escapes.
    Text(&'a str),
    /// A text with escapes, as it stands.
    Escaped(&'a str),
    /// A number, as it stands.
    Number(&'a str),
    /// `true` or `false`.
    Bool(bool),
    /// `null`.
    Null,
    /// An object.
    Object,
    /// An array.
    Array,
}

/// A text without its quotes, as it stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Raw<'a> {
    pub(super) text: &'a str,
    pub(super) escaped: bool,
}

/// A place in a text.
#[derive(Debug)]
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    #[inline]
    const fn flaw(&self) -> Flaw {
        Flaw::Syntax(self.at)
    }

    #[inline]
    pub(super) fn space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    /// Takes `byte` after any space, if it is next.
    #[inline]
    pub(super) fn take(&mut self, byte: u8) -> bool {
        self.space();
        let next = self.peek() == Some(byte);
        self.at += usize::from(next);
        next
    }

    /// Takes `byte` after any space.
    #[inline]
    pub(super) fn expect(&mut self, byte: u8) -> Result<(), Flaw> {
        if self.take(byte) { Ok(()) } else { Err(self.flaw()) }
    }

    /// Nothing but space is left.
    pub(super) fn end(&mut self) -> Result<(), Flaw> {
        self.space();
        if self.at == self.text.len() { Ok(()) } else { Err(self.flaw()) }
    }

    /// Takes the key of a member and the colon after it.
    #[inline]
    pub(super) fn key(&mut self) -> Result<Raw<'a>, Flaw> {
        self.expect(b'"')?;
        let key = self.string()?;
        self.expect(b':')?;
        Ok(key)
    }

    /// Takes the value that is next; `depth` is that of the value itself.
    #[inline]
    pub(super) fn value(&mut self, depth: usize) -> Result<Token<'a>, Flaw> {
        // Most values are texts; they are read in place.
        if self.take(b'"') {
            let Raw { text, escaped } = self.string()?;
            return Ok(if escaped { Token::Escaped(text) } else { Token::Text(text) });
        }
        self.other(depth)
    }

    /// Takes the value that is next, which is no text.
    fn other(&mut self, depth: usize) -> Result<Token<'a>, Flaw> {
        match self.peek().ok_or_else(|| self.flaw())? {
            b'-' | b'0'..=b'9' => self.number(),
            b'{' => self.object(depth),
            b'[' => self.array(depth),
            b't' => self.word("true", Token::Bool(true)),
            b'f' => self.word("false", Token::Bool(false)),
            b'n' => self.word("null", Token::Null),
            _ => Err(self.flaw()),
        }
    }

    fn word(&mut self, word: &str, token: Token<'a>) -> Result<Token<'a>, Flaw> {
        let found = self.text.as_bytes().get(self.at..self.at + word.len());
        if found != Some(word.as_bytes()) {
            return Err(self.flaw());
        }
        self.at += word.len();
        Ok(token)
    }

    fn object(&mut self, depth: usize) -> Result<Token<'a>, Flaw> {
        if depth > MAX_DEPTH {
            return Err(Flaw::Depth);
        }
        self.at += 1;
        if self.take(b'}') {
            return Ok(Token::Object);
        }
        loop {
            self.key()?;
            self.value(depth + 1)?;
            if !self.take(b',') {
                self.expect(b'}')?;
                return Ok(Token::Object);
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Token<'a>, Flaw> {
        if depth > MAX_DEPTH {
            return Err(Flaw::Depth);
        }
        self.at += 1;
        if self.take(b']') {
            return Ok(Token::Array);
        }
        loop {
            self.value(depth + 1)?;
            if !self.take(b',') {
                self.expect(b']')?;
                return Ok(Token::Array);
            }
        }
    }

    /// The slice from `start` up to here; both lie on ASCII bytes.
    #[inline]
    fn since(&self, start: usize) -> Result<&'a str, Flaw> {
        self.text.get(start..self.at).ok_or_else(|| self.flaw())
    }

    /// The rest of a text whose opening quote is taken, and its closing quote.
    #[inline]
    fn string(&mut self) -> Result<Raw<'a>, Flaw> {
        let bytes = self.text.as_bytes();
        let start = self.at;
        let mut escaped = false;
        loop {
            self.at = plain_until(bytes, self.at);
            match self.peek().ok_or_else(|| self.flaw())? {
                b'"' => {
                    let raw = self.since(start)?;
                    self.at += 1;
                    return Ok(Raw { text: raw, escaped });
                }
                b'\\' => {
                    self.escape()?;
                    escaped = true;
                }
                _ => return Err(self.flaw()),
            }
        }
    }

    fn escape(&mut self) -> Result<(), Flaw> {
        let next = self.text.as_bytes().get(self.at + 1).ok_or_else(|| self.flaw())?;
        match next {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => self.at += 2,
            b'u' => {
                let code = self.hex4()?;
                if (0xd800..0xdc00).contains(&code) {
                    let low = self.hex4()?;
                    if !(0xdc00..0xe000).contains(&low) {
                        return Err(self.flaw());
                    }
                } else if (0xdc00..0xe000).contains(&code) {
                    return Err(self.flaw());
                }
            }
            _ => return Err(self.flaw()),
        }
        Ok(())
    }

    /// Takes `\uXXXX`.
    fn hex4(&mut self) -> Result<u32, Flaw> {
        let bytes = self.text.as_bytes().get(self.at..self.at + 6).ok_or_else(|| self.flaw())?;
        let digits = bytes.strip_prefix(br"\u").ok_or_else(|| self.flaw())?;
        let code = digits.iter().try_fold(0, |code, byte| Some(code * 16 + char::from(*byte).to_digit(16)?));
        self.at += 6;
        code.ok_or_else(|| self.flaw())
    }

    fn digits(&mut self) -> Result<(), Flaw> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at > start { Ok(()) } else { Err(self.flaw()) }
    }

    fn number(&mut self) -> Result<Token<'a>, Flaw> {
        let start = self.at;
        self.at += usize::from(self.peek() == Some(b'-'));
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            self.digits()?;
        }
        self.since(start).map(Token::Number)
    }
}

/// Appends to `out` what an escaped text means; `raw` was checked by the scanner.
pub(super) fn unescape(raw: &str, out: &mut String) {
    let mut rest = raw;
    while let Some((plain, after)) = rest.split_once('\\') {
        out.push_str(plain);
        let mut chars = after.chars();
        match chars.next() {
            Some('u') => {
                let high = hex(&mut chars);
                let code = if (0xd800..0xdc00).contains(&high) {
                    // The scanner saw `\u` and four digits of a low surrogate here.
                    let low = hex(&mut chars.by_ref().skip(2));
                    0x1_0000 + ((high - 0xd800) << 10) + (low & 0x3ff)
                } else {
                    high
                };
                out.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            Some('b') => out.push('\u{8}'),
            Some('f') => out.push('\u{c}'),
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some(same) => out.push(same),
            None => {}
        }
        rest = chars.as_str();
    }
    out.push_str(rest);
}

fn hex(chars: &mut impl Iterator<Item = char>) -> u32 {
    chars.take(4).fold(0, |code, digit| code * 16 + digit.to_digit(16).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(text: &str) -> Result<Token<'_>, Flaw> {
        let mut scanner = Scanner::new(text);
        let token = scanner.value(1)?;
        scanner.end().map(|()| token)
    }

    #[test]
    fn what_is_json_is_what_serde_json_says() {
        for text in [
            "0",
            "-0",
            "-",
            "01",
            "1.",
            ".5",
            "1.5e+3",
            "1e",
            "1E-2",
            "+1",
            "NaN",
            "true",
            "tru",
            "nulll",
            "null",
            " [1, 2 ,{\"a\":[]} ] ",
            "[1,]",
            "[,]",
            "{\"a\":1,}",
            "{\"a\" : 1}",
            "{a:1}",
            "{\"a\"1}",
            "{}",
            "[]",
            "",
            " ",
            "\"\"",
            "\"a",
            "\"\t\"",
            "\"\\t\"",
            "\"\\x\"",
            "\"\\u12\"",
            "\"\\u00e4\"",
            "\"\\ud83d\\ude00\"",
            "\"\\ud83d\"",
            "\"\\ude00\"",
            "\"\\ud83dx12345\"",
            "\"ä€😀\"",
            "\"12345678\\\"\"",
            "[1] 2",
            "\u{feff}{}",
            "\"\u{7f}\"",
            "{\"a\":1 \"b\":2}",
            "[[[]]",
            "\"\\ud83d\\u0041\"",
        ] {
            let ours = whole(text).is_ok();
            assert_eq!(ours, serde_json::from_str::<serde_json::Value>(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn escapes_mean_what_serde_json_says() {
        for text in [r#""\"\\\/\b\f\n\r\t""#, r#""a\u00e4b\ud83d\ude00c""#, r#""\u0000x""#, r#""ä\n€""#] {
            let Ok(Token::Escaped(raw)) = whole(text) else { panic!("{text}") };
            let mut out = String::new();
            unescape(raw, &mut out);
            assert_eq!(out, serde_json::from_str::<String>(text).unwrap());
        }
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert_eq!(whole(&nested(MAX_DEPTH)), Ok(Token::Array));
        assert_eq!(whole(&nested(MAX_DEPTH + 1)), Err(Flaw::Depth));
        assert_eq!(whole(&"[".repeat(1_000_000)), Err(Flaw::Depth));
    }
}
