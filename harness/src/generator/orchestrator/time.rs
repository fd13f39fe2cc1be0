//! The orchestrator's time: microseconds since its world began, handed in with every event. Nobody
//! here asks a clock, so that the same code runs in real and in virtual time.

/// A moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct At(pub u64);

/// A length of time, in microseconds.
pub type Span = u64;

/// One thousandth of a second.
pub const MILLISECOND: Span = 1_000;
/// One second.
pub const SECOND: Span = 1_000 * MILLISECOND;
/// One minute.
pub const MINUTE: Span = 60 * SECOND;

impl At {
    /// After everything.
    pub const NEVER: Self = Self(u64::MAX);

    /// Later by this much.
    #[must_use]
    pub fn plus(self, span: Span) -> Self {
        Self(self.0.saturating_add(span))
    }

    /// How long it is since `earlier`; 0 if that is to come.
    pub fn since(self, earlier: Self) -> Span {
        self.0.saturating_sub(earlier.0)
    }

    /// The first multiple of `period`, counted from `phase`, that is not before this.
    #[must_use]
    pub fn next_tick(self, period: Span, phase: Self) -> Self {
        let ticks = self.since(phase).div_ceil(period.max(1));
        phase.plus(ticks.saturating_mul(period))
    }
}
