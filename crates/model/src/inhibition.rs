//! Which alerts keep which others from firing, and the order in which alerts are decided by that.
//!
//! Whether an alert is open must be known before those that it inhibits are looked at, so no alert may inhibit itself,
//! however long the way round. In what order alerts stand in the file decides nothing but who comes first of those that
//! have nothing to do with each other.

use crate::block::{Block, Spot};
use crate::nearest::suggestion;
use crate::problem::{Report, quoted};
use crate::tree::Key;

/// How many alerts of a circle are named.
const SHOWN: usize = 8;

/// Alerts by their places in the model.
#[derive(Debug)]
pub(crate) struct Inhibition {
    /// Of each alert those that inhibit it, ascending.
    pub(crate) by: Vec<Vec<usize>>,
    /// All alerts in the model's order, but before each those that inhibit it.
    pub(crate) order: Vec<usize>,
}

/// An alert that another names, with where it does.
type Link<'t> = (usize, Spot<'t>);

/// Reads `inhibited_by` of all alerts; a circle is told once, at the name that closes it.
pub(crate) fn read(alerts: &[(&Key, Spot<'_>)], report: &mut Report) -> Inhibition {
    let names: Vec<&str> = alerts.iter().map(|(key, _)| key.text.as_str()).collect();
    let places = alerts.iter().enumerate();
    let links: Vec<_> = places.map(|(place, (_, spot))| links(place, spot, &names, report)).collect();
    let order = Walk::of(&links, &names).all(report);
    let by = |links: Vec<Link<'_>>| links.into_iter().map(|(other, _)| other).collect();
    Inhibition { by: links.into_iter().map(by).collect(), order }
}

/// The alerts that inhibit the one at `place`, ascending, each once.
fn links<'t>(place: usize, spot: &Spot<'t>, names: &[&str], report: &mut Report) -> Vec<Link<'t>> {
    // That it is no mapping is told where the rest of it is read.
    let block = Block::open(spot, &mut Report::default());
    let Some(written) = block.and_then(|block| block.get("inhibited_by")) else { return Vec::new() };
    let mut links: Vec<Link<'t>> = Vec::new();
    for spot in written.each(report).unwrap_or_default() {
        if report.is_full() {
            break;
        }
        let Some(name) = spot.text(report) else { continue };
        match names.iter().position(|other| *other == name) {
            None => {
                let others = names.iter().enumerate().filter(|(other, _)| *other != place);
                let fix = suggestion(name, others.map(|(_, name)| *name));
                spot.problem(report, format!("unknown alert {}", quoted(name)), fix);
            }
            Some(other) if other == place => {
                spot.problem(report, "an alert cannot inhibit itself", "name another one, or leave it out");
            }
            Some(other) if links.iter().any(|(known, _)| *known == other) => {
                spot.problem(report, format!("{} is named twice", quoted(name)), "keep one of them");
            }
            Some(other) => links.push((other, spot)),
        }
    }
    links.sort_by_key(|(other, _)| *other);
    links
}

/// A walk from alerts to those that inhibit them.
struct Walk<'w, 't> {
    links: &'w [Vec<Link<'t>>],
    names: &'w [&'w str],
    is_met: Vec<bool>,
    /// Alerts that wait for those after them.
    way: Vec<usize>,
    /// Alerts of which all that inhibit them stand before them.
    order: Vec<usize>,
}

impl<'w, 't> Walk<'w, 't> {
    fn of(links: &'w [Vec<Link<'t>>], names: &'w [&'w str]) -> Self {
        let is_met = vec![false; links.len()];
        Self { links, names, is_met, way: Vec::new(), order: Vec::new() }
    }

    /// All alerts in order; reports what closes a circle.
    fn all(mut self, report: &mut Report) -> Vec<usize> {
        for alert in 0..self.links.len() {
            self.meet(alert, report);
        }
        self.order
    }

    /// Puts an alert in order, after those that inhibit it. There are few enough alerts to go as deep as they reach.
    fn meet(&mut self, alert: usize, report: &mut Report) {
        let links = self.links;
        if self.is_met.get(alert).is_none_or(|is_met| *is_met) {
            return;
        }
        self.is_met[alert] = true;
        self.way.push(alert);
        for (other, spot) in links.get(alert).into_iter().flatten() {
            match self.way.iter().position(|on_way| on_way == other) {
                Some(from) => self.tell_circle(from, spot, report),
                None => self.meet(*other, report),
            }
        }
        self.way.pop();
        self.order.push(alert);
    }

    /// Reports that the way comes back to where it was at `from`.
    fn tell_circle(&self, from: usize, spot: &Spot<'_>, report: &mut Report) {
        let circle = self.way.get(from..).unwrap_or_default();
        let name = |alert: &usize| quoted(self.names.get(*alert).copied().unwrap_or_default());
        let mut names: Vec<String> = circle.iter().take(SHOWN).map(name).collect();
        if circle.len() > SHOWN {
            names.push("…".to_owned());
        }
        names.extend(circle.first().map(name));
        let message = format!("alerts inhibit each other in a circle: {}", names.join(" by "));
        spot.problem(report, message, "leave one of these out");
    }
}

#[cfg(test)]
mod tests {
    use crate::compile;

    /// The order of alerts of which each is written as its name and those that inhibit it.
    fn order(alerts: &[(&str, &str)]) -> Vec<String> {
        let mut text = String::from(
            "
format: 1
model: test
score: { bands: { healthy: 50, at-risk: 0 } }
signals: { days: { count_days: login, over: 28d } }
goals:
  use:
    { statement: s, owner: o, weight: 1, measures: { days: { kind: leading, weight: 1, curve: { 0: 0, 9: 100 } } } }
alerts:
",
        );
        for (name, by) in alerts {
            let by = if by.is_empty() { String::new() } else { format!(", inhibited_by: {by}") };
            text += &format!("  {name}: {{ when: {{ days: {{ below: 5 }} }}, notify: csm{by} }}\n");
        }
        let plan = compile(&text).map(|compiled| compiled.plan).unwrap();
        for (place, rule) in plan.rule_order.iter().enumerate() {
            let before = &plan.rule_order[..place];
            assert!(plan.rules[*rule].inhibited_by.iter().all(|other| before.contains(other)), "{text}");
        }
        plan.rule_order.iter().map(|rule| plan.rules[*rule].name.clone()).collect()
    }

    #[test]
    fn alerts_are_decided_in_the_order_of_the_model_but_after_those_that_inhibit_them() {
        assert_eq!(order(&[("a", ""), ("b", ""), ("c", "")]), ["a", "b", "c"]);
        assert_eq!(order(&[("a", "[d, c]"), ("b", ""), ("c", ""), ("d", "b")]), ["c", "b", "d", "a"]);
        assert_eq!(order(&[("a", "c"), ("b", "c"), ("c", "[d]"), ("d", "")]), ["d", "c", "a", "b"]);
    }
}
