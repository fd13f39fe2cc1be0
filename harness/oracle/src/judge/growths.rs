//! One row for each growth that was asked for: the controller's step, the node's step that
//! followed, and what was measured before and after. Facts only; the checks judge them.

use std::collections::HashMap;

use crate::{
    action::{Access, Action, Call, Load, Rpc},
    check::{
        seen::{Seen, range},
        table,
    },
    evidence::{Evidence, Op},
    history::{Code, Completion, FsGeometry, Outcome},
    model::{self, Model},
    report::Growth,
};

/// The rows of one instance, in order of completion of the first call of each.
pub fn growths(evidence: &Evidence<'_>) -> Vec<Growth> {
    let mut table =
        Table { evidence, rows: Vec::new(), latest: HashMap::new(), seen: HashMap::new() };
    model::walk(evidence.subject, |model, op| table.take(model, op));
    table.rows.into_iter().map(|row| row.growth).collect()
}

struct Table<'a, 'e> {
    evidence: &'e Evidence<'a>,
    rows: Vec<Row>,
    /// Row of the last growth of each volume.
    latest: HashMap<&'a str, usize>,
    seen: HashMap<&'a str, Seen<'a>>,
}

struct Row {
    growth: Growth,
    /// Last event of its calls.
    end: u32,
    /// Nothing was measured since.
    open: bool,
}

impl<'a> Table<'a, '_> {
    fn take(&mut self, model: &Model, op: &Op<'a>) {
        let Some(volume) = op.volume() else { return };
        match &op.invoke.action {
            Action::Call(call) if is_asked(call, op) => self.called(model, volume, call, op),
            Action::Load(Load::Verify { .. } | Load::Stop { .. } | Load::Close { .. }) => {
                self.verified(volume, op);
            }
            _ => (),
        }
        if let Some((volume, seen)) = Seen::of(model, op) {
            self.measured(volume, seen);
        }
    }

    fn called(&mut self, model: &Model, volume: &'a str, call: &'a Call, op: &Op<'a>) {
        let (required, _) = range(op).unwrap_or((0, 0));
        let open = self.latest.get(volume).copied().filter(|row| {
            let growth = &self.rows[*row].growth;
            let first = growth.controller_code.is_some() && growth.node_code.is_none();
            first && (call.capacity_range.is_none() || growth.required == required)
        });
        let row = match open.filter(|_| call.rpc == Rpc::NodeExpand) {
            Some(row) => row,
            None => self.start(model, volume, op),
        };
        self.latest.insert(volume, row);
        self.rows[row].fill(call.rpc, op);
    }

    fn start(&mut self, model: &Model, volume: &'a str, op: &Op<'a>) -> usize {
        let (required, limit) = range(op).unwrap_or((0, 0));
        let known = model.volume(volume);
        let access =
            known.and_then(|v| v.access.as_ref()).or(self.evidence.instance.access.as_ref());
        let before = self.seen.get(volume);
        let growth = Growth {
            scenario: self.evidence.instance.id.clone(),
            volume: volume.to_owned(),
            step: op.invoke.step.clone(),
            access: name(access, before.and_then(|seen| seen.fs)),
            online: model.is_online(volume),
            before: known.and_then(|volume| volume.replied),
            required,
            limit,
            controller: None,
            node: None,
            controller_code: None,
            node_code: None,
            device_before: before.and_then(|seen| seen.device),
            device_after: None,
            fs_before: before.and_then(|seen| seen.fs).map(|fs| fs.bytes),
            fs_after: None,
            controller_us: None,
            node_us: None,
            verified: None,
            from_us: op.event.at_us,
            to_us: op.event.at_us,
            impact: None,
        };
        self.rows.push(Row { growth, end: op.end(), open: true });
        self.rows.len() - 1
    }

    fn measured(&mut self, volume: &'a str, seen: Seen<'a>) {
        if let Some(row) = self.latest.get(volume).and_then(|row| self.rows.get_mut(*row))
            && row.open
            && seen.op.begin() > row.end
        {
            row.open = false;
            row.growth.device_after = seen.device;
            row.growth.fs_after = seen.fs.map(|fs| fs.bytes);
            if row.growth.access.is_empty() {
                row.growth.access = name(None, seen.fs);
            }
        }
        self.seen.insert(volume, seen);
    }

    fn verified(&mut self, volume: &'a str, op: &Op<'a>) {
        let Some(Completion::Ok(Outcome::Loaded(report))) = op.completion() else { return };
        if let Some(row) = self.latest.get(volume).and_then(|row| self.rows.get_mut(*row))
            && op.end() > row.end
            && report.bytes_verified > 0
        {
            row.growth.verified.get_or_insert(report.bytes_verified);
        }
    }
}

impl Row {
    fn fill(&mut self, rpc: Rpc, op: &Op<'_>) {
        let code = op.code().map(|code| code.to_string());
        let bytes = op.reply().and_then(|reply| reply.capacity_bytes);
        let took = op.completed.map(|event| event.at_us.saturating_sub(op.event.at_us));
        let growth = &mut self.growth;
        if rpc == Rpc::ControllerExpand {
            (growth.controller, growth.controller_code, growth.controller_us) = (bytes, code, took);
        } else {
            (growth.node, growth.node_code, growth.node_us) = (bytes, code, took);
        }
        growth.to_us = growth.to_us.max(op.completed.unwrap_or(op.event).at_us);
        // What was measured between the two steps is not the end of it.
        (growth.device_after, growth.fs_after, growth.verified) = (None, None, None);
        (self.end, self.open) = (op.end(), true);
    }
}

fn is_asked(call: &Call, op: &Op<'_>) -> bool {
    table::expands(call.rpc) && !op.is_teardown() && op.code() != Some(Code::Unbound)
}

fn name(access: Option<&Access>, fs: Option<&FsGeometry>) -> String {
    match access {
        Some(Access::Block) => "block".to_owned(),
        Some(Access::Mount { fs, .. }) if !fs.is_empty() => fs.clone(),
        _ => fs.map_or(String::new(), |fs| fs.kind.clone()),
    }
}
