//! When people work: by weekday, holiday and hour.

use crate::account::Account;
use crate::date::{self, HOUR_MS};
use crate::random::Random;

/// How busy each hour of a working day is, in permille of the day.
const HOURS: [i64; 24] =
    [3, 2, 2, 2, 3, 6, 14, 40, 92, 118, 122, 104, 62, 84, 106, 98, 72, 38, 14, 8, 4, 3, 2, 1];

/// How much of a working day's activity the day sees, in permille.
pub(crate) fn of_day(account: &Account, day: i64) -> i64 {
    let today = account.local_date_ms(day);
    let weekend = if account.open_at_weekends { 550 } else { 70 };
    let (_, month, of_month) = date::civil(today);
    if matches!((month, of_month), (12, 24..=26 | 31) | (1, 1)) {
        return 60;
    }
    match date::weekday(today) {
        0 => 980,
        1 | 2 => 1080,
        3 => 1040,
        4 => 820,
        _ => weekend,
    }
}

/// Whether the day is one on which CSMs and customers meet.
pub(crate) fn is_working(account: &Account, day: i64) -> bool {
    date::weekday(account.local_date_ms(day)) < 5
}

/// A time of the local day, in milliseconds since its midnight: mostly in the working hours.
pub(crate) fn time_of_day(random: &mut Random) -> i64 {
    let mut left = random.below(1000);
    for (hour, share) in (0..).zip(HOURS) {
        if left < share {
            return hour * HOUR_MS + random.below(HOUR_MS);
        }
        left -= share;
    }
    random.below(24 * HOUR_MS)
}

/// A time within office hours.
pub(crate) fn office_hours(random: &mut Random) -> i64 {
    random.between(9 * HOUR_MS, 17 * HOUR_MS)
}

#[cfg(test)]
mod tests {
    use super::HOURS;

    #[test]
    fn the_hours_make_up_the_day() {
        assert_eq!(HOURS.iter().sum::<i64>(), 1000);
    }
}
