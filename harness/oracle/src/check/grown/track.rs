//! Follows one volume through its growth and says when what is due.

use super::{due::Due, required};
use crate::{
    action::Rpc,
    check::seen::{Seen, range},
    evidence::Op,
    model::Volume,
    report::Finding,
};

/// One volume.
#[derive(Debug, Default)]
pub struct Track<'a> {
    last: Option<Seen<'a>>,
    /// Promised, and not measured yet.
    due: Option<Due<'a>>,
    /// What CreateVolume has promised, until the volume is published or grows.
    created: Option<Due<'a>>,
    /// Promised and kept where it was asked for; other paths are still to be seen.
    kept: Option<Due<'a>>,
    /// A controller's step that waits for the node's.
    half: Option<Due<'a>>,
}

impl<'a> Track<'a> {
    /// CreateVolume came back.
    pub fn created(&mut self, op: &Op<'a>, known: Option<&Volume>) {
        let Some(info) = op.reply().and_then(|reply| reply.volume.as_ref()) else { return };
        if known.is_some_and(|volume| volume.id == info.id) {
            return; // The same volume again.
        }
        let mut due = Self::promise(op, Rpc::CreateVolume);
        due.replied = Some(info.capacity_bytes);
        *self = Self { due: Some(due), created: Some(due), ..Self::default() };
    }

    /// NodePublish was OK: a copy larger than its source is whole by now.
    pub fn published(&mut self, op: &Op<'a>, source_size: Option<i64>) {
        let Some(due) = self.created.take() else { return };
        if source_size.is_some_and(|size| size < due.required) {
            self.due = Some(Due { fs: true, rpc: Rpc::NodePublish, op: *op, ..due });
        }
    }

    /// ControllerExpand came back.
    pub fn controller(&mut self, op: &Op<'a>, volume: Option<&Volume>) {
        self.created = None;
        let Some(reply) = op.reply() else { return self.failed(op) };
        let told = reply.capacity_bytes;
        let outstanding = self.half.as_ref().map(|half| half.required);
        if outstanding.is_some_and(|size| size > required(op)) {
            return; // Asks for less than what is under way.
        }
        if let Some(half) = self.half.as_mut().filter(|half| half.required == required(op)) {
            // A repeat before the node's step: the growth is still the first one's.
            half.controller = told.map(|size| (*op, size));
        } else {
            let mut due = Self::promise(op, Rpc::ControllerExpand);
            self.start(&mut due, volume);
            (due.replied, due.controller) = (told, told.map(|size| (*op, size)));
            self.half = Some(due);
        }
        if reply.node_expansion_required != Some(true)
            && let Some(mut due) = self.half.take()
        {
            (due.op, due.replied) = (*op, told);
            self.expect(due);
        }
    }

    /// NodeExpand came back.
    pub fn node(&mut self, op: &Op<'a>, volume: Option<&Volume>) {
        self.created = None;
        let Some(reply) = op.reply() else { return self.failed(op) };
        let open = self.due.filter(|due| due.rpc == Rpc::ControllerExpand);
        let half = self.half.take().or(open);
        // Without a range it may grow to the maximum or not at all (notes, 14).
        let Some((required, _)) = range(op) else { return };
        let mut due = Self::promise(op, Rpc::NodeExpand);
        if let Some(half) = half {
            (due.before, due.growing) = (half.before, half.growing);
            (due.controller, due.limit) = (half.controller, half.limit);
        } else {
            self.start(&mut due, volume);
            if volume.is_some_and(|volume| volume.size() >= required) {
                due.limit = 0;
            }
        }
        (due.fs, due.replied) = (true, reply.capacity_bytes);
        due.path = op.call().and_then(|call| call.path.as_ref());
        self.expect(due);
    }

    /// Something was measured.
    pub fn measured(&mut self, seen: &Seen<'a>) -> Option<Finding> {
        let finding = self.judge(seen);
        self.last = Some(*seen);
        finding
    }

    fn judge(&mut self, seen: &Seen<'a>) -> Option<Finding> {
        if let Some(due) = self.due.filter(|due| due.is_for(seen.path)) {
            if seen.op.begin() < due.op.end() {
                return None;
            }
            self.due = None;
            // For a read-only publication a node step may do nothing (notes, 21).
            if seen.read_only && due.fs {
                return None;
            }
            let finding = due.judge(seen);
            if finding.is_some() {
                self.created = None;
            }
            self.kept = finding.is_none().then_some(due).filter(|due| due.rpc == Rpc::NodeExpand);
            return finding;
        }
        let due = self.kept.filter(|due| !due.is_for(seen.path) && !seen.read_only)?;
        self.kept = None;
        due.judge_other(seen)
    }

    /// A larger growth whose outcome is open or that failed: what was promised before it can no
    /// longer be told from what it did.
    fn failed(&mut self, op: &Op<'a>) {
        let size = required(op);
        self.due.take_if(|due| due.required < size);
        self.kept = None;
    }

    fn start(&self, due: &mut Due<'a>, volume: Option<&Volume>) {
        due.before = self.last;
        let known = volume.filter(|volume| volume.size() > 0);
        due.growing = known.is_some_and(|volume| due.required > volume.size());
        // A limit below the size there is, or may be since an unanswered call, binds nobody.
        let device = self.last.and_then(|seen| seen.device).unwrap_or(0);
        let present = volume.map_or(0, |volume| volume.size().max(volume.doubt));
        if due.limit <= present || due.limit.unsigned_abs() <= device {
            due.limit = 0;
        }
    }

    fn expect(&mut self, due: Due<'a>) {
        // A reply above the limit is `capacity-contract`'s.
        let told = due.replied.max(due.controller.map(|(_, size)| size)).unwrap_or(0);
        let limit = if told > due.limit { 0 } else { due.limit };
        // So is one below the minimum; what is told has to be there all the same.
        let required = if told > 0 { due.required.min(told) } else { due.required };
        // A repeat of what is not measured yet changes nothing.
        if self.due.is_none_or(|open| open.required < due.required || open.rpc != due.rpc) {
            self.due = Some(Due { required, limit, ..due });
        }
        self.kept = None;
    }

    fn promise(op: &Op<'a>, rpc: Rpc) -> Due<'a> {
        let (required, limit) = range(op).unwrap_or((0, 0));
        Due {
            op: *op,
            rpc,
            required,
            limit,
            replied: None,
            controller: None,
            before: None,
            growing: false,
            fs: false,
            path: None,
        }
    }
}
