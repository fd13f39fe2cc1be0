//! A promise, and how a measurement keeps or breaks it.

use super::{CHECK, is_own};
use crate::{
    action::{PathRef, Rpc},
    check::seen::Seen,
    evidence::Op,
    report::{Class, Finding},
    words::{self, bytes, bytes_u64},
};

/// What an OK has promised.
#[derive(Clone, Copy, Debug)]
pub struct Due<'a> {
    /// The call that was answered with OK.
    pub op: Op<'a>,
    /// Which one it was.
    pub rpc: Rpc,
    /// Bytes; 0 is none.
    pub required: i64,
    /// Bytes; 0 is none, or one that cannot be held against the driver.
    pub limit: i64,
    /// Size as replied by this call, bytes.
    pub replied: Option<i64>,
    /// The controller's step and its reply, if the size comes from there.
    pub controller: Option<(Op<'a>, i64)>,
    /// The last measurement before the growth began.
    pub before: Option<Seen<'a>>,
    /// It was larger than the volume at that time.
    pub growing: bool,
    /// Whether a file system has to fill the device by now.
    pub fs: bool,
    /// Path that the node step was sent for.
    pub path: Option<&'a PathRef>,
}

impl Due<'_> {
    /// Judges the first measurement after it.
    pub fn judge(&self, seen: &Seen<'_>) -> Option<Finding> {
        match seen.device {
            Some(_) if self.is_smaller(seen) => None,
            Some(device) => {
                let device_fault = self.device(device, seen);
                device_fault.or_else(|| self.file_system(seen)).or_else(|| self.echo(device, seen))
            }
            None => self.statfs(seen),
        }
        .map(|finding| finding.proved_by(&self.op))
    }

    /// Judges a path that the step was not sent for: it should have grown, too.
    pub fn judge_other(&self, seen: &Seen<'_>) -> Option<Finding> {
        let short = seen.device.is_some_and(|device| below(device, self.required));
        let fs_short = seen.is_short(self.before.as_ref()) == Some(true);
        (self.growing && (short || self.fs && fs_short)).then(|| {
            let what = format!(
                "{} was OK, but {} shows {}",
                words::action(&self.op.invoke.action),
                seen.path,
                seen.words()
            );
            CHECK
                .breach(Class::Lie, "node-expand.all-targets", &seen.op, what)
                .versus(format!("{} at every path", bytes(self.required)), seen.words())
                .proved_by(&self.op)
        })
    }

    /// Whether the path is one that this promise is about.
    pub fn is_for(&self, path: &PathRef) -> bool {
        is_own(self.path, path)
    }

    /// Something shrank: `never-shrinks` tells.
    fn is_smaller(&self, seen: &Seen<'_>) -> bool {
        let Some(before) = self.before else { return false };
        let fs = |seen: &Seen<'_>| seen.fs.map(|fs| fs.bytes);
        seen.device < before.device || fs(seen).is_some() && fs(seen) < fs(&before)
    }

    fn device(&self, device: u64, seen: &Seen<'_>) -> Option<Finding> {
        let asked = words::action(&self.op.invoke.action);
        let size = bytes_u64(device);
        if below(device, self.required) {
            let what = format!("{asked} was OK, but the device has {size}");
            let due = format!("device >= {}", bytes(self.required));
            return Some(lie(self.at_least(), seen, what).versus(due, seen.words()));
        }
        if self.limit > 0 && !below(device, self.limit.saturating_add(1)) {
            let what = format!("{asked} was OK, but the device has {size}");
            let due = format!("device <= {}", bytes(self.limit));
            return Some(lie(self.at_most(), seen, what).versus(due, seen.words()));
        }
        let told = [self.replied, self.controller.map(|(_, size)| size)];
        let most = told.into_iter().flatten().max().filter(|told| below(device, *told))?;
        if self.rpc == Rpc::CreateVolume {
            return None;
        }
        let (clause, teller) = match self.controller {
            Some((op, told)) if !self.replied.is_some_and(|told| below(device, told)) => {
                ("controller-expand.capacity-bytes-actual", (op, told))
            }
            _ => (self.told_too_much(), (self.op, most)),
        };
        let (asked, most) = (words::action(&teller.0.invoke.action), teller.1);
        let what = format!("{asked} replied {}, but the device has {size}", bytes(most));
        Some(lie(clause, seen, what).versus(format!("device >= {}", bytes(most)), seen.words()))
    }

    fn file_system(&self, seen: &Seen<'_>) -> Option<Finding> {
        let fs =
            seen.fs.filter(|_| self.fs && seen.is_short(self.before.as_ref()) == Some(true))?;
        let asked = words::action(&self.op.invoke.action);
        let what = format!(
            "{asked} was OK, but the {} has {} of the device's {}",
            fs.kind,
            bytes_u64(fs.bytes),
            bytes_u64(seen.device.unwrap_or(0))
        );
        let due = "file system fills the device";
        Some(lie(self.purpose(), seen, what).versus(due, seen.words()))
    }

    /// An echo of the request while the device was rounded up: legal, but not the truth (notes, 4).
    fn echo(&self, device: u64, seen: &Seen<'_>) -> Option<Finding> {
        let of_controller = (self.rpc == Rpc::ControllerExpand)
            .then_some(self.op)
            .zip(self.replied)
            .or(self.controller);
        let (op, told) =
            of_controller.filter(|(_, told)| self.growing && *told == self.required)?;
        if told <= 0 || device <= told.unsigned_abs() {
            return None;
        }
        let what = format!(
            "ControllerExpandVolume replied {} as asked, but the device has {}",
            bytes(told),
            bytes_u64(device)
        );
        let clause = "controller-expand.capacity-bytes-actual";
        let finding = CHECK.breach(Class::Code, clause, &seen.op, what).proved_by(&op).remark();
        Some(finding.versus(bytes_u64(device), bytes(told)))
    }

    /// Nothing but statfs: it is compared only with its own earlier value. A directory without a
    /// size of its own has room enough before and after, which breaks no clause; one of a file
    /// system that is too small for the promise has not.
    fn statfs(&self, seen: &Seen<'_>) -> Option<Finding> {
        let before = self.before.filter(|before| self.growing && before.shared == seen.shared)?;
        let (old, new) = before.statfs.zip(seen.statfs)?;
        if old != new || before.device.is_some() || self.rpc == Rpc::CreateVolume {
            return None;
        }
        let asked = words::action(&self.op.invoke.action);
        let due = format!("statfs > {}", bytes_u64(old));
        if seen.shared && !below(new, self.required) {
            let what = format!(
                "whether {asked} did anything cannot be told: the volume is a plain directory of \
                 a larger file system, which shows {} before and after",
                bytes_u64(new)
            );
            let finding = CHECK.unproved(self.purpose(), &seen.op, what).proved_by(&before.op);
            return Some(finding.versus(due, bytes_u64(new)));
        }
        let place = if seen.shared {
            "the volume is a plain directory of a file system smaller than that"
        } else {
            "the file system is as large as before"
        };
        let what = format!("{asked} was OK, but nothing grew: {place} (statfs {})", bytes_u64(new));
        let finding = lie(self.purpose(), seen, what).proved_by(&before.op);
        Some(finding.versus(due, bytes_u64(new)))
    }

    fn purpose(&self) -> &'static str {
        match self.rpc {
            Rpc::NodeExpand => "node-expand.purpose",
            Rpc::CreateVolume => "create-volume.capacity-range-honored",
            Rpc::NodePublish => "create-volume.larger-than-source-fs",
            _ => "controller-expand.purpose",
        }
    }

    /// A device that is too small at its publication was made too small.
    fn at_least(&self) -> &'static str {
        match self.rpc {
            Rpc::NodePublish => "create-volume.capacity-range-honored",
            _ => self.purpose(),
        }
    }

    fn at_most(&self) -> &'static str {
        match self.rpc {
            Rpc::CreateVolume | Rpc::NodePublish => "create-volume.capacity-range-honored",
            Rpc::NodeExpand if self.controller.is_none() => "node-expand.result-at-most-limit",
            _ => "controller-expand.result-at-most-limit",
        }
    }

    /// NodeExpand's number is optional, but one that is given must not exceed the truth (16).
    fn told_too_much(&self) -> &'static str {
        match self.rpc {
            Rpc::NodeExpand => "node-expand.purpose",
            _ => "controller-expand.capacity-bytes-actual",
        }
    }
}

fn lie(clause: &str, seen: &Seen<'_>, what: String) -> Finding {
    CHECK.breach(Class::Lie, clause, &seen.op, what)
}

/// Whether a measured size is below one of the wire's; negative ones and 0 bind nobody.
fn below(size: u64, wanted: i64) -> bool {
    u64::try_from(wanted).is_ok_and(|wanted| size < wanted)
}
