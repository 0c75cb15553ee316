//! Whether a rule of a later model is the same rule: the same conditions on the same signals, and the same
//! times.

use model::plan::{Condition, Plan, Rule};

/// The condition with each signal named by its definition instead of its place.
fn resolved(plan: &Plan, condition: &Condition) -> String {
    let parts = |word: &str, parts: &[Condition]| {
        let parts: Vec<String> = parts.iter().map(|part| resolved(plan, part)).collect();
        format!("{word}({})", parts.join(", "))
    };
    match condition {
        Condition::All(all) => parts("all", all),
        Condition::Any(any) => parts("any", any),
        Condition::Signal { signal, tests } => {
            let signal = &plan.signals[*signal];
            format!("{} {:x} {tests:?}", signal.name, signal.definition)
        }
        Condition::Score { .. } | Condition::Attribute { .. } => format!("{condition:?}"),
    }
}

pub(crate) fn is_same(old_plan: &Plan, old: &Rule, new_plan: &Plan, new: &Rule) -> bool {
    let text = |plan: &Plan, rule: &Rule| {
        let [clears, critical] = [&rule.clears_when, &rule.critical_when]
            .map(|one| one.as_ref().map(|condition| resolved(plan, condition)));
        let times = (rule.for_ms, rule.keep_firing_for, rule.cooldown, rule.lag_at_most);
        (resolved(plan, &rule.when), clears, critical, times, format!("{:?}", rule.if_unknown))
    };
    text(old_plan, old) == text(new_plan, new)
}
