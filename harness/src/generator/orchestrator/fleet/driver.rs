//! A driver as a model: sizes of devices and file systems, where volumes are staged and published,
//! how long calls take, which fail, and defects that only an orchestrator sees.

use csi_stretch_oracle::history::Code;

use crate::generator::orchestrator::{
    hash::Map,
    names::{Name, Names},
    random::Random,
    rpc::{Answer, Caps, Failure, Method, Reply, Rpc},
    time::{At, SECOND, Span},
};

/// How long calls take: half of them at most `usual`, one in a hundred more than `rare`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latency {
    /// The median.
    pub usual: Span,
    /// The 99th percentile.
    pub rare: Span,
}

impl Latency {
    /// Exponential beyond the median, so that there is a long tail.
    fn draw(self, random: &mut Random) -> Span {
        let unit = random.unit();
        if unit < 0.5 {
            return (self.usual as f64 * (0.5 + unit)) as Span;
        }
        // 1 at the median, 0.02 at the 99th percentile.
        let left = ((1.0 - unit) * 2.0).max(1e-9);
        let scale = self.rare.saturating_sub(self.usual) as f64 / 50_f64.ln();
        self.usual + (-left.ln() * scale) as Span
    }
}

/// Which share of calls fails, in parts of 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Errors {
    /// Each code with its share.
    pub codes: Vec<(Code, f64)>,
    /// Calls that take effect but are never answered.
    pub lost: f64,
}

/// What can be wrong with a driver that nobody but an orchestrator sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    /// A call that was not waited for leaves its volume locked: ABORTED for ever.
    StickyAborted,
    /// What was done during a call that timed out cannot be done again: INTERNAL for ever.
    NotRepeatable,
    /// NodeExpandVolume says NOT_FOUND while the grown device is not there yet.
    NotFoundWhileLate,
    /// A repeated ControllerExpandVolume says that the node has nothing to do.
    FlagFlips,
    /// Sizes are rounded up to a multiple of 8 GiB, and the reply says so.
    RoundsUp,
    /// The reply to an expansion says 0 bytes.
    NoSize,
}

impl Defect {
    /// Each with its name.
    pub const ALL: [(&'static str, Self); 6] = [
        ("sticky-aborted", Self::StickyAborted),
        ("not-repeatable", Self::NotRepeatable),
        ("not-found-while-late", Self::NotFoundWhileLate),
        ("flag-flips", Self::FlagFlips),
        ("rounds-up", Self::RoundsUp),
        ("no-size", Self::NoSize),
    ];

    /// The defect of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(known, _)| *known == name).map(|(_, defect)| defect)
    }
}

/// A volume as it really is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Truth {
    /// Bytes of the device.
    pub device: u64,
    /// Bytes of the file system; those of the device for a block volume.
    pub usable: u64,
    /// Another call is busy with it until then.
    busy: At,
    /// A node sees the grown device from then on.
    visible: At,
    /// A call was not waited for.
    abandoned: bool,
    /// The controller has grown it, and said so.
    told: bool,
}

/// The driver.
#[derive(Debug)]
pub struct Driver {
    latency: Latency,
    errors: Errors,
    defect: Option<Defect>,
    block: bool,
    caps: Caps,
    volumes: Map<Name, Truth>,
    random: Random,
    /// When its process ends next, and how often it does.
    ends: At,
    every: Span,
    /// Calls, by method.
    pub calls: [u64; Method::ALL.len()],
}

const DOWN: Span = 3 * SECOND;
const ROUND: u64 = 8 << 30;

impl Driver {
    pub fn new(plan: &super::Plan) -> Self {
        let every = plan.driver_restarts;
        let all = [Caps::CREATE_DELETE, Caps::PUBLISH, Caps::CONTROLLER_EXPAND, Caps::STAGE];
        let caps = all.into_iter().fold(Caps::CONTROLLER_SERVICE, Caps::with);
        Self {
            latency: plan.latency,
            errors: plan.errors.clone(),
            defect: plan.defect,
            block: plan.block,
            caps: caps.with(Caps::NODE_EXPAND),
            volumes: Map::default(),
            random: Random::new(plan.seed ^ 0xd21e),
            ends: if every == 0 { At::NEVER } else { At(every) },
            every,
            calls: [0; Method::ALL.len()],
        }
    }

    /// When its process ends next.
    pub fn ends(&self) -> At {
        self.ends
    }

    /// It has ended, and comes back.
    pub fn restart(&mut self) {
        self.ends = self.ends.plus(self.every);
        if self.defect != Some(Defect::StickyAborted) {
            self.volumes.values_mut().for_each(|truth| truth.busy = At(0));
        }
    }

    /// A volume that is there from the start.
    pub fn has(&mut self, handle: Name, bytes: u64) {
        let truth = Truth { device: bytes, usable: bytes, ..Truth::default() };
        self.volumes.insert(handle, truth);
    }

    /// What a volume really is.
    pub fn truth(&self, handle: Name) -> Option<Truth> {
        self.volumes.get(&handle).copied()
    }

    /// Takes a call. When its answer comes, and which.
    pub fn call(&mut self, now: At, rpc: &Rpc, names: &mut Names) -> (At, Answer) {
        self.calls[rpc.method as usize] += 1;
        let fail = |code: Code, text: &str, names: &mut Names| {
            Err(Failure { code: Some(code), message: names.of(text) })
        };
        let takes = self.latency.draw(&mut self.random);
        let ready = now.plus(takes);
        let since_end = now.since(At(self.ends.0.saturating_sub(self.every)));
        if self.every > 0 && self.ends.0 > self.every && since_end < DOWN {
            return (now.plus(1), fail(Code::Unavailable, "connection refused", names));
        }
        if ready >= self.ends {
            if self.random.happens(0.5) {
                let _ = self.perform(now, rpc, names, true);
            }
            return (self.ends, fail(Code::Unavailable, "transport is closing", names));
        }
        let mut share = self.random.unit();
        if share < self.errors.lost || takes > rpc.deadline {
            let _ = self.perform(now, rpc, names, true);
            let late = now.plus(rpc.deadline);
            return (late, fail(Code::DeadlineExceeded, "context deadline exceeded", names));
        }
        share -= self.errors.lost;
        for (code, part) in &self.errors.codes {
            if share < *part {
                return (ready, fail(*code, "injected", names));
            }
            share -= part;
        }
        match self.perform(now, rpc, names, false) {
            Ok(reply) => (ready, Ok(reply)),
            Err((code, text)) => (ready, fail(code, text, names)),
        }
    }

    fn perform(
        &mut self,
        now: At,
        rpc: &Rpc,
        names: &mut Names,
        abandoned: bool,
    ) -> Result<Reply, (Code, &'static str)> {
        let reply = Reply { caps: self.caps, ..Reply::default() };
        let busy = now.plus(if abandoned { rpc.deadline + 2 * SECOND } else { 0 });
        match rpc.method {
            Method::CreateVolume => {
                let text = format!("h-{}", names.text(rpc.volume));
                let handle = names.of(&text);
                let bytes = self.rounded(rpc.bytes);
                if !self.volumes.contains_key(&handle) {
                    self.has(handle, bytes);
                }
                Ok(Reply { bytes, handle, ..reply })
            }
            Method::DeleteVolume => {
                self.volumes.remove(&rpc.handle);
                Ok(reply)
            }
            Method::ControllerExpandVolume => {
                let bytes = self.rounded(rpc.bytes);
                let (defect, block) = (self.defect, self.block);
                let truth = self.volumes.get_mut(&rpc.handle).ok_or((Code::NotFound, "volume"))?;
                let locked = defect == Some(Defect::StickyAborted) && truth.abandoned;
                if truth.busy > now || locked {
                    return Err((Code::Aborted, "an operation is pending for this volume"));
                }
                if defect == Some(Defect::NotRepeatable) && truth.abandoned && truth.device >= bytes
                {
                    return Err((Code::Internal, "the volume has this size already"));
                }
                if truth.device < bytes {
                    truth.device = bytes;
                    truth.visible = now.plus(2 * SECOND);
                }
                if block {
                    truth.usable = truth.device;
                }
                let repeated = truth.told || abandoned;
                truth.told = true;
                truth.abandoned |= abandoned;
                truth.busy = busy;
                let flips = defect == Some(Defect::FlagFlips) && repeated;
                let device = truth.device;
                let bytes = if defect == Some(Defect::NoSize) { 0 } else { device };
                Ok(Reply { bytes, node_expansion: !flips, ..reply })
            }
            Method::NodeExpandVolume => {
                let late = self.defect == Some(Defect::NotFoundWhileLate);
                let truth = self.volumes.get_mut(&rpc.handle).ok_or((Code::NotFound, "volume"))?;
                if truth.visible > now {
                    let code = if late { Code::NotFound } else { Code::Unavailable };
                    return Err((code, "the device has its old size"));
                }
                truth.usable = truth.device;
                Ok(Reply { bytes: truth.device, ..reply })
            }
            Method::NodeStageVolume | Method::NodePublishVolume => {
                self.volumes.get(&rpc.handle).ok_or((Code::NotFound, "volume"))?;
                Ok(reply)
            }
            _ => Ok(reply),
        }
    }

    fn rounded(&self, bytes: u64) -> u64 {
        if self.defect == Some(Defect::RoundsUp) { bytes.next_multiple_of(ROUND) } else { bytes }
    }
}
