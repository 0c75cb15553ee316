use super::*;
use crate::golden::golden;
use proptest::prelude::*;

fn source() -> Source {
    let run = |first, last| Run { first: EventTime(first), last: EventTime(last) };
    Source {
        stamp: Stamp { incarnation: 1_781_560_800_000, sequence: 3 },
        newest: Some(-1),
        told: None,
        tick: Some(i64::MAX),
        end: None,
        consumed: 99,
        rejected: 4,
        skipped: 5,
        row: 6,
        stopped: true,
        last: Some(Last { offset: 4_800, print: 0xce40_2a07_5d1f_c751 }),
        lost: Lost { offsets: 6, to: 4_711 },
        runs: vec![run(-5, 7), run(1_781_560_000_000, 1_781_560_800_000)],
    }
}

fn sources() -> [Source; 5] {
    let live = Source { tick: None, told: Some(-300_001), stopped: false, ..source() };
    [
        source(),
        Source { lost: Lost::default(), last: None, ..source() },
        Source { runs: Vec::new(), ..live },
        Source::default(),
        Source { tick: Some(1_979_512), end: Some(5_000), ..source() },
    ]
}

fn journals() -> [Journal; 3] {
    let journal = |incarnation, offset, minute| Journal {
        stamp: Stamp { incarnation, sequence: 2 },
        position: Position { offset, entry: 2, minute },
        frame: 0x1f_c751,
    };
    let start = Journal { stamp: Stamp::default(), position: Position::START, frame: 0 };
    [journal(1_781_560_800_000, 88_213, Position::DONE), journal(17, 9, -29_692_680), start]
}

#[test]
fn metadata_version_1() {
    let (sources, journals) = (sources(), journals());
    let lines = sources.iter().map(Source::write).chain(journals.iter().map(Journal::write));
    let stored = golden("metadata-v1.txt", &lines.map(|line| line + "\n").collect::<String>());
    let lines: Vec<&str> = stored.lines().collect();
    let (of_sources, of_journals) = lines.split_at(sources.len());
    let read: Vec<Option<Source>> = of_sources.iter().map(|line| Source::read(line)).collect();
    assert_eq!(read, sources.map(Some));
    let read: Vec<Option<Journal>> = of_journals.iter().map(|line| Journal::read(line)).collect();
    assert_eq!(read, journals.map(Some));
    assert_eq!(Source::stamp(lines[0]), Some(source().stamp));
    assert_eq!(Journal::stamp(lines[0]), None);
}

#[test]
fn what_cannot_be_counted_on_is_not_read() {
    let sound = source();
    let run = |first, last| vec![Run { first: EventTime(first), last: EventTime(last) }];
    for source in [
        Source { stamp: Stamp { incarnation: i64::MAX, sequence: 0 }, ..sound.clone() },
        Source { stamp: Stamp { incarnation: 0, sequence: u64::MAX }, ..sound.clone() },
        Source { newest: Some(i64::MAX), ..sound.clone() },
        Source { told: Some(i64::MIN), ..sound.clone() },
        Source { consumed: u64::MAX, ..sound.clone() },
        Source { rejected: u64::MAX, ..sound.clone() },
        Source { skipped: u64::MAX, ..sound.clone() },
        Source { row: u64::MAX, ..sound.clone() },
        Source { lost: Lost { offsets: u64::MAX, to: 0 }, ..sound.clone() },
        Source { last: Some(Last { offset: -1, print: 0 }), ..sound.clone() },
        Source { runs: run(0, i64::MAX), ..sound },
        Source { runs: run(1, 0), ..sound },
    ] {
        assert_eq!(Source::read(&source.write()), None);
    }
    assert!(Source::read(&Source { tick: Some(i64::MIN), ..sound }.write()).is_some());
    for text in [
        "",
        "i1 1 2",
        "s1 1 2 9 0 done",
        "s1 1 2 9 0 done 0 more",
        "s1 1 2 -2 0 done 0",
        "s1 1 2 9 -1 done 0",
    ] {
        assert_eq!((Source::read(text), Journal::read(text)), (None, None), "{text}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(
        which in 0_usize..9, text in "[-0-9a-z: ]{0,60}", at in any::<prop::sample::Index>(), len in 0_usize..9
    ) {
        let all: Vec<String> =
            sources().iter().map(Source::write).chain(journals().iter().map(Journal::write)).collect();
        // A stretch of what is sound is replaced, or nothing is.
        let sound = all.get(which).map_or("", String::as_str);
        let at = at.index(sound.len() + 1);
        let [before, after] = [sound.get(..at), sound.get(at + len..)].map(Option::unwrap_or_default);
        let changed = [before, &text, after].concat();
        if let Some(source) = Source::read(&changed) {
            prop_assert_eq!(Source::read(&source.write()), Some(source));
        }
        if let Some(journal) = Journal::read(&changed) {
            prop_assert_eq!(Journal::read(&journal.write()), Some(journal));
        }
    }
}
