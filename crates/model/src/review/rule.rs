//! Alerts and caps that can never begin or never end, and what in them changes nothing.

use super::measure::range;
use super::reach::{of_score, of_signal};
use super::satisfy::{Asked, Unknown, World};
use super::{Remarks, Subject, points, signal_name};
use crate::plan::{Attribute, Cap, Comparison, Condition, IfUnknown, Plan, Rule, Unit};

/// Remarks on all of them.
pub(super) fn review(plan: &Plan, remarks: &mut Remarks<'_>) {
    for rule in &plan.rules {
        alert(plan, rule, remarks);
    }
    caps(plan, remarks);
}

fn alert(plan: &Plan, rule: &Rule, remarks: &mut Remarks<'_>) {
    let name = rule.name.as_str();
    let keys = |key| ["alerts", name, key];
    let known = World::new(plan, Unknown::Aside);
    let as_run = World::new(
        plan,
        match rule.if_unknown {
            IfUnknown::Hold => Unknown::Aside,
            IfUnknown::Proceed => Unknown::False,
        },
    );
    let when = &rule.when;
    if as_run.refutes(&[(when, Asked::Holds)]) {
        let message = format!("the alert never begins: {}", why(plan, &known, when));
        remarks.add(
            Subject::NeverBegins,
            &keys("when"),
            message,
            "write a limit that can be met, or leave the alert out",
        );
        return;
    }
    dead_parts(plan, &known, when, &keys("when"), remarks);
    if as_run.refutes(&[(when, Asked::Fails)]) {
        let message = "`when` holds for every account that it is known of, so the alert begins everywhere and never ends".to_owned();
        remarks.add(Subject::NeverEnds, &keys("when"), message, "write a limit that only some accounts meet");
        return;
    }
    if let Some(clears) = &rule.clears_when {
        if as_run.refutes(&[(when, Asked::Fails), (clears, Asked::Holds)]) {
            let message = format!(
                "the alert never ends: while `when` does not hold, {}",
                why_not(plan, &known, clears, "neither does `clears_when`")
            );
            remarks.add(
                Subject::NeverEnds,
                &keys("clears_when"),
                message,
                "write a limit that can be met, or leave `clears_when` out",
            );
        } else if as_run.refutes(&[(when, Asked::Fails), (clears, Asked::Fails)]) {
            let message = "`clears_when` holds as soon as `when` does not, so it keeps nothing from flapping"
                .to_owned();
            remarks.add(
                Subject::NoEffect,
                &keys("clears_when"),
                message,
                "write a limit further away than that of `when`, or leave it out",
            );
        }
    }
    if let Some(critical) = &rule.critical_when
        && as_run.refutes(&[(when, Asked::Holds), (critical, Asked::Holds)])
    {
        let message = format!(
            "the alert is never critical: while `when` holds, {}",
            why_not(plan, &known, critical, "`critical_when` does not")
        );
        remarks.add(
            Subject::NoEffect,
            &keys("critical_when"),
            message,
            "write a limit that can be met, or leave it out",
        );
    }
}

fn caps(plan: &Plan, remarks: &mut Remarks<'_>) {
    let known = World::new(plan, Unknown::Aside);
    let uncapped = of_score(&Plan { caps: Vec::new(), ..plan.clone() }).high;
    for (place, cap) in plan.caps.iter().enumerate() {
        let place = place.to_string();
        let keys = ["caps", &place, "when"];
        if known.refutes(&[(&cap.when, Asked::Holds)]) {
            let message = format!("the cap `{}` never holds: {}", cap.name, why(plan, &known, &cap.when));
            remarks.add(
                Subject::NeverBegins,
                &keys,
                message,
                "write a limit that can be met, or leave the cap out",
            );
            continue;
        }
        dead_parts(plan, &known, &cap.when, &keys, remarks);
        within_margin(plan, &place, cap, remarks);
        if known.refutes(&[(&cap.when, Asked::Fails)]) {
            let message = format!(
                "the cap `{}` holds for every account that it is known of, whose score is then never above {}",
                cap.name,
                points(cap.score_at_most)
            );
            remarks.add(Subject::NeverEnds, &keys, message, "write a limit that only some accounts meet");
        } else if i64::from(cap.score_at_most) >= uncapped {
            let message = format!(
                "the cap `{}` takes nothing: no score is ever above {}",
                cap.name,
                points(cap.score_at_most)
            );
            remarks.add(
                Subject::NoEffect,
                &["caps", &place, "score_at_most"],
                message,
                "write a lower score, or leave the cap out",
            );
        }
    }
}

/// Remarks on a cap that lies below the limit of a band, but by less than must be passed to leave it.
fn within_margin(plan: &Plan, place: &str, cap: &Cap, remarks: &mut Remarks<'_>) {
    let limits = plan.bands.iter().filter(|band| band.at_least > cap.score_at_most);
    let Some(band) = limits.min_by_key(|band| band.at_least) else { return };
    let least = band.at_least.saturating_sub(plan.band_margin);
    if cap.score_at_most < least {
        return;
    }
    let message = format!(
        "the cap `{}` takes the score below {}, but whoever is `{}` stays so down to {}, by the `band_margin`",
        cap.name,
        points(band.at_least),
        band.name,
        points(least),
    );
    let fix = format!("write less than {} to change the band too", points(least));
    remarks.add(Subject::CapWithinMargin, &["caps", place, "score_at_most"], message, fix);
}

/// Remarks on parts that can never hold in a condition that can.
fn dead_parts(
    plan: &Plan,
    world: &World<'_>,
    condition: &Condition,
    keys: &[&str; 3],
    remarks: &mut Remarks<'_>,
) {
    if let Condition::All(parts) | Condition::Any(parts) = condition {
        for part in parts {
            if world.refutes(&[(part, Asked::Holds)]) {
                let message = format!("a part of the condition never holds: {}", why(plan, world, part));
                remarks.add(
                    Subject::NoEffect,
                    keys,
                    message,
                    "write a limit that can be met, or leave the part out",
                );
            } else {
                dead_parts(plan, world, part, keys, remarks);
            }
        }
    }
}

/// Why a condition never holds, in words; `otherwise` where it could by itself.
fn why_not(plan: &Plan, world: &World<'_>, condition: &Condition, otherwise: &str) -> String {
    if world.refutes(&[(condition, Asked::Holds)]) {
        why(plan, world, condition)
    } else {
        otherwise.to_owned()
    }
}

/// Why a condition that never holds does not, in words: the first comparison that alone never does, or that they
/// exclude each other.
fn why(plan: &Plan, world: &World<'_>, condition: &Condition) -> String {
    let refuted = |tests: &[Comparison], of: &dyn Fn(Vec<Comparison>) -> Condition| {
        tests.iter().any(|test| world.refutes(&[(&of(vec![*test]), Asked::Holds)]))
    };
    match condition {
        Condition::All(parts) | Condition::Any(parts) => {
            let dead = parts.iter().find(|part| world.refutes(&[(part, Asked::Holds)]));
            dead.map_or_else(|| "its parts exclude each other".to_owned(), |part| why(plan, world, part))
        }
        Condition::Signal { signal, tests } => {
            let name = signal_name(plan, *signal);
            if !refuted(tests, &|tests| Condition::Signal { signal: *signal, tests }) {
                return format!("the limits of `{name}` exclude each other");
            }
            let unit = plan.signals.get(*signal).map_or(Unit::Number, |signal| signal.unit);
            format!("`{name}` does not come to that; {}", range(unit, of_signal(plan, *signal)))
        }
        Condition::Score { tests } => {
            if !refuted(tests, &|tests| Condition::Score { tests }) {
                return "the limits of the score exclude each other".to_owned();
            }
            let reach = of_score(plan);
            let [low, high] = [reach.low, reach.high].map(|edge| points(u32::try_from(edge).unwrap_or(0)));
            format!("the score does not come to that; it is {low} to {high}")
        }
        Condition::Attribute { attribute, .. } => {
            let of = match attribute {
                Attribute::Stage => "in that stage",
                Attribute::Segment => "of that segment",
            };
            format!("accounts {of} are not scored, and have no alerts")
        }
    }
}
