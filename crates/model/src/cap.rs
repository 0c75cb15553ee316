//! Caps: one grave sign is not averaged away.

use crate::block::{Block, Keys, Spot, check_name};
use crate::condition::{self, Score};
use crate::plan::Cap;
use crate::problem::{Report, quoted};
use crate::signal::Signals;

pub(crate) const KEYS: Keys = Keys { known: &["name", "when", "score_at_most"], later: &[] };
/// The most caps.
const MOST: usize = 64;

/// Reads the list `caps`.
pub(crate) fn read(spot: &Spot<'_>, signals: &mut Signals<'_>, report: &mut Report) -> Vec<Cap> {
    let mut caps: Vec<Cap> = Vec::new();
    let items = spot.items(report).unwrap_or_default();
    if items.len() > MOST {
        let message = format!("{} are defined, at most {MOST} can be", items.len());
        spot.problem(report, message, "keep those that matter");
    }
    for item in items.iter().take(MOST) {
        let Some(block) = Block::with(item, &KEYS, report) else { continue };
        let name = block.need("name", "gone-quiet", report);
        let text = name.as_ref().and_then(|name| name.text(report));
        if let (Some(spot), Some(text)) = (&name, text) {
            check_name(text, spot.node.mark, &spot.path, report);
            if caps.iter().any(|cap| cap.name == text) {
                spot.problem(report, format!("a cap {} is already defined", quoted(text)), "rename one");
            }
        }
        let when = block.need("when", "{ last_use: { at_least: 28d } }", report);
        let when = when.and_then(|when| condition::read(&when, Score::Refused, signals, report));
        let most = block.need("score_at_most", "44", report).and_then(|spot| spot.points(report));
        if let (Some(name), Some(when), Some(score_at_most)) = (text, when, most) {
            caps.push(Cap { name: name.to_owned(), when, score_at_most });
        }
    }
    caps
}
