//! Does the default year tell what its stories promise, the same way each time?

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use sample::{Record, Settings, StoryKind, company, outage, stories};
use serde_json::Value;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// What a test needs of a good record.
struct Told {
    topic: &'static str,
    id: String,
    account: String,
    kind: Option<String>,
    at_ms: i64,
    appended_ms: i64,
    bytes: Vec<u8>,
}

struct Year {
    good: Vec<Told>,
    bad: Vec<Record>,
}

static YEAR: LazyLock<Year> = LazyLock::new(|| {
    let mut year = Year { good: Vec::new(), bad: Vec::new() };
    for record in company(&Settings::default()) {
        match read(&record) {
            Some(told) => year.good.push(told),
            None => year.bad.push(record),
        }
    }
    year
});

/// The record as a consumer with a skew limit of a minute reads it; `None` where it must be rejected.
fn read(record: &Record) -> Option<Told> {
    let value: Value = serde_json::from_slice(&record.value).ok()?;
    let at_ms = instant(value.get("time")?.as_str()?)?;
    (at_ms <= record.time_ms + MINUTE_MS).then_some(())?;
    Some(Told {
        topic: record.topic,
        id: value.get("id")?.as_str()?.to_owned(),
        account: value.get("account")?.as_str()?.to_owned(),
        kind: value.get("kind").and_then(Value::as_str).map(str::to_owned),
        at_ms,
        appended_ms: record.time_ms,
        bytes: record.value.clone(),
    })
}

/// RFC 3339 to Unix milliseconds, counting days the slow way.
fn instant(text: &str) -> Option<i64> {
    let number = |range: std::ops::Range<usize>| text.get(range)?.parse::<i64>().ok();
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let mut days: i64 = (1970..year).map(|year| if leap(year) { 366 } else { 365 }).sum();
    let months = [31, if leap(year) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    days += months[..usize::try_from(month - 1).ok()?].iter().sum::<i64>() + day - 1;
    let seconds = number(11..13)? * 3600 + number(14..16)? * 60 + number(17..19)?;
    Some(days * DAY_MS + seconds * 1000 + number(20..23)?)
}

/// FNV-1a over all that a record is.
fn fingerprint(records: impl Iterator<Item = Record>) -> u64 {
    records.fold(0xcbf2_9ce4_8422_2325, |hash, record| {
        let time = record.time_ms.to_le_bytes();
        let bytes = record.topic.bytes().chain(record.key.bytes()).chain(record.value).chain(time);
        bytes.fold(hash, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    })
}

fn of_kind(kind: StoryKind) -> BTreeMap<String, i64> {
    let stories = stories(&Settings::default()).into_iter().filter(|story| story.kind == kind);
    stories.map(|story| (story.account, story.turns_at_ms.unwrap_or_default())).collect()
}

fn is_use(told: &Told) -> bool {
    matches!(told.topic, "vitals.login" | "vitals.feature-usage")
}

#[test]
fn the_year_is_the_same_for_ever() {
    assert_eq!(
        fingerprint(company(&Settings::default())),
        0xbf68_b979_b43d_82e7,
        "the bytes of the demo have changed"
    );
}

#[test]
fn another_seed_is_another_year() {
    let small = |seed| Settings { seed, accounts: 20, days: 60, ..Settings::default() };
    assert_eq!(fingerprint(company(&small(1))), fingerprint(company(&small(1))));
    assert_ne!(fingerprint(company(&small(1))), fingerprint(company(&small(2))));
}

#[test]
fn more_accounts_leave_the_others_as_they_are() {
    let of = |accounts| -> BTreeSet<Vec<u8>> {
        let settings = Settings { accounts, days: 30, ..Settings::default() };
        company(&settings).map(|record| record.value).collect()
    };
    assert!(of(10).is_subset(&of(15)));
}

#[test]
fn the_smallest_companies_have_a_record_too() {
    for (accounts, days, expected) in
        [(0, 0, 0), (1, 0, 0), (0, 30, 0), (1, 1, 1), (8, 3, 50), (40, 90, 10_000)]
    {
        let settings = Settings { accounts, days, ..Settings::default() };
        let records = company(&settings).filter(|record| !record.key.starts_with("bad-")).count();
        assert!(records >= expected, "{accounts} accounts, {days} days: {records}");
        assert_eq!(stories(&settings).len(), usize::try_from(accounts).unwrap());
    }
}

#[test]
fn the_year_is_neither_short_nor_long() {
    let records = YEAR.good.len() + YEAR.bad.len();
    assert!((300_000..500_000).contains(&records), "{records}");
}

#[test]
fn all_nine_topics_have_records() {
    let topics: BTreeSet<&str> = YEAR.good.iter().map(|told| told.topic).collect();
    let expected = [
        "vitals.account",
        "vitals.command",
        "vitals.csm-activity",
        "vitals.feature-usage",
        "vitals.feedback",
        "vitals.login",
        "vitals.milestone",
        "vitals.subscription",
        "vitals.support",
    ];
    assert_eq!(topics, BTreeSet::from(expected));
}

#[test]
fn records_come_in_the_order_of_their_append_times() {
    let settings = Settings::default();
    let times: Vec<i64> = company(&settings).map(|record| record.time_ms).collect();
    assert!(times.is_sorted());
    assert!(times[0] >= settings.start_ms && times[times.len() - 1] < settings.end_ms());
}

#[test]
fn no_activity_is_appended_before_it_happened_or_long_after() {
    let mut delivered = BTreeSet::new();
    for told in YEAR.good.iter().filter(|told| delivered.insert(&told.id)) {
        let limit = if told.topic == "vitals.csm-activity" { 2 * DAY_MS } else { 4 * MINUTE_MS };
        let delay = told.appended_ms - told.at_ms;
        assert!((0..=limit).contains(&delay), "{} {delay}", told.id);
    }
}

#[test]
fn one_record_in_a_thousand_is_delivered_twice_byte_for_byte() {
    let mut first: BTreeMap<&str, &Told> = BTreeMap::new();
    let mut again = 0;
    for told in &YEAR.good {
        if let Some(first) = first.insert(&told.id, told) {
            again += 1;
            assert!(first.bytes == told.bytes && first.topic == told.topic, "{}", told.id);
            assert!(told.appended_ms - first.appended_ms <= 10 * MINUTE_MS, "{}", told.id);
        }
    }
    assert!((300..600).contains(&again), "{again}");
}

#[test]
fn some_forty_records_are_bad_each_in_its_way() {
    let bad = &YEAR.bad;
    assert!((39..=41).contains(&bad.len()), "{}", bad.len());
    let parses = |record: &&Record| serde_json::from_slice::<Value>(&record.value).is_ok();
    assert!(bad.iter().filter(parses).count() > 5, "some are JSON");
    assert!(bad.iter().filter(|record| !parses(record)).count() > 5, "some are not");
    assert!(bad.iter().any(|record| std::str::from_utf8(&record.value).is_err()), "one is not even text");
}

#[test]
fn the_dead_source_has_no_record_in_its_outage_and_none_of_it_later() {
    let dead = outage(&Settings::default());
    assert_eq!(dead.until_ms - dead.from_ms, 2 * DAY_MS);
    let within = |ms: i64| (dead.from_ms..dead.until_ms).contains(&ms);
    let of_source = YEAR.good.iter().filter(|told| told.topic == dead.topic);
    assert!(of_source.clone().all(|told| !within(told.at_ms) && !within(told.appended_ms)));
    let day_before = of_source.filter(|told| within(told.at_ms + 7 * DAY_MS)).count();
    assert!(day_before > 1000, "{day_before}");
    assert!(YEAR.good.iter().any(|told| told.topic == "vitals.login" && within(told.at_ms)));
}

#[test]
fn the_product_is_used_around_the_clock() {
    let dead = outage(&Settings::default());
    for topic in ["vitals.login", "vitals.feature-usage"] {
        let mut times: Vec<i64> =
            YEAR.good.iter().filter(|told| told.topic == topic).map(|told| told.at_ms).collect();
        times.sort_unstable();
        let live = |pair: &&[i64]| pair[1] < dead.from_ms || pair[0] >= dead.until_ms;
        let gap = times.windows(2).filter(live).map(|pair| pair[1] - pair[0]).max().unwrap();
        assert!(gap < 8 * HOUR_MS, "{topic} {gap}");
    }
}

#[test]
fn quiet_accounts_are_used_until_their_day_and_never_after() {
    let quiet = of_kind(StoryKind::Quiet);
    let mut last: BTreeMap<&str, i64> = BTreeMap::new();
    for told in YEAR.good.iter().filter(|told| is_use(told) && quiet.contains_key(&told.account)) {
        let latest = last.entry(&told.account).or_default();
        *latest = told.at_ms.max(*latest);
    }
    assert_eq!(last.len(), quiet.len());
    for (account, from) in &quiet {
        let silence = from - last[account.as_str()];
        assert!((0..5 * DAY_MS).contains(&silence), "{account} {silence}");
    }
}

#[test]
fn fading_accounts_lose_most_of_their_use_and_rescued_ones_get_it_back() {
    let settings = Settings::default();
    let used = |account: &str, from: i64, until: i64| {
        let within = |told: &&Told| (from..until).contains(&told.at_ms) && told.account == account;
        YEAR.good.iter().filter(|told| is_use(told)).filter(within).count()
    };
    let share_of_end = |account: &str| {
        let (start, end) = (settings.start_ms, settings.end_ms());
        let before = used(account, start + 14 * DAY_MS, start + 56 * DAY_MS);
        used(account, end - 56 * DAY_MS, end - 14 * DAY_MS) * 100 / before.max(1)
    };
    for account in of_kind(StoryKind::Fading).keys() {
        assert!(share_of_end(account) < 60, "{account} {}", share_of_end(account));
    }
    for account in of_kind(StoryKind::Rescued).keys() {
        assert!(share_of_end(account) > 60, "{account} {}", share_of_end(account));
    }
}

#[test]
fn churned_accounts_end_their_subscription_and_are_closed_later() {
    let churned = of_kind(StoryKind::Churned);
    for (account, turn) in &churned {
        let of_account: Vec<&Told> = YEAR.good.iter().filter(|told| told.account == *account).collect();
        let end = of_account.iter().find(|told| told.kind.as_deref() == Some("ended")).unwrap();
        assert!((0..DAY_MS).contains(&(end.at_ms - turn)), "{account}");
        let last = of_account.iter().max_by_key(|told| told.at_ms).unwrap();
        let text = String::from_utf8_lossy(&last.bytes);
        assert!(last.topic == "vitals.account" && text.contains(r#""state":"closed""#), "{text}");
        assert!(of_account.iter().filter(|told| is_use(told)).all(|told| told.at_ms < *turn), "{account}");
    }
}

#[test]
fn nothing_is_told_of_a_new_account_before_it_arrives() {
    let mut new = of_kind(StoryKind::Onboarding);
    new.extend(of_kind(StoryKind::Trial));
    let mut seen = BTreeSet::new();
    for told in YEAR.good.iter().filter(|told| new.contains_key(&told.account)) {
        assert!(told.at_ms >= new[&told.account], "{}", told.id);
        seen.insert(&told.account);
    }
    assert_eq!(seen.len(), new.len());
}
