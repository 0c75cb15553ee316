//! A source record becomes an activity.
//!
//! One pass over the JSON object collects the members that the source knows; what else stands there is checked
//! and passed over. Then each is read by its type, defaults are filled in and what the kind requires is asked
//! for. Text is borrowed from the record; only text with escapes is copied, into the decoder's own memory.
//!
//! Invariants:
//! - The answer depends on the record's bytes, the source and the limits alone: the order of the members and the
//!   space between them change nothing.
//! - `null` is absent, in every field; so is an empty text in a field that is a word or an identity.
//! - Which of two members of one name is meant is not guessed: that record is rejected.
//!
//! Time rules (how far a time may lie after the record's timestamp) are not applied here: they are the model's.

mod name;
mod read;
mod require;
mod scan;

use crate::reason::Reason;
use engine::activity::{Activity, Fields, MAX_FIELDS};
use engine::fingerprint;
use model::source::{Field, FieldType, Source};
use name::Name;
use scan::{Flaw, Scanner, Token};

/// What a record may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The greatest size of a record's value, in bytes; default 1 MiB.
    pub max_record_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_record_bytes: 1 << 20 }
    }
}

/// Decodes records, one after another, in memory that it keeps.
#[derive(Debug, Default)]
pub struct Decoder {
    limits: Limits,
    scratch: String,
}

impl Decoder {
    /// A decoder that holds to `limits`.
    #[must_use]
    pub const fn new(limits: Limits) -> Self {
        Self { limits, scratch: String::new() }
    }

    /// Decodes the value of the record at `offset` of `partition` of the topic of `source`.
    ///
    /// # Errors
    /// The [`Reason`] to reject it.
    pub fn decode<'a>(
        &'a mut self,
        source: Source,
        partition: u32,
        offset: i64,
        value: &'a [u8],
    ) -> Result<Activity<'a>, Reason> {
        let limit = self.limits.max_record_bytes;
        if value.len() > limit {
            return Err(Reason::TooLarge { bytes: value.len(), limit });
        }
        let text = std::str::from_utf8(value).map_err(|error| Reason::NotUtf8 { at: error.valid_up_to() })?;
        let mut members = Members::collect(source, text)?;
        if members.escaped {
            self.scratch.clear();
            members.unescape(&mut self.scratch);
        }
        members.activity(source, partition, offset, &self.scratch)
    }
}

/// A member that is read: its token, and for an escaped text where its meaning stands in the scratch memory.
#[derive(Clone, Copy, Debug)]
struct Member<'a> {
    token: Token<'a>,
    scratch: (usize, usize),
}

impl<'a> Member<'a> {
    const ABSENT: Self = Self { token: Token::Null, scratch: (0, 0) };

    fn unescape(&mut self, scratch: &mut String) {
        if let Token::Escaped(raw) = self.token {
            let start = scratch.len();
            scan::unescape(raw, scratch);
            self.scratch = (start, scratch.len());
        }
    }

    /// Its token, with escapes resolved.
    fn resolved(&self, scratch: &'a str) -> Token<'a> {
        if let Token::Escaped(raw) = self.token {
            return Token::Text(scratch.get(self.scratch.0..self.scratch.1).unwrap_or(raw));
        }
        self.token
    }
}

/// The members of a record that its source knows, in the order in which they stand.
#[derive(Debug)]
struct Members<'a> {
    id: Member<'a>,
    time: Member<'a>,
    account: Member<'a>,
    fields: [(Field, Member<'a>); MAX_FIELDS],
    len: usize,
    escaped: bool,
}

impl<'a> Members<'a> {
    fn collect(source: Source, text: &'a str) -> Result<Self, Reason> {
        let mut scanner = Scanner::new(text);
        if !scanner.take(b'{') {
            let whole = scanner.value(1).and_then(|_| scanner.end());
            return Err(whole.err().map_or(Reason::NotAnObject, reason_of));
        }
        let mut members = Self {
            id: Member::ABSENT,
            time: Member::ABSENT,
            account: Member::ABSENT,
            fields: [(Field::Kind, Member::ABSENT); MAX_FIELDS],
            len: 0,
            escaped: false,
        };
        let doubled = members.scan(source, &mut scanner).map_err(reason_of)?;
        doubled.map_or(Ok(members), |field| Err(Reason::Duplicate { field }))
    }

    /// Takes the members after the opening brace, to the end of the text. Returns a name that stands twice.
    fn scan(&mut self, source: Source, scanner: &mut Scanner<'a>) -> Result<Option<&'static str>, Flaw> {
        let (mut seen, mut doubled) = (0_u64, None);
        if scanner.take(b'}') {
            return scanner.end().map(|()| None);
        }
        loop {
            let key = scanner.key()?;
            let name = if key.escaped { escaped_name(key.text) } else { name::name_of(key.text.as_bytes()) };
            let token = scanner.value(2)?;
            if let Some((bit, text)) = self.put(source, name, token) {
                if seen & bit != 0 && doubled.is_none() {
                    doubled = Some(text);
                }
                seen |= bit;
            }
            if !scanner.take(b',') {
                scanner.expect(b'}')?;
                return scanner.end().map(|()| doubled);
            }
        }
    }

    /// Keeps a member, if it is one that is read; returns its bit in a set of names, and its name.
    #[inline]
    fn put(&mut self, source: Source, name: Name, token: Token<'a>) -> Option<(u64, &'static str)> {
        let member = Member { token, scratch: (0, 0) };
        let place = match name {
            Name::Id => (1, "id"),
            Name::Time => (1 << 62, "time"),
            Name::Account => (1 << 63, "account"),
            Name::Field(field) if name::has(source, field) && field.kind() != FieldType::Ignored => {
                (name::bit(field), field.name())
            }
            Name::Field(_) | Name::Unknown => return None,
        };
        self.escaped |= matches!(token, Token::Escaped(_));
        match name {
            Name::Id => self.id = member,
            Name::Time => self.time = member,
            Name::Account => self.account = member,
            Name::Field(_) if token == Token::Null => {}
            Name::Field(field) => {
                // Full only after a doubled name, and then the record is rejected anyway.
                if let Some(slot) = self.fields.get_mut(self.len) {
                    *slot = (field, member);
                    self.len += 1;
                }
            }
            Name::Unknown => {}
        }
        Some(place)
    }

    #[cold]
    fn unescape(&mut self, scratch: &mut String) {
        for member in [&mut self.id, &mut self.time, &mut self.account] {
            member.unescape(scratch);
        }
        for (_, member) in self.fields.iter_mut().take(self.len) {
            member.unescape(scratch);
        }
    }

    fn activity(
        &self,
        source: Source,
        partition: u32,
        offset: i64,
        scratch: &'a str,
    ) -> Result<Activity<'a>, Reason> {
        let id = read::id(self.id.resolved(scratch))?;
        let time = read::time("time", self.time.resolved(scratch))?;
        let time = time.ok_or(Reason::Missing { field: "time", because: None })?;
        let account = read::account(self.account.resolved(scratch))?;
        let mut fields = Fields::default();
        for (field, member) in self.fields.iter().take(self.len) {
            if let Some(value) = read::field(source, *field, member.resolved(scratch))? {
                fields.set(*field, value);
            }
        }
        require::complete(source, &mut fields)?;
        let id = fingerprint::of_activity(source, id);
        Ok(Activity { source, partition, offset, id, time, account, fields })
    }
}

#[cold]
fn escaped_name(raw: &str) -> Name {
    let mut key = String::new();
    scan::unescape(raw, &mut key);
    name::name_of(key.as_bytes())
}

#[cold]
fn reason_of(flaw: Flaw) -> Reason {
    match flaw {
        Flaw::Syntax(at) => Reason::NotJson { at },
        Flaw::Depth => Reason::TooDeep { limit: scan::MAX_DEPTH },
    }
}

#[cfg(test)]
mod tests;
