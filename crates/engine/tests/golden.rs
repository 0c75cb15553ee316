//! Every stored form of a shard, pinned: the bytes in `tests/golden` are still read, and still written byte for byte.
//!
//! A file of a released version is never changed; a new version of a format gets a file of its own.
//! `UPDATE_GOLDEN=1` writes the files anew.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

mod world;

use engine::entry::{Latest, Lost, Position, SourceMark, Watermarks};
use engine::{Restoring, Shard, Step};
use model::plan::{Fold, ModelId, Operator};
use model::source::{Field, Source};
use model::time::{DAY, HOUR, MINUTE};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use world::random::START;
use world::{Lines, Owned, Told, mark};

/// A model with every operator of the language.
const EVERY: &str = include_str!("golden/every.yaml");

const ACCOUNTS: [&str; 4] = ["northwind", "acme", "süd-ost", "gone"];

const SOURCES: [Source; 8] = [
    Source::Login,
    Source::FeatureUsage,
    Source::Support,
    Source::CsmActivity,
    Source::Feedback,
    Source::Subscription,
    Source::Account,
    Source::Milestone,
];

/// Another model, in which some definitions are new.
fn other() -> String {
    EVERY
        .replace("model: every", "model: other")
        .replace(
            "users: { distinct: user, from: feature-usage, over: 24h }",
            "users: { distinct: user, from: feature-usage, over: 48h }",
        )
        .replace("over: 48h }\n  seats", "over: 96h }\n  seats")
        .replace(
            "  overdue: { when: { late: { at_least: 1 } }",
            "  too_late: { when: { late: { at_least: 1 } }",
        )
}

/// The bytes of a golden file, after they were found equal to `now` (or written).
#[allow(clippy::disallowed_methods, reason = "a test, whose files may be written anew")]
fn golden(name: &str, now: &[u8]) -> Vec<u8> {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests", "golden", name].iter().collect();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, now).unwrap();
    }
    let stored = std::fs::read(&path).unwrap_or_default();
    let shown = |bytes: &[u8]| bytes.escape_ascii().to_string();
    assert!(stored == now, "{name} differs\nstored: {}\nnow:    {}", shown(&stored), shown(now));
    stored
}

/// Activities of one account in one hour.
struct Hour<'a> {
    account: &'a str,
    /// Since the beginning.
    hour: i64,
    all: &'a mut Vec<Told>,
}

impl Hour<'_> {
    fn tell(&mut self, source: Source, minute: i64, fields: &[(Field, &str)]) {
        let offset = i64::try_from(self.all.len()).unwrap();
        self.all.push(Told {
            source,
            partition: u32::try_from(offset % 2).unwrap(),
            offset,
            id: format!("{source}-{offset}"),
            time: START + self.hour * HOUR + minute * MINUTE,
            account: self.account.to_owned(),
            fields: fields.iter().map(|(field, text)| (*field, (*text).to_owned())).collect(),
        });
    }
}

/// What account number `number` does in an hour.
fn live(number: i64, hour: &mut Hour<'_>) {
    let at = hour.hour;
    let user = format!("user-{}", (at + number) % (3 + number));
    if !(30..41).contains(&at) && (at + number) % 3 != 0 {
        let kind = if at % 7 == 0 { "signed-out" } else { "signed-in" };
        hour.tell(Source::Login, 7 * number, &[(Field::User, &user), (Field::Kind, kind)]);
    }
    if (at * 5 + number) % 4 < 2 {
        let (count, value) = ((at % 9).to_string(), (at * 7 % 100).to_string());
        let fields = [
            (Field::User, &*user),
            (Field::Feature, "export"),
            (Field::Count, &count),
            (Field::Value, &value),
        ];
        hour.tell(Source::FeatureUsage, 20 + number, &fields);
    }
    if at < 88 && at % 6 == number {
        let ticket = format!("ticket-{}", at / 12);
        let kind = ["opened", "solved", "reopened", "replied"][usize::try_from(at / 6 % 4).unwrap()];
        let priority = if at % 4 == 0 { "low" } else { "high" };
        hour.tell(
            Source::Support,
            33,
            &[(Field::Ticket, &ticket), (Field::Kind, kind), (Field::Priority, priority)],
        );
    }
    if at % 20 == 4 * number {
        hour.tell(Source::CsmActivity, 40, &[(Field::Kind, "qbr"), (Field::State, "held")]);
        let score = (at % 11).to_string();
        hour.tell(Source::Feedback, 41, &[(Field::Kind, "nps"), (Field::Score, &score)]);
        let (milestone, due) = (format!("milestone-{}", at / 20), (START + (at + 15) * HOUR).to_string());
        let kind = ["planned", "planned", "dropped", "planned"][usize::try_from(at / 20 % 4).unwrap()];
        let fields = [(Field::Milestone, &*milestone), (Field::Kind, kind), (Field::DueAt, &due)];
        hour.tell(Source::Milestone, 42, &fields);
        let fields = [(Field::Milestone, "milestone-0"), (Field::Kind, "reached")];
        hour.tell(Source::Milestone, 43, &fields[..if at > 50 { 2 } else { 1 }]);
    }
    if at == number {
        let renews = (START + 9 * DAY).to_string();
        let seats = [
            (Field::Kind, "renewed"),
            (Field::Seats, "12"),
            (Field::Mrr, "990.50"),
            (Field::Currency, "EUR"),
            (Field::RenewsAt, &renews),
        ];
        hour.tell(Source::Subscription, 1, &seats);
        let named = [
            (Field::Name, "A name"),
            (Field::Segment, "enterprise"),
            (Field::Stage, "onboarding"),
            (Field::Owner, "chris"),
            (Field::Team, "north"),
            (Field::State, "active"),
        ];
        hour.tell(Source::Account, 2, &named);
    }
    if at == 70 && number == 3 {
        hour.tell(Source::Account, 50, &[(Field::State, "closed")]);
    }
}

/// What the sources say at `minute`, with the activities since.
fn marks(minute: i64, told: &[Told]) -> Vec<SourceMark> {
    let now = START + minute * MINUTE;
    let of = |source: Source| {
        let one = |partition: u32| {
            let own = told.iter().filter(|told| (told.source, told.partition) == (source, partition));
            let runs: Vec<(i64, i64)> = own.map(|told| (told.time, told.time)).collect();
            let lag = if source == Source::Feedback { 3 * HOUR } else { 5 * MINUTE };
            let mut mark = mark(source, 2, &[(partition, now - lag, &runs)]).partitions.remove(0);
            mark.rejected = u64::try_from(minute / 600).unwrap();
            mark.skipped = u64::from(partition) * 1_000;
            mark.lost = Lost { offsets: u64::from(partition) * 6, to: 4_711 * i64::from(partition) };
            if source == Source::Milestone && partition == 1 && minute < 60 {
                mark.watermark = None;
            }
            mark
        };
        let mut runs = vec![one(0), one(1)];
        for mark in &mut runs {
            mark.runs.sort();
        }
        SourceMark { source, partition_count: 2, partitions: runs }
    };
    SOURCES.map(of).to_vec()
}

/// Four days in which a source dies and lives again, another dies, an account is closed, and towards the end of which
/// another model comes. The last entry takes three hours at once.
fn journal() -> Vec<Owned> {
    let (mut journal, mut all) = (vec![Owned::Model(EVERY.to_owned())], Vec::new());
    let advance = |journal: &mut Vec<Owned>, minute: i64, told: &[Told]| {
        let turn = u16::try_from(minute / 60 % 3).unwrap();
        let latest = if minute % 120 == 0 { Latest::All } else { Latest::Turn { turn, turns: 3 } };
        journal.push(Owned::Watermarks(Watermarks { model: None, latest, sources: marks(minute, told) }));
    };
    for hour in 0..96 {
        let first = all.len();
        for (number, account) in (0..).zip(ACCOUNTS) {
            live(number, &mut Hour { account, hour, all: &mut all });
        }
        journal.extend(all[first..].iter().cloned().map(Owned::Activity));
        if hour == 0 {
            // The same once more.
            journal.extend(all[first..].iter().take(2).cloned().map(Owned::Activity));
        }
        advance(&mut journal, 60 * (hour + 1), &all[first..]);
        if hour == 92 {
            journal.push(Owned::Model(other()));
            // One takes it up with an activity, the others as time goes on.
            let first = all.len();
            Hour { account: ACCOUNTS[1], hour, all: &mut all }.tell(
                Source::Login,
                59,
                &[(Field::Kind, "signed-in")],
            );
            journal.extend(all[first..].iter().cloned().map(Owned::Activity));
        }
    }
    journal
}

/// The advance after the other model has come.
fn switching(journal: &[Owned]) -> usize {
    let model = journal.iter().rposition(|entry| matches!(entry, Owned::Model(_))).unwrap();
    model + journal[model..].iter().position(|entry| matches!(entry, Owned::Watermarks(_))).unwrap()
}

fn text(id: ModelId) -> Option<String> {
    [EVERY.to_owned(), other()].into_iter().find(|text| model::compile(text).unwrap().plan.id == id)
}

/// Folds up to an entry, of which only the first `steps` of its advance are taken.
fn fold_to(journal: &[Owned], end: usize, steps: usize) -> (Shard, Lines) {
    let (mut shard, mut lines) = (Shard::new(), Lines::default());
    for (offset, entry) in (0..).zip(&journal[..end]) {
        world::fold(&mut shard, offset, &entry.entry(), &mut lines);
    }
    if steps > 0 {
        let at = Position { offset: i64::try_from(end).unwrap(), entry: 0, minute: i64::MIN };
        assert_eq!(shard.fold(at, &journal[end].entry(), &mut lines), Ok(Step::More));
        for _ in 1..steps {
            assert_eq!(shard.go_on(&mut lines), Step::More);
        }
    }
    (shard, lines)
}

fn go_on(shard: &mut Shard, journal: &[Owned]) -> Vec<String> {
    let mut lines = Lines::default();
    while shard.go_on(&mut lines) == Step::More {}
    let next = usize::try_from(shard.position().offset).unwrap() + 1;
    for (offset, entry) in (0..).zip(journal).skip(next) {
        world::fold(shard, offset, &entry.entry(), &mut lines);
    }
    lines.0
}

/// All that is stored of a shard, by name.
fn stored(shard: &Shard) -> BTreeMap<String, Vec<u8>> {
    let (mut marker, mut head) = (Vec::new(), Vec::new());
    shard.write_marker(&mut marker);
    shard.write_head(&mut head);
    let accounts = ACCOUNTS.iter().map(|id| ((*id).to_owned(), shard.account_bytes(id).unwrap()));
    accounts.chain([("marker".to_owned(), marker), ("head".to_owned(), head)]).collect()
}

fn restore(stored: &BTreeMap<String, Vec<u8>>) -> Shard {
    let marker = &stored["marker"];
    let texts: Vec<String> =
        Restoring::models(marker).unwrap().into_iter().map(|id| text(id).unwrap()).collect();
    let texts: BTreeMap<ModelId, String> =
        texts.into_iter().map(|text| (model::compile(&text).unwrap().plan.id, text)).collect();
    let mut restoring = Restoring::new(marker, |id| texts.get(&id).map(String::as_str)).unwrap();
    for id in ACCOUNTS {
        restoring.add(&stored[id]).unwrap();
    }
    let mut shard = restoring.finish();
    shard.read_head(&stored["head"]).unwrap();
    shard
}

/// Pins what is stored of a shard, and that a shard made of the files goes on as this one does.
fn is_pinned(mut shard: Shard, journal: &[Owned], names: &[(&str, &str)]) {
    let mut stored_now = stored(&shard);
    for (what, file) in names {
        let bytes = golden(file, &stored_now[*what]);
        stored_now.insert((*what).to_owned(), bytes);
    }
    let mut restored = restore(&stored_now);
    assert_eq!(stored(&restored), stored_now, "what was read is written as it was");
    assert_eq!(go_on(&mut restored, journal), go_on(&mut shard, journal));
    // Of accounts, what has left every window may stand in one and not in the other.
    let [of_restored, of_shard] = [&restored, &shard].map(|shard| {
        let stored = stored(shard);
        (stored["marker"].clone(), stored["head"].clone())
    });
    assert_eq!(of_restored, of_shard);
}

#[test]
fn state_version_1() {
    let journal = journal();
    let end = switching(&journal);
    let (shard, lines) = fold_to(&journal, end, 1);
    assert_eq!(shard.models().count(), 2, "a switch is under way");
    assert_ne!(shard.position().minute, Position::DONE);
    for what in [
        "alert quiet #1 fired",
        "alert busy #1 fired",
        "alert overdue",
        "resolved recovered",
        "closed gone",
        "out [",
    ] {
        assert!(lines.0.iter().any(|line| line.contains(what)), "{what}");
    }
    let latest = lines.0.iter().rfind(|line| line.contains("latest") && line.contains("northwind"));
    assert!(latest.is_some_and(|line| !line.contains("open []")), "{latest:?}");
    is_pinned(
        shard,
        &journal,
        &[
            ("marker", "marker-v1.bin"),
            ("head", "head-v1.bin"),
            ("northwind", "account-v1.bin"),
            ("acme", "account-v1-switched.bin"),
            ("gone", "account-v1-closed.bin"),
        ],
    );
}

#[test]
fn marker_of_a_shard_that_has_dropped_a_model() {
    let journal = journal();
    let (shard, _) = fold_to(&journal, journal.len() - 1, 0);
    assert_eq!(shard.models().count(), 1);
    is_pinned(shard, &journal, &[("marker", "marker-v2-dropped.bin")]);
}

#[test]
fn marker_of_a_shard_that_has_folded_nothing() {
    let mut marker = Vec::new();
    Shard::new().write_marker(&mut marker);
    let stored = golden("marker-v1-empty.bin", &marker);
    let mut again = Vec::new();
    Restoring::new(&stored, |_| None).unwrap().finish().write_marker(&mut again);
    assert_eq!(again, stored);
}

#[test]
fn the_model_of_the_files_has_every_operator() {
    let fold = |fold: &Fold| match fold {
        Fold::Count => "count",
        Fold::CountDays => "count_days",
        Fold::Sum(_) => "sum",
        Fold::Mean(_) => "mean",
        Fold::Nps => "nps",
        Fold::Distinct(_) => "distinct",
    };
    let name = |operator: &Operator| match operator {
        Operator::Rolling { fold: of, min_base, .. } => format!("{} {}", fold(of), min_base > &0),
        Operator::Trend { fold: of, .. } => format!("trend {}", fold(of)),
        Operator::OwnAverage { fold: of, .. } => format!("average {}", fold(of)),
        Operator::DecayedMean { .. } => "decayed".to_owned(),
        Operator::Share { .. } => "share".to_owned(),
        Operator::Latest { .. } => "latest".to_owned(),
        Operator::Ratio { .. } => "ratio".to_owned(),
        Operator::SinceLast { .. } => "since_last".to_owned(),
        Operator::Cadence { .. } => "cadence".to_owned(),
        Operator::Open { .. } => "open".to_owned(),
        Operator::Until { .. } => "until".to_owned(),
        Operator::Reached => "reached".to_owned(),
        Operator::Overdue => "overdue".to_owned(),
        Operator::GapTo => "gap_to".to_owned(),
    };
    let plan = model::compile(EVERY).unwrap().plan;
    let names: BTreeSet<String> = plan.signals.iter().map(|signal| name(&signal.operator)).collect();
    // All but gaps, of which nothing is stored.
    let all = [
        "average count",
        "average distinct",
        "average sum",
        "cadence",
        "count false",
        "count_days false",
        "decayed",
        "distinct false",
        "distinct true",
        "latest",
        "mean false",
        "nps false",
        "open",
        "overdue",
        "ratio",
        "reached",
        "share",
        "since_last",
        "sum false",
        "trend count",
        "trend count_days",
        "trend distinct",
        "until",
    ];
    assert!(names.iter().map(String::as_str).eq(all), "{names:?}");
}
