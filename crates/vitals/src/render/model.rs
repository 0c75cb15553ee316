//! A model, in short.

use super::{clean, shown, table};
use model::plan::Plan;

/// `vitals model show`.
pub(crate) fn model(plan: &Plan) -> String {
    let bands: Vec<String> =
        plan.bands.iter().map(|band| format!("{} from {}", clean(&band.name), band.at_least / 100)).collect();
    let mut out = format!("{}  {}\nbands: {}\n\n", clean(&plan.name), plan.id, bands.join(", "));
    let mut measures = table(&["goal", "measure", "weight %", "fed by"], 2..3);
    for measure in &plan.measures {
        let signal = plan.signals.get(measure.signal);
        let sources: Vec<&str> =
            signal.into_iter().flat_map(|signal| signal.sources.iter()).map(|source| source.name()).collect();
        let goal = plan.goals.get(measure.goal).map_or("", |goal| &goal.name);
        let weight = format!("{}.{:02}", measure.base_weight / 100, measure.base_weight % 100);
        let name = signal.map_or("", |signal| &signal.name);
        measures.add_row(vec![clean(goal), clean(name), weight, sources.join(", ")]);
    }
    out += &shown("Measures", &measures);
    let mut rules = table(&["rule", "severity", "notify"], 0..0);
    for rule in &plan.rules {
        rules.add_row(vec![clean(&rule.name), rule.severity.name().to_owned(), clean(&rule.notify)]);
    }
    out + &shown("Alert rules", &rules)
}
