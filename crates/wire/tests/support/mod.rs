//! What the tests and the benchmark of this crate share: a model, standings of an account, random entries.

#![allow(dead_code, reason = "each test uses its part")]

use engine::effect::{Freshness, Identity, Line, Standing, Status};
use model::number::Number;
use model::plan::{
    Band, Cap, Comparison, Condition, Curve, Feed, Fold, Goal, IfUnknown, Kind, Measure, ModelId, Operator,
    Plan, Purpose, Rule, Severity, Signal, SourceRules, SourceSet, Unit, WHOLE,
};
use model::source::{Field, SOURCES, Source};
use model::time::{DAY, EventTime, HOUR};

pub(crate) const AS_OF: EventTime = EventTime(1_781_560_800_000);
pub(crate) const COMPLETE_TO: [(Source, EventTime); 2] =
    [(Source::FeatureUsage, AS_OF), (Source::Support, EventTime(AS_OF.0 - 88_750))];

/// Name, unit, goal, target, print span of each signal that is a measure; `renewal_in` is none.
const MEASURES: [(&str, Unit, usize, Option<i64>, i64); 7] = [
    ("adoption", Unit::Percent, 0, Some(80_000_000), 0),
    ("usage_trend", Unit::Percent, 0, Some(100_000_000), 0),
    ("login_days", Unit::Days, 0, Some(15_000_000), 0),
    ("open_tickets", Unit::Count, 1, Some(0), 0),
    ("first_reply", Unit::Span, 1, Some(4 * HOUR), HOUR),
    ("last_touch", Unit::Span, 2, Some(14 * DAY), DAY),
    ("sentiment", Unit::Number, 2, None, 0),
];

pub(crate) fn plan() -> Plan {
    let operator = || Operator::Rolling {
        feed: Feed { source: Source::Login, filter: vec![] },
        fold: Fold::Sum(Field::Count),
        window: model::plan::Window { width: 28 * DAY, bucket: model::plan::Bucket::Day },
        min_base: 0,
    };
    let signal = |name: &str, unit| Signal {
        name: name.to_owned(),
        unit,
        operator: operator(),
        definition: 0,
        sources: SourceSet::of(Source::Login),
    };
    let mut signals: Vec<Signal> = MEASURES.iter().map(|row| signal(row.0, row.1)).collect();
    signals.push(signal("renewal_in", Unit::Span));
    let measures = MEASURES.iter().enumerate().map(|(index, row)| Measure {
        signal: index,
        goal: row.2,
        kind: Kind::Leading,
        in_score: true,
        weight: 1,
        base_weight: WHOLE / 7,
        target: row.3,
        print_span: row.4,
        curve: Curve(vec![(0, 0)]),
    });
    let goal = |name: &str| Goal {
        name: name.to_owned(),
        statement: String::new(),
        owner: "csm".to_owned(),
        priority: 1,
        weight: 1,
    };
    let cap = |name: &str, score_at_most| Cap {
        name: name.to_owned(),
        when: Condition::All(vec![]),
        score_at_most,
    };
    let band = |name: &str, at_least| Band { name: name.to_owned(), at_least };
    Plan {
        id: ModelId([0x9f; 32]),
        name: "acme-customer-health".to_owned(),
        sources: [SourceRules::default(); SOURCES],
        used: SourceSet::of(Source::Login),
        signals,
        goals: vec![goal("adoption"), goal("support"), goal("relationship"), goal("advocacy")],
        measures: measures.collect(),
        caps: vec![cap("gone-quiet", 4_400), cap("payment-failing", 6_900)],
        rules: rules(),
        rule_order: vec![0, 1],
        bands: vec![band("healthy", 7_000), band("neutral", 4_500), band("at-risk", 0)],
        band_margin: 200,
        min_coverage: 6_000,
        publish_change: 100,
        publish_every: DAY,
        not_scored_stages: vec!["trial".to_owned()],
        not_scored_segments: vec!["internal".to_owned()],
    }
}

fn rules() -> Vec<Rule> {
    let at_risk = Rule {
        name: "account-at-risk".to_owned(),
        when: Condition::All(vec![
            Condition::Score { tests: vec![Comparison::Below(4_500)] },
            Condition::Signal { signal: 1, tests: vec![Comparison::Below(60_000_000)] },
        ]),
        clears_when: Some(Condition::Score { tests: vec![Comparison::AtLeast(5_200)] }),
        for_ms: 2 * DAY,
        keep_firing_for: DAY,
        cooldown: 14 * DAY,
        severity: Severity::Warning,
        critical_when: None,
        purpose: Purpose::Risk,
        notify: "csm".to_owned(),
        play: "Call the \"main\" contact.".to_owned(),
        if_unknown: IfUnknown::Hold,
        lag_at_most: HOUR,
        inhibited_by: Vec::new(),
        signals: vec![1],
        on_score: true,
        sources: SourceSet::of(Source::Login),
    };
    let no_contact = Rule {
        name: "no-contact".to_owned(),
        when: Condition::Signal { signal: 5, tests: vec![Comparison::Above(30 * DAY)] },
        clears_when: None,
        for_ms: 0,
        cooldown: 0,
        notify: "support".to_owned(),
        play: String::new(),
        signals: vec![5],
        on_score: false,
        ..at_risk.clone()
    };
    vec![at_risk, no_contact]
}

pub(crate) fn account() -> Identity<'static> {
    Identity {
        id: "northwind",
        name: Some("Northwind \"N\" Traders"),
        segment: Some("enterprise"),
        stage: Some("adoption"),
        owner: Some("csm-7@acme.example"),
        team: Some("emea-1"),
        mrr: Some(Number(7_000_000_000)),
        currency: Some("EUR"),
        renews_at: Some(EventTime(AS_OF.0 + 63 * DAY + 2 * HOUR)),
    }
}

/// A line; `None` of a value is unknown.
pub(crate) fn line(measure: usize, value: Option<i64>, points: u32, weight: u32, change: i32) -> Line {
    let contribution = i32::try_from((u64::from(points) * u64::from(weight) + 5_000) / 10_000).unwrap();
    match value {
        Some(_) => Line {
            measure,
            freshness: Freshness::Fresh,
            value,
            previous_value: value.map(|value| value - i64::from(change) * 30_000),
            points,
            weight,
            contribution,
            change,
        },
        None => Line {
            measure,
            freshness: Freshness::Unknown,
            value,
            previous_value: None,
            points: 0,
            weight: 0,
            contribution: 0,
            change,
        },
    }
}

pub(crate) fn lines() -> Vec<Line> {
    let mut lines = vec![
        line(0, Some(31_000_000), 2_625, 1_658, -62),
        line(1, Some(52_000_000), 400, 1_184, -711),
        line(2, Some(6_000_000), 4_500, 947, 0),
        line(3, Some(3_000_000), 4_000, 2_211, 0),
        line(4, None, 0, 0, 0),
        line(5, Some(45 * DAY), 6_750, 2_500, 0),
        line(6, Some(-200_000), 3_600, 1_500, 0),
    ];
    lines[6].freshness = Freshness::Stale;
    lines
}

pub(crate) fn standing<'a>(plan: &'a Plan, lines: &'a [Line]) -> Standing<'a> {
    let score: i32 = lines.iter().map(|line| line.contribution).sum();
    let score = u32::try_from(score).unwrap();
    Standing {
        account: account(),
        plan,
        revision: 318,
        as_of: AS_OF,
        score: Some(score),
        band: plan.bands.iter().position(|band| score >= band.at_least),
        band_since: AS_OF,
        coverage: 8_625,
        complete_to: &COMPLETE_TO,
        sources_out: SourceSet::default(),
        lines,
        cap: None,
        overridden: None,
        status: Status::Scored,
    }
}
