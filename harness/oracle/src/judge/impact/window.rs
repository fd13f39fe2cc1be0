//! Throughput and standstill of one load, over any window of time. Knows readings and nothing of
//! growth but when it was.

use crate::{
    history::{Ops, Reading, State},
    report::{Growth, Loading},
};

/// A growth is compared with at most this much before it, microseconds.
const BEFORE_MAX_US: u64 = 60_000_000;
/// And with no less than this.
pub const BEFORE_MIN_US: u64 = 2_000_000;
/// The shortest window; a growth can take less than one reading.
const WINDOW_MIN_US: u64 = 1_000_000;
/// Noise is looked for in at most this much time before a growth.
const NOISE_MAX_US: u64 = 600_000_000;
/// And is known only from windows that start over so many times the growth's own length.
const NOISE_WINDOWS_MIN: u64 = 8;

/// From asking to the last answer, a second at least.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// Begin.
    pub from: u64,
    /// End.
    pub to: u64,
}

/// What a window cost.
#[derive(Clone, Copy, Debug, Default)]
pub struct Costs {
    /// Throughput lost, percent.
    pub dip_percent: i64,
    /// Longest standstill that began in it, milliseconds.
    pub stall_ms: i64,
}

/// Both loads of a workload.
pub struct Loads {
    bulk: Line,
    query: Line,
}

/// One load over time.
pub struct Line {
    /// Readings in which the load ran, in order: begin, end, operations done.
    spans: Vec<(u64, u64, u64)>,
    /// Of those that can be measured.
    clear: Vec<(u64, u64, u64)>,
    /// Of these that no growth touches: end, and the sums up to there of time and operations.
    calm: Vec<(u64, u64, u64)>,
    /// Standstills: begin and length.
    still: Vec<(u64, u64)>,
    growths: Vec<Window>,
}

impl Window {
    /// Of a growth.
    pub fn of(growth: &Growth) -> Self {
        let least = growth.from_us.saturating_add(WINDOW_MIN_US);
        Self { from: growth.from_us, to: growth.to_us.max(least) }
    }

    fn length(self) -> u64 {
        self.to - self.from
    }

    fn overlaps(self, from: u64, to: u64) -> bool {
        from < self.to && to > self.from
    }
}

impl Loads {
    /// Takes the readings apart. What was read in the times of the `others` is no measure.
    pub fn new(readings: &[Reading], growths: &[Window], others: &[Window]) -> Self {
        let last = |of: fn(&Reading) -> Ops| readings.iter().rposition(|one| of(one).done > 0);
        // A load that ends while the other goes on has done all it had to. If both end, they hang.
        let whole = last(|one| one.bulk).max(last(|one| one.query));
        let until = |of: fn(&Reading) -> Ops| {
            if last(of) == whole { readings.len() } else { last(of).map_or(0, |at| at + 1) }
        };
        let (of_bulk, of_query) = (until(|one| one.bulk), until(|one| one.query));
        let bulk = readings.get(..of_bulk).unwrap_or_default().iter();
        let query = readings.get(..of_query).unwrap_or_default().iter();
        let bulk = bulk.filter(|one| one.state != State::Blocked && one.blocked_us == 0);
        Self {
            bulk: Line::new(bulk.map(|one| (one, one.bulk)), growths, others),
            query: Line::new(query.map(|one| (one, one.query)), growths, others),
        }
    }

    /// Loads that did anything.
    pub fn each(&self) -> impl Iterator<Item = (Loading, &Line)> {
        let all = [(Loading::Bulk, &self.bulk), (Loading::Query, &self.query)];
        all.into_iter().filter(|(_, line)| !line.spans.is_empty())
    }

    /// A load ran just before that time, or after it.
    pub fn run_at(&self, at_us: u64) -> bool {
        let near = |line: &Line| {
            let next = line.spans.partition_point(|(_, to, _)| *to < at_us);
            let before = next.checked_sub(1).and_then(|at| line.spans.get(at));
            let gap = |(_, to, _): &(u64, u64, u64)| at_us.saturating_sub(*to) < WINDOW_MIN_US;
            before.is_some_and(gap) || line.spans.get(next).is_some_and(|(from, ..)| *from <= at_us)
        };
        self.each().any(|(_, line)| near(line))
    }
}

impl Line {
    fn new<'a>(
        readings: impl Iterator<Item = (&'a Reading, Ops)>,
        growths: &[Window],
        others: &[Window],
    ) -> Self {
        let running = readings.filter(|(one, _)| one.span_us > 0 && one.state != State::Ended);
        // Before its first operation a load has not begun.
        let begun = running.skip_while(|(_, ops)| ops.done == 0);
        let spans: Vec<(u64, u64, u64)> =
            begun.map(|(one, ops)| (one.from_us(), one.at_us, ops.done)).collect();
        let mut growths = growths.to_vec();
        growths.sort_by_key(|growth| growth.from);
        let is_clear = |(from, to, _): &&(u64, u64, u64)| {
            !others.iter().any(|other| other.overlaps(*from, *to))
        };
        let clear: Vec<(u64, u64, u64)> = spans.iter().filter(is_clear).copied().collect();
        let (calm, still) = (calm(&clear, &growths), still(&clear));
        Self { spans, clear, calm, still, growths }
    }

    /// How much calm time there is in the minute before.
    pub fn before_us(&self, at_us: u64) -> u64 {
        self.before(at_us).0
    }

    /// Time and operations of the calm minute before.
    fn before(&self, at_us: u64) -> (u64, u64) {
        let sum = |until: u64| {
            let count = self.calm.partition_point(|(end, ..)| *end <= until);
            let last = count.checked_sub(1).and_then(|at| self.calm.get(at));
            last.map_or((0, 0), |(_, time, done)| (*time, *done))
        };
        let (upto, from) = (sum(at_us), sum(at_us.saturating_sub(BEFORE_MAX_US)));
        (upto.0 - from.0, upto.1 - from.1)
    }

    /// `None`: too little before it, or the load hardly ran in it.
    pub fn costs(&self, window: Window) -> Option<Costs> {
        let (time, done) = self.before(window.from);
        if time < BEFORE_MIN_US || done == 0 {
            return None;
        }
        // A span belongs to the window that has its middle.
        let middle = |(from, to, _): &(u64, u64, u64)| from + (to - from) / 2;
        let first = self.clear.partition_point(|span| middle(span) < window.from);
        let inside = self.clear.get(first..)?.iter().take_while(|span| middle(span) < window.to);
        let (ran, did) = inside.fold((0_u64, 0_u64), |(ran, did), (from, to, done)| {
            (ran.saturating_add(to.saturating_sub(*from)), did.saturating_add(*done))
        });
        if ran < window.length() / 2 {
            return None;
        }
        let share = u128::from(did) * u128::from(time) * 100;
        let share = share / (u128::from(done) * u128::from(ran)).max(1);
        let dip_percent = 100 - i64::try_from(share).unwrap_or(i64::MAX / 2);
        let first = self.still.partition_point(|(from, _)| *from < window.from);
        let still = self.still.get(first..).unwrap_or_default().iter();
        let still = still.take_while(|(from, _)| *from < window.to).map(|(_, length)| *length);
        let stall_ms = i64::try_from(still.max().unwrap_or(0) / 1000).unwrap_or(i64::MAX);
        Some(Costs { dip_percent, stall_ms })
    }

    /// The worst of windows as long as the growth's, before it and clear of any growth. `None`:
    /// there are too few to know.
    pub fn noise(&self, growth: Window) -> Option<Costs> {
        let length = growth.length();
        let step = (length / 4).max(1);
        let begin = self.spans.first()?.0.max(growth.from.saturating_sub(NOISE_MAX_US));
        let (mut worst, mut windows) = (Costs::default(), 0_u64);
        let mut to = growth.from;
        while let Some(from) = to.checked_sub(length).filter(|from| *from >= begin) {
            let control = Window { from, to };
            let other = self.growths.iter().rfind(|one| one.overlaps(from, control.to));
            to = other.map_or(to - step, |other| other.from.min(to - step));
            if let (None, Some(costs)) = (other, self.costs(control)) {
                windows += 1;
                worst.dip_percent = worst.dip_percent.max(costs.dip_percent);
                worst.stall_ms = worst.stall_ms.max(costs.stall_ms);
            }
        }
        (windows * step >= NOISE_WINDOWS_MIN * length).then_some(worst)
    }
}

/// Sums of time and operations over the spans that no growth touches.
fn calm(spans: &[(u64, u64, u64)], growths: &[Window]) -> Vec<(u64, u64, u64)> {
    let (mut time, mut done, mut next) = (0_u64, 0_u64, 0);
    let mut calm = Vec::new();
    for (from, to, did) in spans {
        while growths.get(next).is_some_and(|growth| growth.to <= *from) {
            next += 1;
        }
        if !growths.get(next).is_some_and(|growth| growth.overlaps(*from, *to)) {
            time = time.saturating_add(to.saturating_sub(*from));
            done = done.saturating_add(*did);
            calm.push((*to, time, done));
        }
    }
    calm
}

/// Stretches of neighbouring spans in which nothing was done.
fn still(spans: &[(u64, u64, u64)]) -> Vec<(u64, u64)> {
    let mut still: Vec<(u64, u64)> = Vec::new();
    let mut open: Option<(u64, u64)> = None;
    for (from, to, done) in spans {
        open = match open {
            _ if *done > 0 => None,
            // A gap in the readings is not known to be a standstill.
            Some((begin, end)) if from.saturating_sub(end) < (to - from) => Some((begin, *to)),
            _ => Some((*from, *to)),
        };
        match (open, still.last_mut()) {
            (Some((begin, end)), Some(last)) if last.0 == begin => last.1 = end - begin,
            (Some((begin, end)), _) => still.push((begin, end - begin)),
            (None, _) => (),
        }
    }
    still
}
