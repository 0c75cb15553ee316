//! Net Promoter Score: the mean of what each answer adds, 100 for a promoter and -100 for a detractor.

use crate::activity::Activity;
use model::number::SCALE;
use model::source::Field;

/// What an answer adds, in millionths; `None` for what is no answer: without a score, or with one that is not 0 to 10.
pub(crate) fn points(activity: &Activity<'_>) -> Option<i64> {
    let score = activity.fields.number(Field::Score)?.0;
    let points = match score {
        ..0 => return None,
        score if score > 10 * SCALE => return None,
        score if score >= 9 * SCALE => 100,
        score if score >= 7 * SCALE => 0,
        _ => -100,
    };
    Some(points * SCALE)
}

#[cfg(test)]
mod tests {
    use super::super::tests::Alone;
    use crate::activity::Value::{Number, Word};
    use model::number;
    use model::source::Field::{Kind, Score};
    use model::time::{DAY, HOUR};

    fn answer(alone: &mut Alone, time: i64, score: &str) {
        alone.tell(time, &[(Kind, Word("nps")), (Score, Number(number::Number::parse(score).unwrap()))]);
    }

    #[test]
    fn a_net_promoter_score_is_promoters_less_detractors() {
        for (scores, nps) in [
            (&["9", "10"][..], Some(100_000_000)),
            (&["0", "6"], Some(-100_000_000)),
            (&["7", "8"], Some(0)),
            (&["9", "7", "6"], Some(0)),
            (&["10", "9", "8", "6", "0", "0"], Some(-16_666_667)),
            (&["10", "8.9", "6.9"], Some(0)),
            (&["10", "8.9", "7"], Some(33_333_333)),
            (&["9"], None),
            // Of these only one is an answer.
            (&["10", "11", "-1", "85"], None),
        ] {
            let mut alone = Alone::new("{ nps: feedback, over: 180d, min_base: 2 }");
            scores.iter().for_each(|score| answer(&mut alone, HOUR, score));
            alone.tell(HOUR, &[(Kind, Word("nps"))]);
            alone.tell(HOUR, &[(Kind, Word("csat")), (Score, Number(number::Number(0)))]);
            assert_eq!(alone.at(2 * HOUR), nps, "{scores:?}");
        }
    }

    #[test]
    fn a_net_promoter_score_changes_only_as_buckets_enter_and_leave() {
        let mut alone = Alone::new("{ nps: feedback, over: 5d, min_base: 2 }");
        for (day, score) in [(0, "9"), (1, "0"), (3, "10"), (3, "8"), (6, "2"), (7, "9")] {
            answer(&mut alone, day * DAY + HOUR, score);
        }
        assert!(alone.walk(HOUR, 15 * DAY, HOUR / 2) >= 4);
    }
}
