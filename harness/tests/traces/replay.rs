//! Drives the simulated resizer along a recording. What the recording leaves to chance (two races)
//! is searched; the first schedule under which everything is equal counts.

use csi_stretch::generator::orchestrator::{
    component::Effect,
    rpc::{Method, Rpc},
    store::Write,
    time::{At, MILLISECOND, SECOND, Span},
};
use serde_json::{Value, json};

use crate::{
    record::{Recording, content},
    rig::{DRIVER, Due, Rig},
};

/// The recorded process made at most 5 API requests a second after the first ten, and its API
/// server took its time.
const SLACK: Span = 700 * MILLISECOND;
const SCHEDULES_MAX: usize = 200_000;

/// How many schedules it took, or how the one that got farthest ends.
pub fn replay(recording: &Recording) -> Result<usize, String> {
    let (mut tried, mut best) = (0, (0, String::new()));
    for phase in 0..10 {
        let mut choices: Vec<bool> = Vec::new();
        loop {
            tried += 1;
            let mut replay = Replay::new(recording, At(phase * 10 * MILLISECOND), choices);
            let result = replay.run();
            let Err(why) = result else { return Ok(tried) };
            if replay.line + replay.call >= best.0 {
                best = (replay.line + replay.call, why);
            }
            // The last choice that was not yet taken the other way.
            choices = replay.choices;
            choices.truncate(replay.made);
            while choices.last() == Some(&true) {
                choices.pop();
            }
            match choices.last_mut() {
                Some(last) if tried < SCHEDULES_MAX => *last = true,
                _ => break,
            }
        }
    }
    Err(format!("no schedule of {tried} fits; the best one ends with: {}", best.1))
}

struct Replay<'a> {
    rig: Rig,
    recording: &'a Recording,
    line: usize,
    call: usize,
    choices: Vec<bool>,
    made: usize,
}

impl<'a> Replay<'a> {
    fn new(recording: &'a Recording, phase: At, choices: Vec<bool>) -> Self {
        let rig = Rig::new(recording, phase);
        Self { rig, recording, line: 0, call: 0, choices, made: 0 }
    }

    fn choose(&mut self) -> bool {
        if self.made == self.choices.len() {
            self.choices.push(false);
        }
        self.made += 1;
        self.choices[self.made - 1]
    }

    /// The next line that is no event; events are compared at the end.
    fn next(&mut self) -> Option<(&'a Value, At)> {
        while self.recording.api.get(self.line).is_some_and(|line| line["act"] == "EVENT") {
            self.line += 1;
        }
        let line = self.recording.api.get(self.line)?;
        Some((line, At((line["t"].as_f64().unwrap_or_default() * SECOND as f64) as u64)))
    }

    fn run(&mut self) -> Result<(), String> {
        // The first two lines put the objects, with which the rig begins.
        self.line = 2;
        self.rig.start();
        loop {
            if let Some(effect) = self.rig.effects.pop_front() {
                self.effect(effect)?;
                continue;
            }
            let due = self.rig.due.iter().enumerate().min_by_key(|(_, (at, _))| *at);
            let due = due.map(|(index, (at, _))| (index, *at));
            if let Some((index, _)) = due.filter(|(_, at)| *at <= self.rig.now) {
                self.rig.fire(index);
                continue;
            }
            let Some((line, at)) = self.next() else { return self.end() };
            if line["act"] == "PATCH" {
                match due.filter(|(_, due)| *due <= at.plus(SLACK)) {
                    Some((index, _)) => self.rig.fire(index),
                    None => return Err(format!("nothing is due for {line}")),
                }
                continue;
            }
            let first = due
                .filter(|(_, due)| due.plus(SLACK) < at || *due <= at.plus(SLACK) && self.choose());
            if let Some((index, _)) = first {
                self.rig.fire(index);
            } else {
                self.rig.now = self.rig.now.max(at);
                self.rig.user(line)?;
                self.line += 1;
            }
        }
    }

    fn effect(&mut self, effect: Effect) -> Result<(), String> {
        match effect {
            Effect::Wake(at, key) => self.rig.due.push((at, Due::Wake(key))),
            Effect::Notice(notice) => {
                let text = self.rig.store.names.text(notice.message);
                self.rig.said.push(format!("{} {text}", notice.reason));
            }
            Effect::Call(task, rpc) => {
                let script = self.called(&rpc)?;
                let (span, answer) = self.rig.answer(&rpc, script);
                self.rig.due.push((self.rig.now.plus(span), Due::Answer(task, answer)));
            }
            Effect::Write(task, write) => {
                self.patched(&write)?;
                let result = self.rig.store.write(self.rig.now, &write);
                let told_first = self.choose();
                if told_first {
                    self.rig.watch();
                }
                self.rig.wrote(task, result);
                self.rig.watch();
            }
        }
        Ok(())
    }

    fn called(&mut self, rpc: &Rpc) -> Result<&'a Value, String> {
        let made = self.request(rpc);
        let Some(recorded) = self.recording.calls.get(self.call) else {
            return Err(format!("a call too many: {made}"));
        };
        let comparable = json!({
            "rpc": recorded["rpc"], "req": recorded["req"], "deadline_s": recorded["deadline_s"],
        });
        if made != comparable {
            return Err(format!("the call is {made}, and was {comparable}"));
        }
        self.call += 1;
        Ok(recorded)
    }

    fn request(&self, rpc: &Rpc) -> Value {
        if rpc.method != Method::ControllerExpandVolume {
            return json!({ "rpc": rpc.method.name(), "req": null, "deadline_s": null });
        }
        let names = &self.rig.store.names;
        let fs_type = self.rig.volume().csi.as_ref().map_or("", |csi| names.text(csi.fs_type));
        let capability = rpc.capability.map(|capability| {
            let access = if capability.block {
                json!({ "Block": {} })
            } else {
                json!({ "Mount": { "fs_type": fs_type } })
            };
            json!({ "AccessType": access, "access_mode": { "mode": capability.mode as u8 } })
        });
        json!({
            "rpc": rpc.method.name(),
            "req": {
                "volume_id": names.text(rpc.handle),
                "capacity_range": { "required_bytes": rpc.bytes },
                "volume_capability": capability,
            },
            "deadline_s": format!("{:.1}", rpc.deadline as f64 / SECOND as f64),
        })
    }

    fn patched(&mut self, write: &Write) -> Result<(), String> {
        let made = self.rig.content(write);
        let Some((line, at)) = self.next().filter(|(line, _)| line["act"] == "PATCH") else {
            return Err(format!("a patch too many: {made:?}"));
        };
        let mut recorded = content(line, &self.rig.held())?;
        if let Some(order) = recorded.order.take() {
            let mut after: Vec<&str> = self.rig.held().iter().map(|kind| kind.text()).collect();
            for (kind, message) in &made.conditions {
                after.retain(|held| held != kind);
                if message.is_some() {
                    after.push(kind);
                }
            }
            after.sort_unstable();
            if after != order {
                return Err(format!("the conditions are {after:?}, and were {order:?}"));
            }
        }
        if made != recorded {
            return Err(format!("the patch is {made:?}, and was {recorded:?}"));
        }
        if self.rig.now.plus(SLACK) < at {
            return Err(format!("too early, at {:?}: {line}", self.rig.now));
        }
        self.rig.now = self.rig.now.max(at);
        self.line += 1;
        Ok(())
    }

    fn end(&self) -> Result<(), String> {
        if let Some(call) = self.recording.calls.get(self.call) {
            return Err(format!("a call is missing: {call}"));
        }
        for line in self.recording.api.iter().filter(|line| line["act"] == "EVENT") {
            let text = line["raw"].to_string().replace("\\\"", "\"");
            // A hung call ends with one of two messages, by chance.
            let text = text.replace(
                "stream terminated by RST_STREAM with error code: CANCEL",
                "context deadline exceeded",
            );
            let told = |said: &String| {
                let (reason, message) = said.split_once(' ').unwrap_or_default();
                text.contains(reason) && text.contains(message)
            };
            if !text.contains(DRIVER) || !self.rig.said.iter().any(told) {
                return Err(format!("nobody said {text}; said was {:?}", self.rig.said));
            }
        }
        Ok(())
    }
}
