//! What was read of a state partition: the latest record of each key.
//!
//! There is one for every account, so it is kept small and is found by hash; key and value lie in one allocation,
//! which is given back as soon as the record is taken.

use super::checkpoint::kind;
use hashbrown::HashTable;
use std::borrow::Cow;

/// The latest record of each key, in the order in which the keys were first seen.
#[derive(Debug, Default)]
pub(crate) struct Records {
    index: HashTable<(u64, u32)>,
    records: Vec<Record>,
}

#[derive(Debug)]
struct Record {
    /// The key, then the value.
    bytes: Box<[u8]>,
    key: u32,
    /// Whether it has a value.
    stands: bool,
}

impl Record {
    fn key(&self) -> &[u8] {
        self.bytes.get(..self.key as usize).unwrap_or_default()
    }

    fn value(&self) -> Option<&[u8]> {
        self.bytes.get(self.key as usize..).filter(|_| self.stands)
    }
}

impl Records {
    /// Takes in the next record of the partition.
    pub(crate) fn put(&mut self, key: &[u8], value: Option<&[u8]>) {
        let (Ok(place), Ok(len)) = (u32::try_from(self.records.len()), u32::try_from(key.len())) else {
            return;
        };
        let mut bytes = Vec::with_capacity(key.len() + value.map_or(0, <[u8]>::len));
        bytes.extend_from_slice(key);
        bytes.extend_from_slice(value.unwrap_or_default());
        let record = Record { bytes: bytes.into(), key: len, stands: value.is_some() };
        let hash = engine::fingerprint::of(key);
        match self.find(hash, key) {
            Some(place) => self.records[place] = record,
            None => {
                self.index.insert_unique(hash, (hash, place), |entry| entry.0);
                self.records.push(record);
            }
        }
    }

    fn find(&self, hash: u64, key: &[u8]) -> Option<usize> {
        let is_it = |entry: &(u64, u32)| entry.0 == hash && self.records[entry.1 as usize].key() == key;
        self.index.find(hash, is_it).map(|entry| entry.1 as usize)
    }

    /// A chunk of a state record.
    fn chunk(&self, kind: u8, number: u8, key: &[u8]) -> Option<&[u8]> {
        let mut name = Vec::with_capacity(2 + key.len());
        name.extend_from_slice(&[kind, number]);
        name.extend_from_slice(key);
        self.records[self.find(engine::fingerprint::of(&name), &name)?].value()
    }

    /// A state record, its chunks joined.
    pub(crate) fn value(&self, kind: u8, key: &[u8]) -> Option<Cow<'_, [u8]>> {
        self.join(kind, key, self.chunk(kind, 0, key)?)
    }

    fn join<'r>(&'r self, kind: u8, key: &[u8], first: &'r [u8]) -> Option<Cow<'r, [u8]>> {
        let (count, value) = first.split_first()?;
        let mut value = Cow::Borrowed(value);
        for number in 1..*count {
            value.to_mut().extend_from_slice(self.chunk(kind, number, key)?.get(1..)?);
        }
        Some(value)
    }

    /// How many records there are, whatever they are of.
    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    /// Gives each account and its value, `None` if a part is missing, and forgets it.
    ///
    /// # Errors
    /// The first that `each` has.
    pub(super) fn take_accounts<E>(
        &mut self,
        mut each: impl FnMut(&[u8], Option<&[u8]>) -> Result<(), E>,
    ) -> Result<(), E> {
        for place in 0..self.records.len() {
            let record = &self.records[place];
            let ([kind::ACCOUNT, 0, key @ ..], Some(first)) = (record.key(), record.value()) else {
                continue;
            };
            each(key, self.join(kind::ACCOUNT, key, first).as_deref())?;
            let record = &mut self.records[place];
            (record.bytes, record.key, record.stands) = (Box::default(), 0, false);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::checkpoint;
    use super::*;
    use log::Appends;

    fn records(values: &[(u8, &str, Vec<u8>)]) -> Records {
        let mut appends = Appends::default();
        for (kind, key, value) in values {
            checkpoint::put(&mut appends, &"state".into(), 0, *kind, key.as_bytes(), value);
        }
        let mut records = Records::default();
        for record in appends.records() {
            records.put(record.key.unwrap(), record.value);
        }
        records
    }

    fn accounts(records: &mut Records) -> Vec<(String, Option<usize>)> {
        let mut all = Vec::new();
        let taken: Result<(), ()> = records.take_accounts(|key, value| {
            all.push((String::from_utf8_lossy(key).into_owned(), value.map(<[u8]>::len)));
            Ok(())
        });
        taken.unwrap();
        all
    }

    #[test]
    fn the_latest_value_of_a_key_stands() {
        let value = |byte: u8| vec![byte; 3];
        let mut records = records(&[
            (kind::ACCOUNT, "a", value(1)),
            (kind::HEAD, "", value(2)),
            (kind::ACCOUNT, "b", value(3)),
            (kind::ACCOUNT, "a", vec![4; 9]),
            (kind::HEAD, "", value(5)),
        ]);
        assert_eq!(records.value(kind::HEAD, &[]).as_deref(), Some(&value(5)[..]));
        assert_eq!(records.value(kind::MARKER, &[]), None);
        records.put(b"a\0b", None);
        assert_eq!(accounts(&mut records), [("a".to_owned(), Some(9))]);
        assert_eq!(accounts(&mut records), []);
        assert_eq!(records.value(kind::HEAD, &[]).as_deref(), Some(&value(5)[..]));
    }

    #[test]
    fn chunks_are_joined_and_a_missing_one_is_noticed() {
        let long = vec![7; 3 * checkpoint::CHUNK];
        let mut records = records(&[
            (kind::ACCOUNT, "long", long.clone()),
            // From four chunks to one: the other three are not of it.
            (kind::ACCOUNT, "cut", long.clone()),
            (kind::ACCOUNT, "cut", vec![8]),
            (kind::ACCOUNT, "torn", long.clone()),
        ]);
        assert_eq!(records.value(kind::ACCOUNT, b"long").as_deref(), Some(&long[..]));
        records.put(b"a\x02torn", None);
        let taken = accounts(&mut records);
        let of = |name: &str, len| (name.to_owned(), len);
        assert_eq!(taken, [of("long", Some(long.len())), of("cut", Some(1)), of("torn", None)]);
    }
}
