//! The newest value of a field; it may expire. Words of the part: its order, then the value.

use super::order::{self, Order};
use super::since_last;
use crate::bytes::{Damaged, Reader, Writer};
use crate::now::{Due, Edge};
use crate::parts::{number, set_number};

const VALUE: usize = order::WORDS;
/// Words of the part.
pub(crate) const LEN: usize = VALUE + 2;

/// The words of a part that holds nothing.
pub(crate) fn new() -> [u32; LEN] {
    let mut words = [0; LEN];
    Order::NONE.put(&mut words, 0, false);
    words
}

/// Takes the value if it is newer.
pub(crate) fn take(part: &mut [u32], order: Order, value: i64) {
    if order > Order::get(part, 0) {
        order.put(part, 0, false);
        set_number(part, VALUE, value);
    }
}

/// The value, if there is one, until so much living time has passed since its activity; and when that is.
pub(crate) fn unexpired(part: &[u32], expires: Option<i64>, edge: &Edge<'_>) -> (Option<i64>, Due) {
    match (get(part), expires) {
        (Some(value), Some(expires)) => {
            let (silence, due) = since_last::silence(Order::get(part, 0).time, &[expires], edge);
            (Some(value).filter(|_| silence < expires), due)
        }
        (value, _) => (value, Due::NEVER),
    }
}

/// The value, if there is one.
pub(crate) fn get(part: &[u32]) -> Option<i64> {
    (!Order::get(part, 0).is_none()).then(|| number(part, VALUE))
}

/// Writes the stored form.
pub(crate) fn write(part: &[u32], to: &mut Writer<'_>) {
    Order::get(part, 0).write(to);
    to.i64(number(part, VALUE));
}

/// Reads the stored form into the words of a part; `value` reads the value.
pub(crate) fn read<'b>(
    from: &mut Reader<'b>,
    words: &mut Vec<u32>,
    value: impl FnOnce(&mut Reader<'b>) -> Result<i64, Damaged>,
) -> Result<(), Damaged> {
    let mut part = [0; LEN];
    Order::read(from)?.put(&mut part, 0, false);
    set_number(&mut part, VALUE, value(from)?);
    words.extend(part);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::Alone;
    use crate::activity::Value::{Number, Word};
    use model::number::{self, SCALE};
    use model::source::Field::{Kind, Score};
    use model::time::{DAY, HOUR};

    const PULSE: &str =
        "{ latest: score, from: csm-activity, where: { kind: pulse, state: held }, expires: 90d }";

    fn pulse(alone: &mut Alone, time: i64, score: Option<i64>) {
        let mut fields = vec![(Kind, Word("pulse")), (model::source::Field::State, Word("held"))];
        fields.extend(score.map(|score| (Score, Number(number::Number(score * SCALE)))));
        alone.tell(time, &fields);
    }

    #[test]
    fn a_value_expires_so_long_after_the_activity_that_told_it() {
        for (pulses, at, value) in [
            (&[(DAY, Some(4))][..], DAY, Some(4)),
            (&[(DAY, Some(4))], 91 * DAY - 1, Some(4)),
            (&[(DAY, Some(4))], 91 * DAY, None),
            // A newer one renews it, in any order; one without a score does not.
            (&[(DAY, Some(4)), (2 * DAY, Some(2))], 91 * DAY, Some(2)),
            (&[(2 * DAY, Some(2)), (DAY, Some(4))], 91 * DAY, Some(2)),
            (&[(2 * DAY, None), (DAY, Some(4))], 91 * DAY, None),
            // What comes when it has expired already.
            (&[(DAY, Some(4))], 1_000 * DAY, None),
            // What is told a little ahead of the clock.
            (&[(2 * DAY, Some(3))], 2 * DAY - HOUR, Some(3)),
        ] {
            let mut alone = Alone::new(PULSE);
            alone.at(at.min(DAY));
            pulses.iter().for_each(|(time, score)| pulse(&mut alone, *time, *score));
            assert_eq!(alone.at(at), value.map(|value| value * SCALE), "{pulses:?} at {at}");
        }
    }

    #[test]
    fn a_value_that_expires_changes_only_as_it_does() {
        let mut alone = Alone::new(PULSE);
        pulse(&mut alone, DAY, Some(1));
        assert_eq!(alone.walk(DAY, 200 * DAY, HOUR), 1);
    }
}
