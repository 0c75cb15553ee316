use super::*;
use proptest::prelude::*;

/// What the fold tells of a span.
fn told(rounding: Rounding, marks: &[i64], span: i64) -> i64 {
    match rounding {
        Rounding::Down => marks.iter().copied().rfind(|mark| *mark <= span).unwrap_or(0),
        Rounding::Up if span <= 0 => 0,
        Rounding::Up => marks.iter().copied().find(|mark| *mark >= span).unwrap_or(marks[marks.len() - 1]),
    }
}

fn all(limit: i64) -> [Comparison; 4] {
    [
        Comparison::Below(limit),
        Comparison::AtMost(limit),
        Comparison::AtLeast(limit),
        Comparison::Above(limit),
    ]
}

fn around_each(points: &[i64]) -> Vec<i64> {
    points.iter().flat_map(|point| (-2..=2).map(move |near| (point + near).max(0))).collect()
}

/// A comparison gives of the told span what it gives of the exact one.
fn exact(rounding: Rounding, tests: &[Comparison], curves: &[Curve], spans: &[i64]) {
    let marks = of(rounding, curves.iter(), tests.iter(), 100);
    assert!(marks.iter().all(|mark| *mark > 0) && marks.is_sorted(), "{marks:?}");
    let near = around_each(&marks);
    for span in near.iter().chain(spans) {
        let told = told(rounding, &marks, *span);
        for test in tests {
            assert_eq!(test.passes(told), test.passes(*span), "{rounding:?} {test:?} of {span}: told {told}");
        }
    }
}

#[test]
fn every_comparison_of_a_told_span_is_exact() {
    let limits = [0, 1, 2, 3, DAY - 1, DAY, DAY + 1, 2 * DAY, 90 * DAY];
    for rounding in [Rounding::Down, Rounding::Up] {
        for a in limits.into_iter().flat_map(all) {
            exact(rounding, &[a], &[], &[0, 1, 5, 91 * DAY, 4_000 * DAY]);
            for b in limits.into_iter().flat_map(all) {
                exact(rounding, &[a, b], &[], &[0, 1, 5, 91 * DAY, 4_000 * DAY]);
            }
        }
    }
}

#[test]
fn whole_days_are_marks_up_to_the_last_of_the_others() {
    let marks = of(Rounding::Down, [].iter(), [Comparison::Above(3 * DAY)].iter(), 100);
    assert_eq!(marks, [DAY, 2 * DAY, 3 * DAY, 3 * DAY + 1]);
    let marks = of(Rounding::Up, [].iter(), [Comparison::Below(2 * DAY)].iter(), 100);
    assert_eq!(marks, [DAY, 2 * DAY - 1, 2 * DAY]);
    assert_eq!(of(Rounding::Down, [].iter(), [].iter(), 100), [DAY]);
    assert_eq!(of(Rounding::Down, [].iter(), [Comparison::AtLeast(5)].iter(), 100), [5]);
}

#[test]
fn a_curve_is_stepped_where_it_is_steep() {
    let curve = Curve(vec![(0, 10_000), (DAY, 9_000), (2 * DAY, 9_000)]);
    let marks = of(Rounding::Down, [curve].iter(), [].iter(), 200);
    assert_eq!(marks, [DAY / 5, 2 * DAY / 5, 3 * DAY / 5, 4 * DAY / 5, DAY, 2 * DAY]);
}

fn curve() -> impl Strategy<Value = Curve> {
    prop::collection::btree_map(0..200 * DAY, 0..=10_000_u32, 2..6)
        .prop_map(|points| Curve(points.into_iter().collect()))
}

proptest! {
    #[test]
    fn all_spans_together_are_behind_by_less_than_is_published(
        measures in prop::collection::vec((1..5_000_u32, curve(), 0..250 * DAY), 1..5),
        publish_change in 50..500_u32,
    ) {
        let whole: u32 = measures.iter().map(|(weight, ..)| weight).sum();
        let weights: Vec<u32> = measures.iter().map(|(weight, ..)| weight * WHOLE / whole.max(WHOLE)).collect();
        let step = step(publish_change, weights.iter().sum());
        let mut behind = 0;
        for ((_, curve, span), weight) in measures.iter().zip(weights) {
            let marks = of(Rounding::Down, std::iter::once(curve), [].iter(), step);
            let told = told(Rounding::Down, &marks, *span);
            // What 100 steps a segment at most and the rounding of points add is not the rule's.
            let steepest = curve.0.windows(2).map(|w| w[0].1.abs_diff(w[1].1)).max().unwrap_or(0);
            let own = if steepest > 100 * step { steepest.div_ceil(100) - step } else { 0 } + 2;
            let moved = curve.points(told).abs_diff(curve.points(*span));
            behind += u64::from(moved.saturating_sub(own)) * u64::from(weight);
        }
        prop_assert!(behind <= u64::from(publish_change) * u64::from(WHOLE), "{behind}");
    }

    #[test]
    fn told_spans_are_exact_for_limits_and_close_for_curves(
        curve in curve(),
        limits in prop::collection::vec((0..100 * DAY, 0..4_usize), 0..4),
        publish_change in 50..500_u32,
        spans in prop::collection::vec(0..250 * DAY, 20),
    ) {
        let tests: Vec<Comparison> = limits.iter().map(|(limit, which)| all(*limit)[*which]).collect();
        let spans: Vec<i64> =
            spans.into_iter().chain(around_each(&limits.iter().map(|(l, _)| *l).collect::<Vec<_>>())).collect();
        let steepest = curve.0.windows(2).map(|w| w[0].1.abs_diff(w[1].1)).max().unwrap_or(0);
        // 100 steps a segment at most, and a hundredth for the rounding of steps and points each.
        let most = publish_change.max(steepest.div_ceil(100)) + 2;
        for rounding in [Rounding::Down, Rounding::Up] {
            exact(rounding, &tests, std::slice::from_ref(&curve), &spans);
            let marks = of(rounding, std::iter::once(&curve), tests.iter(), publish_change);
            let mut last = 0;
            for mark in &marks {
                let moved = curve.points(*mark).abs_diff(curve.points(last));
                prop_assert!(moved <= most, "{moved} from {last} to {mark}");
                last = *mark;
            }
            for (x, y) in &curve.0 {
                prop_assert_eq!(curve.points(told(rounding, &marks, *x)), *y);
            }
        }
    }
}
