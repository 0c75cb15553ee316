//! The layout of one entry within a body.
//!
//! ```text
//! tag        0..8: an activity of the source of that number; +16 where its partition is not that of the source's
//!            activity before (or 0). 9: watermarks. 10: a model. 11: a fold version.
//! activity   [partition]  offset: signed, less the source's offset before  time: signed, less the time before
//!            account: text  id: u64 LE  field count  fields
//! field      head: number in bits 0..6, type in bits 6..8 (0 word, 1 key, 2 number, 3 time)
//!            word: text | key: u64 LE | time: signed, less the activity's time
//!            number: zigzag × 2, + 1 where it is a number of wholes, else of millionths
//! model      text length  text
//! version    varint
//! ```

use super::table::{Numbers, Texts};
use super::varint::{self, Cursor, unzigzag, zigzag};
use super::{FrameError, MAX_PARTITIONS, mark};
use engine::activity::{Activity, Fields, MAX_FIELDS, Value};
use engine::entry::Entry;
use model::number::{LIMIT, Number, SCALE};
use model::source::{Field, SOURCES, Source};
use model::time::EventTime;

pub(super) const WATERMARKS: u8 = 9;
const MODEL: u8 = 10;
const FOLD_VERSION: u8 = 11;
const OTHER_PARTITION: u8 = 16;

const WORD: u8 = 0;
const KEY: u8 = 1;
const NUMBER: u8 = 2;
const TIME: u8 = 3;

/// What differences count from; the same on both sides after each entry.
#[derive(Clone, Debug, Default)]
pub(super) struct Before {
    pub(super) time: i64,
    partition: [u32; SOURCES],
    offset: [i64; SOURCES],
}

/// The writer's state.
#[derive(Debug, Default)]
pub(super) struct Put {
    pub(super) before: Before,
    pub(super) accounts: Numbers,
    pub(super) words: Numbers,
}

impl Put {
    pub(super) fn entry(&mut self, out: &mut Vec<u8>, entry: &Entry<'_>) {
        match entry {
            Entry::Activity(activity) => self.activity(out, activity),
            Entry::Watermarks(watermarks) => {
                out.push(WATERMARKS);
                mark::put(out, &mut self.before.time, watermarks);
            }
            Entry::Model(text) => {
                out.push(MODEL);
                varint::put(out, text.len() as u64);
                out.extend_from_slice(text.as_bytes());
            }
            Entry::FoldVersion(version) => {
                out.push(FOLD_VERSION);
                varint::put(out, u64::from(*version));
            }
        }
    }

    fn activity(&mut self, out: &mut Vec<u8>, activity: &Activity<'_>) {
        let source = activity.source.index();
        let tag = activity.source as u8;
        if self.before.partition[source] == activity.partition {
            out.push(tag);
        } else {
            out.push(tag | OTHER_PARTITION);
            varint::put(out, u64::from(activity.partition));
            self.before.partition[source] = activity.partition;
        }
        varint::put_signed(out, activity.offset.wrapping_sub(self.before.offset[source]));
        self.before.offset[source] = activity.offset;
        varint::put_signed(out, activity.time.0.wrapping_sub(self.before.time));
        self.before.time = activity.time.0;
        self.accounts.put(out, activity.account);
        out.extend_from_slice(&activity.id.to_le_bytes());
        let count_at = out.len();
        let mut count = 0;
        out.push(0);
        for (field, value) in activity.fields.iter() {
            self.field(out, activity.time, field, value);
            count += 1;
        }
        if let Some(byte) = out.get_mut(count_at) {
            *byte = count;
        }
    }

    fn field(&mut self, out: &mut Vec<u8>, time: EventTime, field: Field, value: Value<'_>) {
        let head = |kind: u8| field.number() | (kind << 6);
        match value {
            Value::Word(word) => {
                out.push(head(WORD));
                self.words.put(out, word);
            }
            Value::Key(key) => {
                out.push(head(KEY));
                out.extend_from_slice(&key.to_le_bytes());
            }
            Value::Number(number) => {
                out.push(head(NUMBER));
                // A greater number cannot come from a record; held, it leaves room for the bit below.
                let number = number.0.clamp(-LIMIT * SCALE, LIMIT * SCALE);
                let (number, wholes) = if number % SCALE == 0 { (number / SCALE, 1) } else { (number, 0) };
                varint::put(out, (zigzag(number) << 1) | wholes);
            }
            Value::Time(at) => {
                out.push(head(TIME));
                varint::put_signed(out, at.0.wrapping_sub(time.0));
            }
        }
    }

    pub(super) fn clear(&mut self) {
        self.before = Before::default();
        self.accounts.clear();
        self.words.clear();
    }
}

/// The reader's state.
#[derive(Clone, Debug, Default)]
pub(super) struct Take<'b> {
    before: Before,
    accounts: Texts<'b>,
    words: Texts<'b>,
}

fn nothing(source: Source) -> Activity<'static> {
    let (time, fields) = (EventTime(0), Fields::default());
    Activity { source, partition: 0, offset: 0, id: 0, time, account: "", fields }
}

impl<'b> Take<'b> {
    /// Takes the next entry in place of `entry`, of which nothing is left; after an error it holds nothing of use.
    #[inline]
    pub(super) fn entry(&mut self, cursor: &mut Cursor<'b>, entry: &mut Entry<'b>) -> Result<(), FrameError> {
        let tag = cursor.byte("entry")?;
        if let Some(source) = Source::at(usize::from(tag & !OTHER_PARTITION)) {
            // An activity is some 400 bytes, of which few change from one to the next.
            if !matches!(entry, Entry::Activity(_)) {
                *entry = Entry::Activity(nothing(source));
            }
            let Entry::Activity(activity) = entry else { return Ok(()) };
            activity.source = source;
            return self.activity(cursor, tag & OTHER_PARTITION != 0, activity);
        }
        *entry = match tag {
            WATERMARKS => mark::take(cursor, &mut self.before.time).map(Entry::Watermarks)?,
            MODEL => cursor.text("model").map(Entry::Model)?,
            FOLD_VERSION => cursor.u32("fold version").map(Entry::FoldVersion)?,
            _ => return Err(FrameError::Invalid("kind of entry")),
        };
        Ok(())
    }

    #[inline]
    fn activity(
        &mut self,
        cursor: &mut Cursor<'b>,
        other_partition: bool,
        activity: &mut Activity<'b>,
    ) -> Result<(), FrameError> {
        let index = activity.source.index();
        if other_partition {
            let partition = cursor.u32("partition")?;
            if partition >= MAX_PARTITIONS {
                return Err(FrameError::Invalid("partition"));
            }
            self.before.partition[index] = partition;
        }
        activity.partition = self.before.partition[index];
        activity.offset = self.before.offset[index].wrapping_add(cursor.signed("offset")?);
        self.before.offset[index] = activity.offset;
        self.before.time = self.before.time.wrapping_add(cursor.signed("time")?);
        activity.time = EventTime(self.before.time);
        activity.account = self.accounts.take(cursor, "account")?;
        activity.id = u64::from_le_bytes(cursor.array("id")?);
        let count = usize::from(cursor.byte("field count")?);
        if count > MAX_FIELDS {
            return Err(FrameError::Invalid("field count"));
        }
        activity.fields.clear();
        for _ in 0..count {
            let (field, value) = self.field(cursor, activity.time)?;
            activity.fields.set(field, value);
        }
        Ok(())
    }

    #[inline]
    fn field(&mut self, cursor: &mut Cursor<'b>, time: EventTime) -> Result<(Field, Value<'b>), FrameError> {
        let head = cursor.byte("field")?;
        let field = Field::from_number(head & 0x3f).ok_or(FrameError::Invalid("field"))?;
        let value = match head >> 6 {
            WORD => Value::Word(self.words.take(cursor, "word")?),
            KEY => Value::Key(u64::from_le_bytes(cursor.array("key")?)),
            NUMBER => {
                let packed = cursor.varint("number")?;
                let number = unzigzag(packed >> 1);
                let scale = if packed & 1 == 1 { SCALE } else { 1 };
                Value::Number(Number(number.checked_mul(scale).ok_or(FrameError::Invalid("number"))?))
            }
            _ => Value::Time(EventTime(time.0.wrapping_add(cursor.signed("time")?))),
        };
        Ok((field, value))
    }
}
