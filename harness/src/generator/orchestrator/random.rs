//! Seeded randomness: xorshift64*, small and the same everywhere, so that a seed is a history.

/// A source of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Random(u64);

impl Random {
    /// Two seeds give two sequences, neighbouring ones too.
    pub fn new(seed: u64) -> Self {
        // SplitMix64, so that small seeds do not begin alike; 0 would stay 0 for ever.
        let mut mixed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Self((mixed ^ (mixed >> 31)).max(1))
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Less than that; 0 if there is nothing less.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.number()) * u128::from(bound)) >> 64) as u64
    }

    /// From 0 to below 1.
    pub fn unit(&mut self) -> f64 {
        (self.number() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True in that share of cases.
    pub fn happens(&mut self, share: f64) -> bool {
        share > 0.0 && self.unit() < share
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_a_sequence_and_another_seed_another_one() {
        let take = |seed| {
            let mut random = Random::new(seed);
            [random.number(), random.number(), random.number()]
        };
        assert_eq!(take(1), take(1));
        assert_ne!(take(1), take(2));
        assert_ne!(take(0), take(1));
    }

    #[test]
    fn numbers_stay_below_their_bound_and_reach_it_nearly() {
        let mut random = Random::new(7);
        let numbers: Vec<u64> = (0..1000).map(|_| random.below(10)).collect();
        assert!(numbers.iter().all(|number| *number < 10));
        assert_eq!((0..10).filter(|n| numbers.contains(n)).count(), 10);
        assert_eq!(random.below(0), 0);
        assert!((0..1000).all(|_| random.unit() < 1.0));
        assert!(!random.happens(0.0));
    }
}
