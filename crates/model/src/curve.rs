//! Curves: a mapping, in order, from values in the signal's unit to points.

use crate::block::{Block, Spot};
use crate::plan::{Curve, Unit};
use crate::problem::Report;
use crate::quantity::{in_unit, shown};

/// The most points of a curve.
const MOST: usize = 32;

/// Reads a curve over values in a unit.
pub(crate) fn read(spot: &Spot<'_>, unit: Unit, report: &mut Report) -> Option<Curve> {
    let block = Block::open(spot, report)?;
    let count = block.iter().count();
    if !(2..=MOST).contains(&count) {
        let message = format!("a curve of {count} points");
        spot.problem(report, message, format!("write 2 to {MOST} points, such as `{{ 0: 0, 10: 100 }}`"));
        return None;
    }
    let mut points: Vec<(i64, u32)> = Vec::new();
    let mut good = true;
    for (key, value) in block.iter() {
        let x = in_unit(&key.text, unit)
            .map_err(|(message, fix)| report.problem(key.mark, &value.path, message, fix))
            .ok();
        let (Some(x), Some(y)) = (x, value.points(report)) else {
            good = false;
            continue;
        };
        if let Some((last, _)) = points.last().filter(|(last, _)| *last >= x) {
            let message = format!("{} does not follow {}", shown(unit, x), shown(unit, *last));
            report.problem(key.mark, &value.path, message, "order the points from the least value up");
            good = false;
        }
        points.push((x, y));
    }
    good.then_some(Curve(points))
}
