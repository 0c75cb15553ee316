//! Why a source record was not applied: in words for people, in codes for metrics and dead letters.
//!
//! A reason holds no more than a short excerpt of the record, with control characters escaped, so it may be
//! logged. Codes are a closed set and never change their meaning.

use std::fmt;
use thiserror::Error;

/// Why a record is rejected. It goes to the dead-letter topic.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Reason {
    /// It is larger than its source allows.
    #[error("the record has {bytes} bytes, the limit is {limit}")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The greatest size allowed.
        limit: usize,
    },
    /// It is not UTF-8.
    #[error("not UTF-8 at byte {at}")]
    NotUtf8 {
        /// The first byte that is wrong.
        at: usize,
    },
    /// It is not JSON.
    #[error("not JSON at byte {at}")]
    NotJson {
        /// About where.
        at: usize,
    },
    /// It is JSON, but not an object.
    #[error("not a JSON object")]
    NotAnObject,
    /// Its values are nested too deeply.
    #[error("nested more than {limit} deep")]
    TooDeep {
        /// The greatest depth allowed.
        limit: usize,
    },
    /// It names a field twice, so that it cannot be known which is meant.
    #[error("`{field}` stands more than once")]
    Duplicate {
        /// The field.
        field: &'static str,
    },
    /// A required field is absent, null or empty.
    #[error("`{field}` is missing{}", Because(because))]
    Missing {
        /// The field.
        field: &'static str,
        /// What requires it, if not always required.
        because: Option<&'static str>,
    },
    /// A field is not what it must be.
    #[error("`{field}` must be {expected}, found {found}")]
    Wrong {
        /// The field.
        field: &'static str,
        /// What it must be.
        expected: &'static str,
        /// What it is.
        found: Excerpt,
    },
    /// A text is too long.
    #[error("`{field}` has {bytes} bytes, the limit is {limit}")]
    TooLong {
        /// The field.
        field: &'static str,
        /// Its length.
        bytes: usize,
        /// The greatest length allowed.
        limit: usize,
    },
    /// A word is not of the field's vocabulary.
    #[error("`{field}` must be one of {}, found {found}", Words(words))]
    UnknownWord {
        /// The field.
        field: &'static str,
        /// What it is.
        found: Excerpt,
        /// What it may be.
        words: &'static [&'static str],
    },
    /// It claims to have happened later than its record's timestamp allows.
    #[error("`time` lies {by_ms} ms after what the record's timestamp allows")]
    TimeInFuture {
        /// How far beyond the greatest skew.
        by_ms: i64,
    },
}

impl Reason {
    /// Every code, for metrics that need their labels beforehand.
    pub const CODES: [&'static str; 11] = [
        "too-large",
        "not-utf8",
        "not-json",
        "not-an-object",
        "too-deep",
        "duplicate-field",
        "missing-field",
        "wrong-value",
        "too-long",
        "unknown-word",
        "time-in-future",
    ];

    /// The stable code: a label in metrics, a header in dead letters.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "too-large",
            Self::NotUtf8 { .. } => "not-utf8",
            Self::NotJson { .. } => "not-json",
            Self::NotAnObject => "not-an-object",
            Self::TooDeep { .. } => "too-deep",
            Self::Duplicate { .. } => "duplicate-field",
            Self::Missing { .. } => "missing-field",
            Self::Wrong { .. } => "wrong-value",
            Self::TooLong { .. } => "too-long",
            Self::UnknownWord { .. } => "unknown-word",
            Self::TimeInFuture { .. } => "time-in-future",
        }
    }
}

/// The beginning of a value that was found, fit to be shown: at most [`Excerpt::LIMIT`] characters of it, control
/// characters escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt(Box<str>);

impl Excerpt {
    /// The most characters that are kept.
    pub const LIMIT: usize = 64;

    /// The excerpt of a text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let mut shown: String = text.chars().take(Self::LIMIT).flat_map(char::escape_debug).collect();
        if text.chars().nth(Self::LIMIT).is_some() {
            shown.push('…');
        }
        Self(shown.into())
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.0)
    }
}

struct Because<'a>(&'a Option<&'static str>);

impl fmt::Display for Because<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |because| write!(f, ", {because} needs it"))
    }
}

struct Words<'a>(&'a [&'static str]);

impl fmt::Display for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, word) in self.0.iter().enumerate() {
            let before = if place == 0 { "" } else { ", " };
            write!(f, "{before}{word}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_reads_as_a_sentence_and_stays_short() {
        let wrong =
            |text: &str| Reason::Wrong { field: "kind", expected: "a word", found: Excerpt::of(text) };
        assert_eq!(wrong("a\n\u{7f}b").to_string(), "`kind` must be a word, found `a\\n\\u{7f}b`");
        assert!(wrong(&"\u{1}".repeat(9_000)).to_string().len() < 1_000);
        let unknown =
            Reason::UnknownWord { field: "by", found: Excerpt::of("cat"), words: &["customer", "agent"] };
        assert_eq!(unknown.to_string(), "`by` must be one of customer, agent, found `cat`");
        let missing = Reason::Missing { field: "rule", because: Some("kind snooze") };
        assert_eq!(missing.to_string(), "`rule` is missing, kind snooze needs it");
        assert_eq!(Reason::Missing { field: "id", because: None }.to_string(), "`id` is missing");
    }

    #[test]
    fn every_code_is_in_the_list_once() {
        let mut codes = Reason::CODES.to_vec();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), Reason::CODES.len());
        assert!(Reason::CODES.contains(&Reason::NotAnObject.code()));
    }
}
