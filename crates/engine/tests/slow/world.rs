//! Random small worlds: a plan with every operator, and journals in which sources lag, die and come back.

use std::sync::Arc;

use model::plan::{Operator, Plan};
use model::source::{Field, Source};
use model::time::{HOUR, MINUTE};

use super::draft::Journal;
use super::journal::{Entry, Happening, Held};

/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators").
#[derive(Clone, Debug)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to below `end`.
    pub(crate) fn below(&mut self, end: i64) -> i64 {
        i64::try_from(self.next() % u64::try_from(end).unwrap()).unwrap()
    }

    pub(crate) fn one_in(&mut self, count: i64) -> bool {
        self.below(count) == 0
    }

    fn one_of<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        let count = i64::try_from(all.len()).unwrap();
        (count > 0).then(|| &all[usize::try_from(self.below(count)).unwrap()])
    }

    pub(crate) fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        *self.one_of(all).unwrap()
    }
}

/// All times of a world are multiples of this. What spans go by (`model::mark`) is cut into steps that are, too.
pub(crate) const GRID: i64 = 5 * MINUTE;

const SOURCES: [Source; 7] = [
    Source::Login,
    Source::Support,
    Source::Feedback,
    Source::Subscription,
    Source::Account,
    Source::Milestone,
    Source::Command,
];

const ONE: i64 = 1_000_000;

/// The `sources:` block of a world in which rules of sources do not change.
const STEADY: &str = "
  login: { max_skew: 5m, silent_at_most: 2h, stale_after: 3h, dedup: 4h }
  feedback: { max_skew: 5m, silent_at_most: 6h, stale_after: 3h, dedup: 4h }
  support: { max_skew: 5m, stale_after: 3h, dedup: 4h }
  subscription: { max_skew: 5m, stale_after: 3h, dedup: 4h }
  account: { max_skew: 5m, stale_after: 3h, dedup: 4h }
  milestone: { max_skew: 5m, stale_after: 3h, dedup: 4h }
  command: { max_skew: 5m, stale_after: 3h, dedup: 4h }";

/// Any `sources:` block whose spans lie on the grid.
fn any_sources(dice: &mut Dice) -> String {
    let mut text = String::new();
    for source in SOURCES {
        let silent = dice.pick(&[
            "",
            "",
            "silent_at_most: 5m, ",
            "silent_at_most: 1h, ",
            "silent_at_most: 2h, ",
            "silent_at_most: 6h, ",
        ]);
        let (delay, skew) =
            (dice.pick(&["0m", "5m", "5m", "5m", "15m", "2h"]), dice.pick(&["5m", "5m", "5m", "30m"]));
        let (stale, dedup) = (dice.pick(&["1h", "3h", "20h"]), dice.pick(&["1h", "4h", "30h"]));
        let name = source.name();
        text += &format!(
            "\n  {name}: {{ {silent}max_delay: {delay}, max_skew: {skew}, stale_after: {stale}, dedup: {dedup} }}"
        );
    }
    text
}

/// What is written of each of these rules about those that inhibit it: some of those before it in an order that is not
/// theirs.
fn any_inhibition(names: [&str; 5], dice: &mut Dice) -> [String; 5] {
    let mut order: Vec<usize> = (0..names.len()).collect();
    order.sort_by_cached_key(|_| dice.below(1_000));
    let mut texts: [String; 5] = Default::default();
    for (place, rule) in order.iter().enumerate() {
        let by: Vec<&str> =
            order[..place].iter().filter(|_| dice.one_in(4)).map(|other| names[*other]).collect();
        if !by.is_empty() {
            texts[*rule] = format!(", inhibited_by: [{}]", by.join(", "));
        }
    }
    texts
}

/// The text of a model: every operator, rules of every sort, a cap. Version 1 and 2 have most signals and
/// some rules in common. No two of different numbers are the same.
fn text(version: u8, number: usize, sources: &str, dice: &mut Dice) -> String {
    let v = i64::from(version);
    let (half, recent, forgotten, usual) = (v, 2 + v, 2 + 3 * v, 4 * (2 + v));
    // What feeds the benchmark is another source in the second.
    let behind = if version == 1 { "csat" } else { "open" };
    let few = if version == 1 { "few-seats" } else { "fewer-seats" };
    let (busy, trend, strain, urgent, promoted) = (12 + 12 * v, 2 + v, v, 2 + v, 8 + 4 * v);
    let names = ["silent", "at-risk", "strain", "unhappy", few];
    let [silent_by, risk_by, strain_by, unhappy_by, few_by] = any_inhibition(names, dice);
    format!(
        "
format: 1
model: world-{number}
owner: ops@example.com
score:
  bands: {{ healthy: 70, neutral: 45, at-risk: 0 }}
  min_coverage: 50%
  not_scored: {{ stage: [trial], segment: [internal] }}
sources:{sources}
signals:
  logins: {{ count: login, over: 6h }}
  users: {{ distinct: user, from: login, over: 3d }}
  busy: {{ count: login, over: {busy}h }}
  days: {{ count_days: login, over: 4d }}
  share: {{ ratio: users, to: logins, min_base: 2 }}
  some: {{ count: login, over: {trend}h }}
  course: {{ trend: some, against: previous }}
  crowd: {{ distinct: user, from: login, over: {trend}h }}
  usual: {{ trend: some, against: own-average, over: {usual}h }}
  usual_days: {{ trend: three_days, against: own-average, over: 6d }}
  usual_crowd: {{ trend: crowd, against: own-average, over: {usual}h }}
  three_days: {{ count_days: login, over: 3d }}
  quiet: {{ since_last: login }}
  csat: {{ mean: score, from: feedback, where: {{ kind: csat }}, over: 8h, min_base: 2 }}
  lately: {{ mean: score, from: feedback, half_life: {half}d, over: {recent}d, min_base: 2 }}
  nps: {{ nps: feedback, over: {promoted}h, min_base: 2 }}
  pulse: {{ latest: score, from: feedback, where: {{ kind: csat }}, expires: {forgotten}h }}
  open: {{ open: support, where: {{ priority: [high] }} }}
  again: {{ share: {{ kind: reopened }}, among: {{ kind: [solved, closed] }}, from: support, over: 9h, min_base: 2 }}
  urgent: {{ share: {{ priority: high }}, among: {{}}, from: support, over: {urgent}d }}
  reviewed: {{ cadence: support, where: {{ kind: [solved, closed] }}, every: {strain}h }}
  seats: {{ sum: seats, from: subscription, over: 30h }}
  renewal: {{ until: renews_at, from: subscription }}
  reached: {{ reached: milestone }}
  overdue: {{ overdue: milestone }}
  behind: {{ gap_to: best }}
outcomes: {{ good: {{ subscription: {{ kind: renewed }} }} }}
benchmarks:
  best: {{ cohort: {{ outcome: good, within: 90d }}, by: segment, value: median, signals: [logins, {behind}], refresh: 7d, min_accounts: 3 }}
goals:
  use:
    statement: They use it.
    owner: csm
    weight: 45
    measures:
      logins: {{ kind: leading, weight: 30, curve: {{ 0: 0, 3: 50, 10: 100 }} }}
      busy: {{ kind: leading, weight: 20, curve: {{ 0: 0, 12: 100 }} }}
      days: {{ kind: leading, weight: 5, curve: {{ 0: 0, 3: 100 }} }}
      share: {{ kind: leading, weight: 10, curve: {{ 0%: 0, 100%: 100 }} }}
      course: {{ kind: leading, weight: 10, curve: {{ 0%: 0, 150%: 100 }} }}
      usual: {{ kind: leading, weight: 10, curve: {{ 0%: 0, 150%: 100 }} }}
      usual_days: {{ kind: leading, weight: 5, curve: {{ 0%: 0, 150%: 100 }} }}
      usual_crowd: {{ kind: leading, weight: 10, curve: {{ 0%: 0, 150%: 100 }} }}
      quiet: {{ kind: leading, weight: 25, curve: {{ 0h: 100, 28h: 0 }} }}
  help:
    statement: They are helped.
    owner: csm
    weight: 30
    measures:
      csat: {{ kind: quality, weight: 1, curve: {{ 0: 0, 5: 100 }} }}
      lately: {{ kind: quality, weight: 2, curve: {{ 0: 0, 9: 100 }} }}
      nps: {{ kind: lagging, in_score: true, weight: 2, curve: {{ -100: 0, 100: 100 }} }}
      pulse: {{ kind: leading, weight: 2, curve: {{ 0: 0, 5: 100 }} }}
      open: {{ kind: leading, weight: 4, curve: {{ 0: 100, 4: 0 }} }}
      reviewed: {{ kind: activity, weight: 1, curve: {{ 0h: 100, 28h: 0 }} }}
      behind: {{ kind: leading, weight: 1, curve: {{ 0%: 100, 60%: 0 }} }}
      again: {{ kind: quality, weight: 2, curve: {{ 0%: 100, 100%: 0 }} }}
      urgent: {{ kind: quality, weight: 1, curve: {{ 0%: 100, 100%: 0 }} }}
  money:
    statement: They stay.
    owner: csm
    weight: 25
    measures:
      seats: {{ kind: leading, weight: 3, curve: {{ 0: 0, 30: 100 }} }}
      renewal: {{ kind: leading, weight: 1, curve: {{ 0h: 0, 28h: 100 }} }}
      reached: {{ kind: leading, weight: 2, curve: {{ 0%: 0, 100%: 100 }} }}
      overdue: {{ kind: lagging, weight: 2, curve: {{ 0: 100, 2: 0 }} }}
caps:
  - {{ name: gone-quiet, when: {{ quiet: {{ at_least: 1h }} }}, score_at_most: 44 }}
alerts:
  silent: {{ when: {{ quiet: {{ at_least: 1h }} }}, for: 1h, keep_firing_for: 30m, cooldown: 3h, notify: csm{silent_by} }}
  at-risk:
    {{ when: {{ score: {{ below: 45 }} }}, clears_when: {{ score: {{ at_least: 55 }} }}, for: 2h, lag_at_most: 6h,
      notify: csm{risk_by} }}
  strain:
    {{ when: {{ quiet: {{ at_least: 15m }}, open: {{ above: 0 }} }}, for: {strain}h, cooldown: 1h, notify: csm{strain_by} }}
  unhappy:
    {{ when: {{ any: [ {{ pulse: {{ below: 3 }} }}, {{ overdue: {{ above: 0 }} }}, {{ behind: {{ above: 9% }} }} ] }}, if_unknown: proceed,
      critical_when: {{ score: {{ below: 45 }} }}, keep_firing_for: 2h, notify: csm{unhappy_by} }}
  {few}:
    {{ when: {{ segment: enterprise, seats: {{ below: 20 }} }}, critical_when: {{ quiet: {{ at_least: 5h }} }},
      notify: csm{few_by} }}
"
    )
}

/// The model of a text; all its times lie on the grid.
fn plan(text: &str) -> Arc<Plan> {
    let plan = model::compile(text).unwrap().plan;
    for signal in &plan.signals {
        if let Operator::SinceLast { marks, .. }
        | Operator::Cadence { marks, .. }
        | Operator::Until { marks, .. } = &signal.operator
        {
            assert!(marks.iter().all(|mark| mark % GRID == 0), "{} {marks:?}", signal.name);
        }
    }
    Arc::new(plan)
}

/// Whether later models change how sources behave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sources {
    Steady,
    Changing,
}

/// A journal of a world, and the texts of its models in their order.
pub(crate) struct World {
    pub(crate) journal: Journal,
    pub(crate) texts: Vec<String>,
}

/// A world of so many entries. Activities keep the delays of a world in which they do not change. Most worlds have later
/// models.
pub(crate) fn world(seed: u64, accounts: &[String], entries: usize, rules: Sources) -> World {
    let mut dice = Dice(seed);
    let changing = rules == Sources::Changing;
    let sources = |dice: &mut Dice| {
        if changing && !dice.one_in(3) { any_sources(dice) } else { STEADY.into() }
    };
    // Dice of its own: what happens in a world does not hang on it.
    let mut inhibition = Dice(!seed);
    let mut texts = vec![text(1, 1, &sources(&mut dice), &mut inhibition)];
    let mut journal = Journal::of(&plan(&texts[0]));
    let mut now = 100 * HOUR;
    let later: Vec<usize> = if changing {
        (0..dice.below(4)).map(|_| 20 + usize::try_from(dice.below(120)).unwrap()).collect()
    } else {
        dice.one_in(2).then_some(entries / 2).into_iter().collect()
    };
    // The time of one source may come to a halt for a while.
    let mut stalled = None;
    let mut sent: Vec<Happening> = Vec::new();
    let mut told = [i64::MIN; model::source::SOURCES];
    while journal.fold.entries.len() < entries {
        if later.contains(&journal.fold.entries.len()) {
            let version = if changing { dice.pick(&[1, 2]) } else { 2 };
            texts.push(text(version, texts.len() + 1, &sources(&mut dice), &mut inhibition));
            journal.model(&plan(&texts[texts.len() - 1]));
        }
        if dice.one_in(3) {
            now += dice.below(12) * GRID;
            now += if dice.one_in(20) { dice.below(40) * HOUR } else { 0 };
            let lags = if dice.one_in(4) { Some(dice.pick(&SOURCES)) } else { None };
            if changing && dice.one_in(6) {
                stalled = dice.one_in(2).then(|| dice.pick(&SOURCES));
            }
            let moving =
                SOURCES.into_iter().filter(|source| Some(*source) != lags && Some(*source) != stalled);
            let mut marks: Vec<(Source, i64)> = moving.map(|source| (source, now - 5 * MINUTE)).collect();
            // What happens there meanwhile is told.
            let stands =
                stalled.filter(|source| changing && told[source.index()] > i64::MIN && Some(*source) != lags);
            marks.extend(stands.map(|source| (source, told[source.index()])));
            for (source, watermark) in &marks {
                told[source.index()] = *watermark;
            }
            journal.watermarks(&marks);
        } else if let Some(again) = dice.one_in(12).then(|| dice.one_of(&sent)).flatten() {
            // Beyond the horizon of `dedup` it would be an activity that breaks max delay.
            if again.time >= now - 3 * HOUR {
                let offset = i64::try_from(journal.fold.entries.len()).unwrap();
                journal.fold.push(offset, 0, Entry::Activity(Happening { offset, ..again.clone() }));
                journal.skip();
            }
        } else {
            let source = dice.pick(&[&SOURCES[..], &[Source::Login; 3], &[Source::Feedback]].concat());
            let least = told[source.index()].max(now - 3 * HOUR);
            let time = least + dice.below((now + GRID - least) / GRID + 1) * GRID;
            let account = dice.one_of(accounts).unwrap();
            let fields = fields(&mut dice, source, now);
            journal.happens(source, account, time, &fields);
            if let Some(Entry::Activity(one)) = journal.fold.entries.last().map(|one| &one.what) {
                sent.push(one.clone());
            }
        }
    }
    World { journal, texts }
}

fn fields(dice: &mut Dice, source: Source, now: i64) -> Vec<(Field, Held)> {
    let word = |field, word: &str| (field, Held::Word(word.into()));
    let key = |field, key: i64| (field, Held::Key(u64::try_from(key).unwrap()));
    match source {
        Source::Support => {
            let kinds = ["opened", "opened", "reopened", "solved", "closed", "replied", "priority-changed"];
            vec![
                key(Field::Ticket, dice.below(3)),
                word(Field::Kind, dice.pick(&kinds)),
                word(Field::Priority, dice.pick(&["high", "high", "low"])),
            ]
        }
        Source::Feedback => {
            // An 11 is no answer.
            let (kind, most) = dice.pick(&[("csat", 6), ("csat", 6), ("nps", 12), ("nps", 12)]);
            vec![word(Field::Kind, kind), (Field::Score, Held::Number(dice.below(most) * ONE))]
        }
        Source::Subscription => {
            let renews_at = now + (dice.below(60) - 10) * HOUR;
            vec![(Field::Seats, Held::Number(dice.below(20) * ONE)), (Field::RenewsAt, Held::Time(renews_at))]
        }
        Source::Account => {
            let stage = dice.pick(&["adoption", "adoption", "trial"]);
            let mut fields =
                vec![word(Field::Segment, dice.pick(&["enterprise", "enterprise", "small", "internal"]))];
            fields.push(word(Field::Stage, stage));
            fields.push(word(Field::State, if dice.one_in(20) { "closed" } else { "active" }));
            fields
        }
        Source::Milestone => {
            let due_at = (Field::DueAt, Held::Time(now + (dice.below(30) - 5) * HOUR));
            let kinds = ["planned", "planned", "reached", "verified", "dropped"];
            vec![key(Field::Milestone, dice.below(3)), word(Field::Kind, dice.pick(&kinds)), due_at]
        }
        Source::Command => {
            let kinds = ["override", "override", "override", "override", "clear-override", "snooze"];
            let expires_at = (Field::ExpiresAt, Held::Time(now + (dice.below(40) - 2) * HOUR));
            let author = dice.pick(&["ada", "bob"]);
            let mut fields = vec![word(Field::Kind, dice.pick(&kinds)), word(Field::Author, author)];
            fields.extend([word(Field::Reason, "they called"), expires_at]);
            // Not all are whole hundredths of a point; not all bands are in the model.
            fields.push(if dice.one_in(2) {
                (Field::Score, Held::Number(dice.below(101) * ONE - dice.pick(&[0, 0, 4_999, 5_000, 5_001])))
            } else {
                word(Field::Band, dice.pick(&["healthy", "neutral", "at-risk", "elsewhere"]))
            });
            fields
        }
        Source::Login | Source::FeatureUsage | Source::CsmActivity => {
            vec![key(Field::User, dice.below(4)), word(Field::Kind, "signed-in")]
        }
    }
}
