//! Stored bytes that are damaged are a reason, never a panic: neither as they are read nor, where they can be, as the
//! shard that was made of them goes on.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

mod world;

use engine::bytes::Damaged;
use engine::entry::Position;
use engine::{Restoring, Shard, Step};
use model::plan::ModelId;
use proptest::prelude::*;
use proptest::sample::Index;
use std::collections::BTreeMap;
use std::sync::LazyLock;
use world::random::{Random, journal, sparse_journal};
use world::{Lines, Owned};

/// What a shard has stored, and the journal from there on.
struct Stored {
    marker: Vec<u8>,
    head: Vec<u8>,
    accounts: Vec<Vec<u8>>,
    journal: Vec<Owned>,
    /// Where it goes on.
    next: usize,
}

static TEXTS: LazyLock<BTreeMap<ModelId, &str>> = LazyLock::new(|| {
    let told = STORED.iter().flat_map(|stored| &stored.journal);
    let texts = told.filter_map(|entry| if let Owned::Model(text) = entry { Some(&**text) } else { None });
    texts.map(|text| (model::compile(text).unwrap().plan.id, text)).collect()
});

static STORED: LazyLock<Vec<Stored>> = LazyLock::new(|| (0..12).map(store).collect());

fn text(id: ModelId) -> Option<&'static str> {
    TEXTS.get(&id).copied()
}

fn store(seed: u64) -> Stored {
    let journal = if seed % 4 == 3 { sparse_journal(seed) } else { journal(seed, 220) };
    let mut shard = Shard::new();
    let mut lines = Lines::default();
    let next = journal.len() * 4 / 5;
    for (offset, entry) in (0..).zip(&journal[..next]) {
        world::fold(&mut shard, offset, &entry.entry(), &mut lines);
    }
    // Half of them are broken off within the advance of an entry.
    let random = &mut Random(seed);
    if let Some(marks @ Owned::Watermarks(_)) = journal.get(next).filter(|_| random.one_in(2)) {
        let at = Position { offset: next.cast_signed() as i64, entry: 0, minute: i64::MIN };
        let _step = shard.fold(at, &marks.entry(), &mut lines).unwrap();
    }
    let (mut marker, mut head, mut accounts) = (Vec::new(), Vec::new(), Vec::new());
    shard.write_marker(&mut marker);
    shard.write_head(&mut head);
    shard.take_dirty(|_, bytes| {
        accounts.push(bytes.to_vec());
        true
    });
    Stored { marker, head, accounts, journal, next }
}

/// Lets a shard go on with the rest of its journal, and be stored again.
fn go_on(mut shard: Shard, stored: &Stored) {
    let mut lines = Lines::default();
    let Position { offset, minute, .. } = shard.position();
    let is_within = (offset, minute == Position::DONE) == (stored.next.cast_signed() as i64, false);
    let mut steps = 0_u32;
    for (offset, entry) in (0..).zip(&stored.journal).skip(stored.next) {
        let at = Position { offset, entry: 0, minute: i64::MIN };
        let mut step = if is_within && offset == stored.next.cast_signed() as i64 {
            Step::More
        } else {
            match shard.fold(at, &entry.entry(), &mut lines) {
                Ok(step) => step,
                // An account that waited for its model.
                Err(_refused) => return,
            }
        };
        while step == Step::More {
            step = shard.go_on(&mut lines);
            steps += 1;
            assert!(steps < 50_000, "it goes on for ever: {:?}", shard.position());
        }
    }
    let mut bytes = Vec::new();
    shard.write_marker(&mut bytes);
    shard.write_head(&mut bytes);
    shard.take_dirty(|_, bytes| !bytes.is_empty());
}

fn restore(marker: &[u8], accounts: &[&[u8]]) -> Result<Shard, Damaged> {
    let mut restoring = Restoring::new(marker, text)?;
    for account in accounts {
        restoring.add(account)?;
    }
    Ok(restoring.finish())
}

/// What may befall bytes.
#[derive(Clone, Debug)]
enum Damage {
    Flip(Index, u8),
    Set(Index, u8),
    Cut(Index),
    Insert(Index, Vec<u8>),
    /// A stretch is put elsewhere, over what is there or between.
    Copy(Index, Index, usize, bool),
    /// A byte becomes a number of any size.
    Number(Index, u64),
}

impl Damage {
    fn befall(&self, bytes: &mut Vec<u8>) {
        let place = |index: &Index| index.index(bytes.len().max(1));
        match self {
            Self::Flip(at, bit) => {
                let at = place(at);
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << bit;
                }
            }
            Self::Set(at, value) => {
                let at = place(at);
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = *value;
                }
            }
            Self::Cut(at) => bytes.truncate(place(at)),
            Self::Insert(at, more) => {
                let at = place(at).min(bytes.len());
                bytes.splice(at..at, more.iter().copied());
            }
            Self::Copy(from, to, len, over) => {
                let (from, to) = (place(from).min(bytes.len()), place(to).min(bytes.len()));
                let copied: Vec<u8> = bytes[from..].iter().take(*len).copied().collect();
                let end = if *over { bytes.len().min(to + copied.len()) } else { to };
                bytes.splice(to..end, copied);
            }
            Self::Number(at, value) => {
                let at = place(at).min(bytes.len());
                let end = bytes.len().min(at + 1);
                bytes.splice(at..end, varint(*value));
            }
        }
    }
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(u8::try_from(value & 0x7f).unwrap() | 0x80);
        value >>= 7;
    }
    bytes.push(u8::try_from(value).unwrap());
    bytes
}

fn number() -> impl Strategy<Value = u64> {
    prop_oneof![
        (0_u32..64).prop_map(|bit| 1 << bit),
        (0_u32..64).prop_map(|bit| u64::MAX >> bit),
        (0_u32..64, any::<u64>()).prop_map(|(bit, value)| value >> bit),
    ]
}

fn damage() -> impl Strategy<Value = Damage> {
    let at = any::<Index>;
    prop_oneof![
        2 => (at(), 0_u8..8).prop_map(|(at, bit)| Damage::Flip(at, bit)),
        1 => (at(), any::<u8>()).prop_map(|(at, value)| Damage::Set(at, value)),
        1 => at().prop_map(Damage::Cut),
        1 => (at(), proptest::collection::vec(any::<u8>(), 1..9)).prop_map(|(at, more)| Damage::Insert(at, more)),
        1 => (at(), at(), 1_usize..40, any::<bool>()).prop_map(|(from, to, len, over)| Damage::Copy(from, to, len, over)),
        4 => (at(), number()).prop_map(|(at, value)| Damage::Number(at, value)),
    ]
}

fn damages() -> impl Strategy<Value = Vec<Damage>> {
    prop_oneof![3 => proptest::collection::vec(damage(), 1..2), 1 => proptest::collection::vec(damage(), 2..5)]
}

fn damaged(bytes: &[u8], damages: &[Damage]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    damages.iter().for_each(|damage| damage.befall(&mut bytes));
    bytes
}

proptest! {
    #[test]
    fn a_damaged_account_is_refused_or_harmless(
        stored in any::<Index>(), which in any::<Index>(), damages in damages()
    ) {
        let stored = stored.get(&STORED);
        let mut accounts: Vec<&[u8]> = stored.accounts.iter().map(Vec::as_slice).collect();
        let which = which.index(accounts.len());
        let account = damaged(accounts[which], &damages);
        accounts[which] = &account;
        if let Ok(shard) = restore(&stored.marker, &accounts) {
            go_on(shard, stored);
        }
    }

    #[test]
    fn a_damaged_marker_is_refused_or_harmless(stored in any::<Index>(), damages in damages()) {
        let stored = stored.get(&STORED);
        let accounts: Vec<&[u8]> = stored.accounts.iter().map(Vec::as_slice).collect();
        let marker = damaged(&stored.marker, &damages);
        let models = Restoring::models(&marker);
        if let Ok(shard) = restore(&marker, &accounts) {
            prop_assert!(models.is_ok());
            go_on(shard, stored);
        }
    }

    #[test]
    fn a_damaged_head_is_refused_or_harmless(stored in any::<Index>(), damages in damages()) {
        let stored = stored.get(&STORED);
        let head = damaged(&stored.head, &damages);
        let accounts: Vec<&[u8]> = stored.accounts.iter().map(Vec::as_slice).collect();
        if Shard::peek_head(&head).is_ok() {
            let mut shard = restore(&stored.marker, &accounts).unwrap();
            if shard.read_head(&head).is_ok() {
                go_on(shard, stored);
            }
        }
    }

    #[test]
    fn garbage_is_a_reason(
        bytes in proptest::collection::vec(any::<u8>(), 0..400), begins in any::<bool>(), stored in any::<Index>()
    ) {
        let stored = stored.get(&STORED);
        let after = |begin: &[u8]| [if begins { begin } else { &[] }, &bytes].concat();
        let _head = Shard::peek_head(&after(&stored.head[..1]));
        let _models = Restoring::models(&after(&stored.marker[..1]));
        let _shard = restore(&after(&stored.marker[..5]), &[]);
        // Up to the id of its model and its place.
        let _account = restore(&stored.marker, &[&after(&stored.accounts[0][..34])]);
    }
}

#[test]
fn what_is_not_damaged_goes_on() {
    for stored in STORED.iter() {
        let accounts: Vec<&[u8]> = stored.accounts.iter().map(Vec::as_slice).collect();
        let mut shard = restore(&stored.marker, &accounts).unwrap();
        shard.read_head(&stored.head).unwrap();
        go_on(shard, stored);
    }
}
