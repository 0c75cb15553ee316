//! Random worlds: models, accounts, activities in any order, sources that die and return, partitions that lag.

use super::{Owned, Told, mark};
use engine::entry::{Latest, SourceMark, Watermarks};
use model::source::{Field, Source};
use model::time::{DAY, HOUR, MINUTE};

/// SplitMix64 (Steele, Lea, Flood 2014).
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, limit: i64) -> i64 {
        (self.next() % limit.unsigned_abs()).cast_signed()
    }

    pub fn one_in(&mut self, times: i64) -> bool {
        self.below(times) == 0
    }
}

pub const MODELS: [&str; 5] = [
    include_str!("models/hours.yaml"),
    include_str!("models/days.yaml"),
    include_str!("models/days2.yaml"),
    include_str!("models/hours2.yaml"),
    include_str!("models/hours3.yaml"),
];

const HOURS: [&str; 3] = [MODELS[0], MODELS[3], MODELS[4]];
const DAYS: [&str; 2] = [MODELS[1], MODELS[2]];

const SOURCES: [Source; 6] = [
    Source::Login,
    Source::FeatureUsage,
    Source::Support,
    Source::Milestone,
    Source::Subscription,
    Source::Command,
];

/// 2026-01-01T00:00:00Z.
pub const START: i64 = 1_767_225_600_000;

struct Lane {
    source: Source,
    partition: u32,
    offset: i64,
    /// How far behind the present its watermark is told.
    lag: i64,
    untold: Vec<(i64, i64)>,
    told: i64,
}

/// A model of whose sources each behaves as it may.
fn with_rules(text: &str, random: &mut Random) -> String {
    let (head, rest) = text.split_once("sources:\n").unwrap();
    let (_, signals) = rest.split_once("signals:\n").unwrap();
    let mut text = format!("{head}sources:\n");
    let spans: [(&str, &[&str]); 5] = [
        ("max_delay", &["0s", "90s", "5m", "40m", "3h", "1d"]),
        ("max_skew", &["1m", "10m", "2h"]),
        ("silent_at_most", &["10m", "1h", "2h", "9h", "20h", "3d"]),
        ("stale_after", &["30m", "6h", "2d"]),
        ("dedup", &["1h", "9h", "72h"]),
    ];
    for source in SOURCES {
        let mut rules = Vec::new();
        for (key, spans) in spans {
            // Without it a source never dies, which is the other half.
            if random.one_in(if key == "silent_at_most" { 2 } else { 3 }) {
                let span = spans[usize::try_from(random.below(i64::try_from(spans.len()).unwrap())).unwrap()];
                rules.push(format!("{key}: {span}"));
            }
        }
        text += &format!("  {}: {{ {} }}\n", source.name(), rules.join(", "));
    }
    format!("{text}signals:\n{signals}")
}

/// A journal of one entry a record, in which later models may change everything: signals, and how sources behave.
pub fn journal(seed: u64, entries: usize) -> Vec<Owned> {
    let random = &mut Random(seed);
    let hours = random.one_in(2);
    let (models, step) = if hours { (&HOURS[..], 4 * MINUTE) } else { (&DAYS[..], 3 * HOUR) };
    let mut last = models[0].to_owned();
    if random.one_in(2) {
        last = with_rules(&last, random);
    }
    let changes = random.below(4);
    let mut journal = vec![Owned::Model(last.clone())];
    let sources = SOURCES;
    let mut lanes = Vec::new();
    for source in sources {
        for partition in 0..1 + u32::try_from(random.below(2)).unwrap() {
            lanes.push(Lane { source, partition, offset: 0, lag: 0, untold: Vec::new(), told: i64::MIN });
        }
    }
    let mut now = START + random.below(DAY);
    let mut dead: Option<(Source, i64)> = None;
    let mut ids: Vec<Told> = Vec::new();
    while journal.len() < entries {
        now += random.below(step);
        if random.one_in(40) {
            now += random.below(20 * step);
        }
        if dead.is_none() && random.one_in(60) {
            let source = sources[usize::try_from(random.below(6)).unwrap()];
            dead = Some((source, now + random.below(60 * step)));
        }
        if dead.is_some_and(|(_, until)| now > until) {
            dead = None;
        }
        if changes > 0
            && journal.len() > entries / 4
            && random.one_in(i64::try_from(entries).unwrap() / (2 * changes))
        {
            let text = models[usize::try_from(random.below(i64::try_from(models.len()).unwrap())).unwrap()];
            // One in four leaves the sources as they are.
            let next = if random.one_in(4) { text.to_owned() } else { with_rules(text, random) };
            if next != last {
                journal.push(Owned::Model(next.clone()));
                last = next;
            }
        }
        if random.one_in(5) {
            if let Some(told) = marks(&mut lanes, now, random) {
                journal.push(told);
            }
            continue;
        }
        let place = usize::try_from(random.below(i64::try_from(lanes.len()).unwrap())).unwrap();
        let lane = &mut lanes[place];
        if dead.is_some_and(|(source, _)| source == lane.source) {
            continue;
        }
        lane.offset += 1 + random.below(3);
        // Within the greatest delay of the models; sometimes far beyond it, sometimes a little ahead.
        let mut time = now - random.below(4 * MINUTE);
        if random.one_in(50) {
            time -= random.below(200 * step);
        }
        if random.one_in(20) {
            time += random.below(MINUTE);
        }
        if random.one_in(30) && !ids.is_empty() {
            let old = &ids[usize::try_from(random.below(i64::try_from(ids.len()).unwrap())).unwrap()];
            if old.source == lane.source {
                journal.push(Owned::Activity(Told {
                    offset: lane.offset,
                    partition: lane.partition,
                    ..old.clone()
                }));
                continue;
            }
        }
        let told = activity(random, lane.source, lane.partition, lane.offset, time);
        lane.untold.push((time, time));
        ids.push(told.clone());
        journal.push(Owned::Activity(told));
    }
    journal
}

/// All accounts most of the time, else a turn of a few.
fn latest(random: &mut Random) -> Latest {
    let turns = 1 + u16::try_from(random.below(4)).unwrap();
    let turn = u16::try_from(random.below(i64::from(turns))).unwrap();
    if random.one_in(2) { Latest::All } else { Latest::Turn { turn, turns } }
}

fn marks(lanes: &mut [Lane], now: i64, random: &mut Random) -> Option<Owned> {
    let mut sources: Vec<SourceMark> = Vec::new();
    let counts: Vec<(Source, u32)> = lanes.iter().map(|lane| (lane.source, lane.partition + 1)).collect();
    for lane in lanes.iter_mut() {
        if random.one_in(30) {
            lane.lag = random.below(40) * 10 * MINUTE;
        }
        let watermark = now - 5 * MINUTE - lane.lag;
        if random.one_in(4) || watermark <= lane.told {
            continue;
        }
        lane.told = watermark;
        let runs = std::mem::take(&mut lane.untold);
        let count =
            counts.iter().filter(|(source, _)| *source == lane.source).map(|(_, n)| *n).max().unwrap();
        let mut one = mark(lane.source, count, &[(lane.partition, watermark, &runs)]);
        if random.one_in(20) {
            // Only counts and runs are told; the next one says how far time has come.
            one.partitions.iter_mut().for_each(|part| part.watermark = None);
        }
        match sources.iter_mut().find(|other| other.source == one.source) {
            Some(other) => other.partitions.extend(one.partitions),
            None => sources.push(one),
        }
    }
    sources.sort_by_key(|mark| mark.source);
    let latest = latest(random);
    (!sources.is_empty()).then_some(Owned::Watermarks(Watermarks { model: None, latest, sources }))
}

pub fn activity(random: &mut Random, source: Source, partition: u32, offset: i64, time: i64) -> Told {
    let pick = |random: &mut Random, words: &[&str]| {
        words[usize::try_from(random.below(i64::try_from(words.len()).unwrap())).unwrap()].to_owned()
    };
    let account = format!("account-{}", random.below(5));
    let mut fields = Vec::new();
    match source {
        Source::Login => {
            fields.push((Field::User, format!("user-{}", random.below(6))));
            fields.push((Field::Kind, pick(random, &["signed-in", "signed-in", "signed-out"])));
        }
        Source::FeatureUsage => {
            fields.push((Field::User, format!("user-{}", random.below(8))));
            fields.push((Field::Feature, pick(random, &["a", "b", "c", "d"])));
            fields.push((Field::Count, random.below(9).to_string()));
            if random.one_in(2) {
                fields.push((Field::Value, random.below(100).to_string()));
            }
        }
        Source::Support => {
            fields.push((Field::Ticket, format!("t{}", random.below(12))));
            fields.push((Field::Kind, pick(random, &["opened", "replied", "solved", "reopened", "closed"])));
            if random.one_in(2) {
                fields.push((Field::Priority, pick(random, &["high", "low"])));
            }
            if random.one_in(2) {
                fields.push((Field::Score, (random.below(12)).to_string()));
            }
        }
        Source::Milestone => {
            fields.push((Field::Milestone, format!("m{}", random.below(6))));
            let kind = pick(random, &["planned", "planned", "reached", "dropped"]);
            fields.push((Field::DueAt, (time + random.below(3 * DAY) - DAY / 4).to_string()));
            fields.push((Field::Kind, kind));
        }
        Source::Command => {
            let kind = pick(random, &["override", "override", "override", "clear-override", "acknowledge"]);
            fields.push((Field::Kind, kind));
            if random.one_in(2) {
                fields.push((Field::Score, random.below(101).to_string()));
            } else {
                fields.push((Field::Band, pick(random, &["healthy", "neutral", "at-risk", "elsewhere"])));
            }
            fields.push((Field::Author, pick(random, &["ada", "bob"])));
            fields.push((Field::Reason, "they called".to_owned()));
            fields.push((Field::ExpiresAt, (time + random.below(3 * DAY) - DAY / 4).to_string()));
        }
        _ => {
            fields.push((Field::Kind, "renewed".to_owned()));
            fields.push((Field::Seats, (1 + random.below(20)).to_string()));
            fields.push((Field::RenewsAt, (time + random.below(30 * DAY)).to_string()));
        }
    }
    Told { source, partition, offset, id: format!("{source}-{partition}-{offset}"), time, account, fields }
}

/// A journal in which much time passes between few activities, and in which sources lag.
pub fn sparse_journal(seed: u64) -> Vec<Owned> {
    let sources = SOURCES;
    let random = &mut Random(seed);
    let mut journal = vec![Owned::Model(MODELS[usize::from(random.one_in(2))].into())];
    let mut now = START;
    let mut told = [now; 6];
    for offset in 0..40 {
        let most = if random.one_in(4) { 5 * DAY } else { 6 * HOUR };
        now += random.below(most);
        let place = usize::try_from(random.below(6)).unwrap();
        let source = sources[place];
        let time = now - random.below(4 * MINUTE);
        let ahead = random.one_in(3);
        let one = activity(random, source, 0, offset, time);
        let mut marks = Vec::new();
        for (i, other) in sources.into_iter().enumerate() {
            let to = now - 5 * MINUTE - if random.one_in(3) { random.below(3 * HOUR) } else { 0 };
            if other != source && random.one_in(4) || to <= told[i] {
                continue;
            }
            told[i] = to;
            let runs = if other == source { &[(time, time)][..] } else { &[] };
            marks.push(mark(other, 1, &[(0, to, runs)]));
        }
        let marks = Owned::Watermarks(Watermarks { model: None, latest: latest(random), sources: marks });
        // In recorded time the advance stands before the activity that it comes with.
        let both = if ahead { [marks, Owned::Activity(one)] } else { [Owned::Activity(one), marks] };
        journal.extend(both);
    }
    journal
}
