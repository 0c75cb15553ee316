//! Random entries.

use engine::activity::{Activity, Fields, Value};
use engine::entry::{Entry, Latest, Lost, PartitionMark, Run, SourceMark, Watermarks};
use model::number::{LIMIT, Number, SCALE};
use model::plan::ModelId;
use model::source::{Field, FieldType, Source};
use model::time::EventTime;
use proptest::prelude::*;
use wire::frame::MAX_PARTITIONS;

/// An activity without borrows.
#[derive(Clone, Debug)]
pub(crate) struct Owned {
    pub(crate) source: Source,
    pub(crate) partition: u32,
    pub(crate) offset: i64,
    pub(crate) id: u64,
    pub(crate) time: EventTime,
    pub(crate) account: String,
    pub(crate) fields: Vec<(Field, OwnedValue)>,
}

/// A value without borrows.
#[derive(Clone, Debug)]
pub(crate) enum OwnedValue {
    Word(String),
    Key(u64),
    Number(i64),
    Time(i64),
}

/// An entry without borrows.
#[derive(Clone, Debug)]
pub(crate) enum OwnedEntry {
    Activity(Owned),
    Watermarks(Watermarks),
    Model(String),
    FoldVersion(u32),
}

impl OwnedEntry {
    pub(crate) fn entry(&self) -> Entry<'_> {
        match self {
            Self::Activity(activity) => {
                let mut fields = Fields::default();
                for (field, value) in &activity.fields {
                    let value = match value {
                        OwnedValue::Word(word) => Value::Word(word),
                        OwnedValue::Key(key) => Value::Key(*key),
                        OwnedValue::Number(number) => Value::Number(Number(*number)),
                        OwnedValue::Time(time) => Value::Time(EventTime(*time)),
                    };
                    assert!(fields.set(*field, value));
                }
                Entry::Activity(Activity {
                    source: activity.source,
                    partition: activity.partition,
                    offset: activity.offset,
                    id: activity.id,
                    time: activity.time,
                    account: &activity.account,
                    fields,
                })
            }
            Self::Watermarks(watermarks) => Entry::Watermarks(watermarks.clone()),
            Self::Model(text) => Entry::Model(text),
            Self::FoldVersion(version) => Entry::FoldVersion(*version),
        }
    }
}

pub(crate) fn source() -> impl Strategy<Value = Source> {
    (0_usize..9).prop_map(|index| Source::at(index).unwrap())
}

fn time() -> impl Strategy<Value = i64> {
    prop_oneof![
        8 => 1_781_560_800_000_i64..1_781_570_000_000,
        1 => EventTime::MIN.0..=EventTime::MAX.0,
        1 => any::<i64>(),
    ]
}

fn value(field: Field) -> BoxedStrategy<OwnedValue> {
    match field.kind() {
        FieldType::Word => prop_oneof!["[a-c]", "\\PC{0,40}"].prop_map(OwnedValue::Word).boxed(),
        FieldType::Key | FieldType::Ignored => any::<u64>().prop_map(OwnedValue::Key).boxed(),
        FieldType::Number => {
            let wholes = (-LIMIT..=LIMIT).prop_map(|number| number * SCALE);
            let any = prop_oneof![wholes, -LIMIT * SCALE..=LIMIT * SCALE, -5_i64..5];
            any.prop_map(OwnedValue::Number).boxed()
        }
        FieldType::Time => time().prop_map(OwnedValue::Time).boxed(),
    }
}

pub(crate) fn activity() -> impl Strategy<Value = Owned> {
    let fields = source().prop_flat_map(|source| {
        let all: Vec<_> = source.fields().iter().map(|field| (Just(*field), value(*field))).collect();
        let count = all.len();
        (Just(source), all, proptest::collection::vec(any::<bool>(), count))
    });
    let account = prop_oneof!["acct-[0-9]", "\\PC{1,30}"];
    let offset = prop_oneof![4 => 0_i64..100_000, 1 => any::<i64>()];
    (fields, 0_u32..3, offset, any::<u64>(), time(), account).prop_map(
        |((source, all, kept), partition, offset, id, time, account)| Owned {
            source,
            partition,
            offset,
            id,
            time: EventTime(time),
            account,
            fields: all.into_iter().zip(kept).filter_map(|(field, kept)| kept.then_some(field)).collect(),
        },
    )
}

fn watermarks() -> impl Strategy<Value = Watermarks> {
    let run =
        (time(), time()).prop_map(|(first, last)| Run { first: EventTime(first), last: EventTime(last) });
    let runs = proptest::collection::vec(run, 0..3);
    let watermark = proptest::option::of(time().prop_map(EventTime));
    let lost = prop_oneof![
        3 => Just(Lost::default()),
        1 => (any::<u64>(), any::<i64>()).prop_map(|(offsets, to)| Lost { offsets, to }),
    ];
    let mark = (0..MAX_PARTITIONS, watermark, runs, any::<u64>(), 0_u64..100, lost).prop_map(
        |(partition, watermark, runs, rejected, skipped, lost)| PartitionMark {
            partition,
            watermark,
            runs,
            rejected,
            skipped,
            lost,
        },
    );
    let marks = proptest::collection::vec(mark, 0..4);
    let source = (source(), 0..=MAX_PARTITIONS, marks)
        .prop_map(|(source, partition_count, partitions)| SourceMark { source, partition_count, partitions });
    let model = proptest::option::of(any::<[u8; 32]>().prop_map(ModelId));
    let latest = prop_oneof![
        Just(Latest::All),
        (1..=Latest::TURNS)
            .prop_flat_map(|turns| (0..turns).prop_map(move |turn| Latest::Turn { turn, turns }))
    ];
    (model, latest, proptest::collection::vec(source, 0..4)).prop_map(|(model, latest, sources)| Watermarks {
        model,
        latest,
        sources,
    })
}

pub(crate) fn entry() -> impl Strategy<Value = OwnedEntry> {
    prop_oneof![
        12 => activity().prop_map(OwnedEntry::Activity),
        2 => watermarks().prop_map(OwnedEntry::Watermarks),
        1 => "\\PC{0,400}".prop_map(OwnedEntry::Model),
        1 => any::<u32>().prop_map(OwnedEntry::FoldVersion),
    ]
}
