//! The generator: `SplitMix64`, written here so that no dependency's release can change a byte of the demo.
//!
//! A generator is made from what it is for (seed, account, day): choices of one day never depend on how many
//! were made on another.

/// A stream of reproducible choices.
#[derive(Debug, Clone)]
pub(crate) struct Random {
    state: u64,
}

impl Random {
    /// The stream that belongs to these parts, in this order.
    pub(crate) fn of(parts: &[u64]) -> Self {
        let mut random = Self { state: 0 };
        for part in parts {
            random.state ^= part;
            random.state = random.next();
        }
        random
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number of `0..limit`; 0 where the limit is not positive.
    pub(crate) fn below(&mut self, limit: i64) -> i64 {
        (self.next() >> 1).cast_signed() % limit.max(1)
    }

    /// A number of `low..=high`.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.below(high - low + 1)
    }

    /// Whether something with this chance in a thousand happens.
    pub(crate) fn chance(&mut self, permille: i64) -> bool {
        self.below(1000) < permille
    }

    /// One of the choices; the slice is a table of the program and never empty.
    pub(crate) fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[index(self.next(), choices.len())]
    }
}

/// A number folded into a table of `len` rows.
pub(crate) fn index(number: u64, len: usize) -> usize {
    let len = u64::try_from(len).unwrap_or(u64::MAX).max(1);
    usize::try_from(number % len).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::Random;

    #[test]
    fn the_numbers_are_those_of_splitmix64() {
        let mut random = Random { state: 1_234_567 };
        let numbers: Vec<u64> = (0..3).map(|_| random.next()).collect();
        assert_eq!(
            numbers,
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
    }

    #[test]
    fn a_range_holds_both_its_ends() {
        let mut random = Random::of(&[7]);
        let seen: std::collections::BTreeSet<i64> = (0..200).map(|_| random.between(-1, 2)).collect();
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), [-1, 0, 1, 2]);
    }

    #[test]
    fn the_order_of_parts_matters() {
        assert_ne!(Random::of(&[1, 2]).next(), Random::of(&[2, 1]).next());
    }
}
