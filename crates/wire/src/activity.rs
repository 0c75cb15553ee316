//! A source record becomes an activity.
//!
//! One pass over the JSON object reads each member that the source knows by its type, as it comes by; what else
//! stands there is checked and passed over. Then defaults are filled in and what the kind requires is asked for.
//! Text is borrowed from the record; only text with escapes is written out, into the decoder's own memory.
//!
//! Invariants:
//! - The answer depends on the record's bytes, the source and the limits alone. Of a good record, the order of the
//!   members and the space between them change nothing.
//! - `null` is absent, in every field; so is an empty text in a field that is a word or an identity.
//! - Which of two members of one name is meant is not guessed: that record is rejected.
//! - That a record is not JSON is said before anything that is wrong with its members.
//!
//! Time rules (how far a time may lie after the record's timestamp) are not applied here: they are the model's.

mod name;
mod read;
mod require;
mod scan;
mod time;

use crate::reason::Reason;
use engine::activity::{Activity, Fields};
use engine::fingerprint;
use model::source::{FieldType, Source};
use model::time::EventTime;
use name::Name;
use scan::{Flaw, Raw, Scanner, Token};

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
    scratch: Vec<u8>,
    dates: time::Dates,
}

impl Decoder {
    /// A decoder that holds to `limits`.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
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
        let mut scanner = Scanner::new(text);
        if !scanner.take(b'{') {
            let whole = scanner.value(1).and_then(|_| scanner.end());
            return Err(whole.err().map_or(Reason::NotAnObject, reason_of));
        }
        let plain = Plain { scratch: Some(&mut self.scratch), rest: &mut [], len: text.len() };
        let mut members = Members::new(source, plain, &mut self.dates);
        members.scan(&mut scanner).map_err(reason_of)?;
        members.activity(partition, offset)
    }
}

/// The meaning of texts with escapes, in memory that is as large as the record before the first is written: no
/// text is longer than its escaped form.
#[derive(Debug)]
struct Plain<'a> {
    scratch: Option<&'a mut Vec<u8>>,
    rest: &'a mut [u8],
    len: usize,
}

impl<'a> Plain<'a> {
    #[cold]
    fn of(&mut self, raw: &str) -> &'a str {
        if let Some(scratch) = self.scratch.take() {
            scratch.resize(self.len, 0);
            self.rest = scratch;
        }
        let mut meaning = String::new();
        scan::unescape(raw, &mut meaning);
        let (place, rest) =
            std::mem::take(&mut self.rest).split_at_mut_checked(meaning.len()).unwrap_or_default();
        self.rest = rest;
        place.copy_from_slice(meaning.get(..place.len()).unwrap_or_default().as_bytes());
        std::str::from_utf8(place).unwrap_or_default()
    }
}

/// The members of a record that its source knows.
#[derive(Debug)]
struct Members<'a, 'd> {
    source: Source,
    id: Option<&'a str>,
    time: Option<EventTime>,
    account: Option<&'a str>,
    fields: Fields<'a>,
    /// The names that were met, absent values too.
    seen: u64,
    /// The fields that have a value.
    present: u64,
    /// The first thing that is wrong with a member.
    wrong: Option<Reason>,
    plain: Plain<'a>,
    dates: &'d mut time::Dates,
}

impl<'a, 'd> Members<'a, 'd> {
    fn new(source: Source, plain: Plain<'a>, dates: &'d mut time::Dates) -> Self {
        let (id, time, account, wrong) = (None, None, None, None);
        Self {
            source,
            id,
            time,
            account,
            fields: Fields::default(),
            seen: 0,
            present: 0,
            wrong,
            plain,
            dates,
        }
    }

    /// Takes the members after the opening brace, to the end of the text.
    fn scan(&mut self, scanner: &mut Scanner<'a>) -> Result<(), Flaw> {
        if scanner.take(b'}') {
            return scanner.end();
        }
        loop {
            let key = scanner.key()?;
            let name = if key.escaped { escaped_name(key) } else { name::name_of(key.text.as_bytes()) };
            let mut token = scanner.value(2)?;
            if let (Token::Escaped(raw), true) = (token, name != Name::Unknown) {
                token = Token::Text(self.plain.of(raw));
            }
            if let Err(reason) = self.member(name, token) {
                self.wrong.get_or_insert(reason);
            }
            if !scanner.take(b',') {
                scanner.expect(b'}')?;
                return scanner.end();
            }
        }
    }

    #[inline]
    fn member(&mut self, name: Name, token: Token<'a>) -> Result<(), Reason> {
        match name {
            Name::Id => {
                self.once(name::ID, "id")?;
                self.id = read::id(token)?;
            }
            Name::Time => {
                self.once(name::TIME, "time")?;
                self.time = read::time("time", token, self.dates)?;
            }
            Name::Account => {
                self.once(name::ACCOUNT, "account")?;
                self.account = read::account(token)?;
            }
            Name::Field(field)
                if name::has(self.source, field) && name::kind(field) != FieldType::Ignored =>
            {
                self.once(name::bit(field), field.name())?;
                if let Some(value) = read::field(self.source, field, token, self.dates)? {
                    self.fields.set(field, value);
                    self.present |= name::bit(field);
                }
            }
            Name::Field(_) | Name::Unknown => {}
        }
        Ok(())
    }

    #[inline]
    fn once(&mut self, bit: u64, field: &'static str) -> Result<(), Reason> {
        if self.seen & bit != 0 {
            return Err(Reason::Duplicate { field });
        }
        self.seen |= bit;
        Ok(())
    }

    fn activity(mut self, partition: u32, offset: i64) -> Result<Activity<'a>, Reason> {
        if let Some(wrong) = self.wrong {
            return Err(wrong);
        }
        let missing = |field| Reason::Missing { field, because: None };
        let id = self.id.ok_or_else(|| missing("id"))?;
        let time = self.time.ok_or_else(|| missing("time"))?;
        let account = self.account.ok_or_else(|| missing("account"))?;
        require::complete(self.source, &mut self.fields, self.present)?;
        let id = fingerprint::of_activity(self.source, id);
        Ok(Activity { source: self.source, partition, offset, id, time, account, fields: self.fields })
    }
}

#[cold]
fn escaped_name(raw: Raw<'_>) -> Name {
    let mut key = String::new();
    scan::unescape(raw.text, &mut key);
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
