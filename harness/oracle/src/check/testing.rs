//! A history in a few lines, for tests: one call a line, answers beside it, sizes in MiB.
//!
//! `H::xfs().create(64).publish().expand(128).reply(128, true).node_expand(128).ok().see(128, 128)`

use std::collections::BTreeMap;

use crate::{
    action::{Access, AccessMode, Action, Call, Capability, CapacityRange, PathRef, Ref, Rpc},
    history::{
        Because, Code, Completion, End, Ended, Event, EventKind, Expect, Failure, Instance, Invoke,
        Leak, Outcome, Reading, Record, Reply, Run, Side, StepId, Stopped, VolumeInfo,
    },
    judge::judge,
    report::{Finding, Report},
    verdict::Verdict,
};

pub(crate) mod catalogue;
mod database;
mod target;
mod whole;

pub use catalogue::catalogue;

/// Bytes of a MiB.
pub const MIB: i64 = 1 << 20;

/// A history that is being written: one scenario, the volume `vol` unless said otherwise.
#[derive(Clone)]
pub struct H {
    run: Run,
    instance: Instance,
    events: BTreeMap<Side, Vec<Event>>,
    ended: BTreeMap<Side, Ended>,
    end: Option<End>,
    side: Side,
    volume: String,
    step: u16,
    expect: Option<Expect>,
    /// Operations without an answer, latest last.
    open: Vec<u32>,
    at_us: u64,
    access: Access,
    path: PathRef,
    readings: Vec<Reading>,
}

impl H {
    /// A volume with an XFS.
    pub fn xfs() -> Self {
        Self::of(Access::Mount { fs: "xfs".into(), flags: vec![] })
    }

    /// A raw block volume.
    pub fn block() -> Self {
        Self::of(Access::Block)
    }

    fn of(access: Access) -> Self {
        let run = target::run();
        let instance = Instance {
            number: 0,
            id: "expansion/test[fs=xfs]".into(),
            scenario: "expansion/test".into(),
            about: "A test.".into(),
            clauses: vec!["controller-expand.purpose".into()],
            axes: BTreeMap::from([("fs".into(), "xfs".into())]),
            access: Some(access.clone()),
            skip: None,
            slo: None,
            scale: None,
            path_bytes: None,
            orchestrator: None,
        };
        let over =
            |at_us| Ended { at_us, stopped: None, driver_ended: None, broken: None, leaks: vec![] };
        Self {
            run,
            instance,
            events: BTreeMap::new(),
            ended: BTreeMap::from([(Side::Subject, over(0))]),
            end: Some(End { at_us: 0, interrupted: false, leaks: vec![] }),
            side: Side::Subject,
            volume: "vol".into(),
            step: 1,
            expect: None,
            open: vec![],
            at_us: 0,
            access,
            path: PathRef::Target(0),
            readings: vec![],
        }
    }

    // ---- surroundings

    /// Changes the facts of the run.
    pub fn run(mut self, change: impl FnOnce(&mut Run)) -> Self {
        change(&mut self.run);
        self
    }

    /// Changes the plan of the scenario.
    pub fn plan(mut self, change: impl FnOnce(&mut Instance)) -> Self {
        change(&mut self.instance);
        self
    }

    /// The target does not offer that.
    pub fn without(self, offer: &str) -> Self {
        self.run(|run| {
            run.target.offers.has.remove(offer);
        })
    }

    /// How the subject's side ended.
    pub fn ended(mut self, change: impl FnOnce(&mut Ended)) -> Self {
        change(self.ended.get_mut(&Side::Subject).expect("not cut"));
        self
    }

    /// The script ended early.
    pub fn stopped(self, because: Because) -> Self {
        self.ended(|ended| ended.stopped = Some(Stopped { because, why: "no volume".into() }))
    }

    /// Something was left behind.
    pub fn leak(self, kind: &str) -> Self {
        let leak = Leak { kind: kind.into(), what: "thing-1".into(), why: "still there".into() };
        self.ended(|ended| ended.leaks.push(leak))
    }

    /// The history has no end.
    pub fn cut(mut self) -> Self {
        self.ended.clear();
        self.end = None;
        self
    }

    /// From here on the reference does it.
    pub fn reference(mut self) -> Self {
        self.side = Side::Reference;
        self.run.reference = Some(target::target());
        self.step = 1;
        self.volume = "vol".into();
        self
    }

    /// From here on it is about that volume.
    pub fn on(mut self, volume: &str) -> Self {
        self.volume = volume.into();
        self
    }

    /// From here on paths are this one.
    pub fn at(mut self, path: PathRef) -> Self {
        self.path = path;
        self
    }

    /// The clock goes on, to that time at least.
    pub fn until(mut self, at_us: u64) -> Self {
        self.at_us = self.at_us.max(at_us);
        self
    }

    /// What was read of the volume, in chunks of ten.
    pub fn readings(mut self, readings: Vec<Reading>) -> Self {
        self.readings = readings;
        self
    }

    /// From here on everything has this step number.
    pub fn step(mut self, step: u16) -> Self {
        self.step = step;
        self
    }

    /// From here on everything undoes the scenario.
    pub fn teardown(self) -> Self {
        self.step(StepId::TEARDOWN)
    }

    /// The next operation must be answered so.
    pub fn expect(mut self, pass: &[Code]) -> Self {
        self.expect = Some(Expect { pass: pass.to_vec(), warn: vec![], clause: None });
        self
    }

    /// The next operation may also be answered so.
    pub fn warn(mut self, warn: &[Code]) -> Self {
        self.expect.as_mut().expect("expect first").warn = warn.to_vec();
        self
    }

    /// The clause that another answer breaks.
    pub fn clause(mut self, clause: &str) -> Self {
        self.expect.as_mut().expect("expect first").clause = Some(clause.into());
        self
    }

    // ---- calls, still without an answer

    /// Any call for the volume.
    pub fn call(self, rpc: Rpc, change: impl FnOnce(&mut Call)) -> Self {
        let mut call = Call::new(rpc);
        call.volume = Some(Ref::Handle(self.volume.clone()));
        change(&mut call);
        self.invoke(Action::Call(Box::new(call)))
    }

    /// CreateVolume with a range.
    pub fn creates(self, required: i64, limit: i64) -> Self {
        let capability = Capability { access: self.access.clone(), mode: AccessMode::default() };
        self.call(Rpc::CreateVolume, |call| {
            call.name = Some("name-1".into());
            call.capacity_range = Some(range(required, limit));
            call.capability = Some(capability);
        })
    }

    /// ControllerExpandVolume.
    pub fn expand(self, required: i64) -> Self {
        self.expand_to(required, 0)
    }

    /// ControllerExpandVolume with a limit.
    pub fn expand_to(self, required: i64, limit: i64) -> Self {
        self.call(Rpc::ControllerExpand, |c| c.capacity_range = Some(range(required, limit)))
    }

    /// NodeExpandVolume.
    pub fn node_expand(self, required: i64) -> Self {
        self.node_expand_to(required, 0)
    }

    /// NodeExpandVolume with a limit.
    pub fn node_expand_to(self, required: i64, limit: i64) -> Self {
        let path = self.path.clone();
        self.call(Rpc::NodeExpand, |call| {
            call.capacity_range = Some(range(required, limit));
            call.path = Some(path);
        })
    }

    // ---- answers to the latest of them

    /// OK, and nothing else.
    pub fn ok(self) -> Self {
        self.says(Reply::default())
    }

    /// OK with a size.
    pub fn size(self, size: i64) -> Self {
        self.bytes(size * MIB)
    }

    /// OK with a size in bytes.
    pub fn bytes(self, bytes: i64) -> Self {
        self.says(Reply { capacity_bytes: Some(bytes), ..Reply::default() })
    }

    /// OK with a size and a demand for a node step.
    pub fn reply(self, size: i64, node_step: bool) -> Self {
        self.says(Reply {
            capacity_bytes: Some(size * MIB),
            node_expansion_required: Some(node_step),
            ..Reply::default()
        })
    }

    /// OK with a volume.
    pub fn volume(self, id: &str, size: i64) -> Self {
        let capacity_bytes = size * MIB;
        let context = BTreeMap::new();
        let info = VolumeInfo { id: id.into(), capacity_bytes, context, content_source: None };
        self.says(Reply { volume: Some(info), ..Reply::default() })
    }

    /// OK with any reply.
    pub fn says(self, reply: Reply) -> Self {
        self.complete(Completion::Ok(Outcome::Reply(Box::new(reply))))
    }

    /// Refused.
    pub fn fails(self, code: Code) -> Self {
        self.complete(Completion::Fail(failure(code)))
    }

    /// Nobody can know.
    pub fn lost(self, code: Code) -> Self {
        self.complete(Completion::Info(failure(code)))
    }

    // ---- the bottom of it

    /// Any action.
    pub fn invoke(mut self, action: Action) -> Self {
        let op = self.events.entry(self.side).or_default().len() as u32;
        let step = StepId { step: self.step, verb: "test".into(), part: 0 };
        if self.step != StepId::TEARDOWN {
            self.step += 1;
        }
        let expect = self.expect.take();
        self.open.push(op);
        self.event(op, EventKind::Invoke(Box::new(Invoke { step, action, expect })))
    }

    /// Any answer to the latest open one.
    pub fn complete(mut self, completion: Completion) -> Self {
        let op = self.open.pop().expect("something is open");
        self.event(op, EventKind::Complete(Box::new(completion)))
    }

    fn event(mut self, op: u32, kind: EventKind) -> Self {
        self.at_us += 100;
        let at_us = self.at_us;
        let events = self.events.entry(self.side).or_default();
        events.push(Event { index: events.len() as u32, op, at_us, kind });
        self
    }

    /// All records, in order.
    pub fn records(&self) -> Vec<Record> {
        let scenario = self.instance.number;
        let mut records = vec![
            Record::Run(Box::new(self.run.clone())),
            Record::Scenario(Box::new(self.instance.clone())),
        ];
        for (side, events) in &self.events {
            let event =
                |event: &Event| Record::Event { scenario, side: *side, event: event.clone() };
            records.extend(events.iter().map(event));
        }
        records.extend(self.readings.chunks(10).map(|chunk| Record::Readings {
            scenario,
            side: Side::Subject,
            volume: self.volume.clone(),
            readings: chunk.to_vec(),
        }));
        for (side, ended) in &self.ended {
            let ended = Ended { at_us: self.at_us, ..ended.clone() };
            records.push(Record::Ended { scenario, side: *side, ended });
        }
        records.extend(self.end.clone().map(|end| Record::End(End { at_us: self.at_us, ..end })));
        records
    }

    /// The report.
    pub fn report(&self) -> Report {
        judge(self.records(), &catalogue())
    }

    /// What is found, a line each: check and clause, and the weight unless it fails.
    pub fn found(&self) -> Vec<String> {
        let report = self.report();
        // That one scenario alone grows nothing is no finding of a check.
        let of_checks = report.findings.iter().map(|located| &located.finding);
        of_checks.filter(|one| !(one.check == "whole" && one.clause.is_empty())).map(line).collect()
    }
}

fn line(finding: &Finding) -> String {
    let weight = match (finding.verdict, finding.advisory) {
        (Verdict::Fail, _) => String::new(),
        (_, true) => " remark".into(),
        (verdict, _) => format!(" {verdict}"),
    };
    format!("{} {}{weight}", finding.check, finding.clause)
}

fn range(required: i64, limit: i64) -> CapacityRange {
    CapacityRange { required: required * MIB, limit: limit * MIB }
}

fn failure(code: Code) -> Failure {
    Failure { code, message: "no".into() }
}
