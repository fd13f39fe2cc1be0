//! The simulated side of a replay: a store with one claim, the simulated resizer, and what was
//! scripted for the driver.

use std::{collections::VecDeque, sync::Arc};

use csi_stretch::generator::orchestrator::{
    component::{Api, Component as _, Effect, Task},
    conditions::{Condition, ConditionKind, Conditions},
    names::Name,
    objects::{
        Claim, ClaimPhase, ClaimRef, Csi, Meta, Modes, Pod, PodPhase, PodVolume, Resize, Volume,
    },
    patch::ConditionChange,
    profile::CURRENT,
    quantity,
    resizer::{Resizer, Settings},
    rpc::{Answer, Caps, Failure, Method, Reply, Rpc},
    store::{Cursor, Id, Object, Refusal, Store, Write},
    time::{At, MILLISECOND, SECOND},
};
use csi_stretch_oracle::history::Code;
use serde_json::Value;

use crate::record::{Content, Recording};

pub const DRIVER: &str = "fake.csi";

/// What waits for its time.
#[derive(Debug)]
pub enum Due {
    Wake(u32),
    Answer(Task, Answer),
}

pub struct Rig {
    pub now: At,
    pub store: Store,
    pub claim: Id<Claim>,
    pub effects: VecDeque<Effect>,
    pub due: Vec<(At, Due)>,
    pub said: Vec<String>,
    volume: Id<Volume>,
    pod: Option<Id<Pod>>,
    resizer: Resizer,
    seen: Cursor,
    puts: VecDeque<Value>,
    controller: bool,
}

impl Rig {
    /// Before anybody asks for anything; `phase`: when the process began.
    pub fn new(recording: &Recording, phase: At) -> Self {
        let mut store = Store::default();
        store.rules.validates = false;
        store.rules.counts_unchanged = true;
        let first = recording.expansions().next();
        let capability = first.map_or(&Value::Null, |call| &call["req"]["volume_capability"]);
        let block = !capability["AccessType"]["Block"].is_null();
        let several = capability["access_mode"]["mode"] == 5;
        let modes = if several { Modes::RWX } else { Modes::RWO };
        let names = &mut store.names;
        let [namespace, claim, volume, handle, driver, fs_type] =
            ["ns", "c1", "pv1", "vol-1", DRIVER, "ext4"].map(|text| names.of(text));
        let size = 10 << 30;
        // The recorded server counted from 101, and had made 102 versions before the first edit.
        for _ in 0..99 {
            let filler =
                Pod { meta: Meta::named(namespace, names_of(&mut store)), ..Pod::default() };
            store.create(At(0), filler).unwrap();
        }
        let csi = Csi { driver, handle, fs_type, ..Csi::default() };
        let object = Volume {
            meta: Meta::named(Name::NONE, volume),
            capacity: size,
            modes,
            block,
            csi: Some(Box::new(csi)),
            ..Volume::default()
        };
        let volume_id = store.create(At(0), object).unwrap();
        let object = Claim {
            meta: Meta::named(namespace, claim),
            modes,
            block,
            request: size,
            volume,
            phase: ClaimPhase::Bound,
            capacity: size,
            ..Claim::default()
        };
        let id = store.create(At(0), object).unwrap();
        let uid = store.get(id).unwrap().meta.uid;
        let bound = ClaimRef { namespace, name: claim, uid };
        store.update(volume_id, None, |volume| volume.claim = Some(bound)).unwrap();
        assert_eq!(store.version(), 102);
        let mut settings = Settings::of(&CURRENT, driver);
        let retry = recording.run["retry_ms"].as_array().cloned().unwrap_or_default();
        if let [first, longest] = &retry[..] {
            let span = |value: &Value| value.as_u64().unwrap() * MILLISECOND;
            settings.retry = (span(first), span(longest));
        }
        if let Some(deadline) = first.and_then(|call| call["deadline_s"].as_str()) {
            settings.timeout = (deadline.parse::<f64>().unwrap() * SECOND as f64) as u64;
        }
        let puts = recording.run["puts"].as_array().cloned().unwrap_or_default();
        let seen = store.now();
        Self {
            now: phase,
            store,
            claim: id,
            effects: VecDeque::new(),
            due: Vec::new(),
            said: Vec::new(),
            volume: volume_id,
            pod: None,
            resizer: Resizer::new(settings, phase),
            seen,
            puts: puts.into(),
            controller: recording.driver_expands(),
        }
    }

    fn tell(&mut self, event: impl FnOnce(&mut Resizer, &mut Api<'_>)) {
        let mut effects = Vec::new();
        let mut api = Api::new(self.now, &mut self.store, &mut effects);
        event(&mut self.resizer, &mut api);
        self.effects.extend(effects);
    }

    pub fn start(&mut self) {
        self.tell(Resizer::start);
    }

    /// The watch tells of everything up to now.
    pub fn watch(&mut self) {
        let changes: Vec<_> = self.store.since(self.seen).unwrap().cloned().collect();
        self.seen = self.store.now();
        for change in changes {
            self.tell(|resizer, api| resizer.changed(api, &change));
        }
    }

    pub fn wrote(&mut self, task: Task, result: Result<Object, Refusal>) {
        self.tell(|resizer, api| resizer.wrote(api, task, result));
    }

    pub fn fire(&mut self, index: usize) {
        let (at, due) = self.due.remove(index);
        self.now = self.now.max(at);
        match due {
            Due::Wake(key) => self.tell(|resizer, api| resizer.woke(api, key)),
            Due::Answer(task, answer) => {
                self.tell(|resizer, api| resizer.answered(api, task, answer));
            }
        }
    }

    /// A line of the recording that is no patch.
    pub fn user(&mut self, line: &Value) -> Result<(), String> {
        let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
        match (text("act").as_str(), text("kind").as_str()) {
            ("user-resize", _) => {
                let size = quantity::parse(&text("size")).ok_or("no size")?;
                self.store.request(self.claim, size).map_err(|refusal| refusal.message)?;
            }
            ("user-put", "pods") => self.put_pod()?,
            ("user-put", "persistentvolumeclaims") => self.put_claim()?,
            other => return Err(format!("unknown line {other:?}")),
        }
        self.watch();
        Ok(())
    }

    fn put_pod(&mut self) -> Result<(), String> {
        let put = self.puts.pop_front().ok_or("runs.json does not say what the pod was")?;
        let phase = put["pod"].as_str().and_then(PodPhase::parse).ok_or("no phase")?;
        if let Some(pod) = self.pod {
            let changed = self.store.update(pod, None, |pod| pod.phase = phase);
            return changed.map(|_| ()).map_err(|refusal| refusal.message);
        }
        let name = self.store.names.of("p");
        let (namespace, claim) = {
            let claim = self.store.get(self.claim).unwrap();
            (claim.meta.namespace, claim.meta.name)
        };
        let volumes = vec![PodVolume { claim, read_only: false }];
        let pod = Pod { meta: Meta::named(namespace, name), volumes, phase, ..Pod::default() };
        self.pod = Some(self.store.create(self.now, pod).map_err(|refusal| refusal.message)?);
        Ok(())
    }

    /// What the kubelet wrote.
    fn put_claim(&mut self) -> Result<(), String> {
        let put = self.puts.pop_front().ok_or("runs.json does not say what was put")?;
        let changed = self.store.update(self.claim, None, |claim| {
            if let Some(resize) = put.get("resize") {
                claim.resize = resize.as_str().and_then(Resize::parse);
            }
            if let Some(size) = put["capacity"].as_str() {
                claim.capacity = quantity::parse(size).unwrap();
            }
            if put.get("conditions").is_some() {
                claim.conditions = Conditions::default();
            }
        });
        changed.map(|_| ()).map_err(|refusal| refusal.message)
    }

    pub fn held(&self) -> Vec<ConditionKind> {
        self.store.get(self.claim).unwrap().conditions.iter().map(|held| held.kind).collect()
    }

    /// What a simulated patch changes, in the words of a recorded one.
    pub fn content(&self, write: &Write) -> Content {
        let names = &self.store.names;
        let texts = |pairs: &[(Name, Option<Name>)]| {
            let text = |name: &Name| names.text(*name).to_owned();
            pairs.iter().map(|(key, value)| (text(key), value.as_ref().map(text))).collect()
        };
        match write {
            Write::Claim(id, patch) => {
                let before = self.store.get(*id).unwrap();
                let renewed = |new: &Condition| {
                    before.conditions.get(new.kind).is_some_and(|old| old.message == new.message)
                };
                let conditions = patch.conditions.iter().filter_map(|change| match change {
                    ConditionChange::Set(new) if renewed(new) => None,
                    ConditionChange::Set(new) => {
                        Some((new.kind.text(), Some(names.text(new.message).to_owned())))
                    }
                    ConditionChange::Removed(kind) => Some((kind.text(), None)),
                });
                Content {
                    volume: false,
                    version: patch.meta.version,
                    capacity: patch.capacity,
                    allocated: patch.allocated,
                    resize: patch.resize,
                    conditions: conditions.collect(),
                    annotations: texts(&patch.meta.annotations),
                    order: None,
                }
            }
            Write::Volume(_, patch) => Content {
                volume: true,
                version: patch.meta.version,
                capacity: patch.capacity,
                annotations: texts(&patch.meta.annotations),
                ..Content::default()
            },
            other => panic!("csi-resizer does not write {other:?}"),
        }
    }

    /// The scripted driver's answer, and how long it takes.
    pub fn answer(&mut self, rpc: &Rpc, script: &Value) -> (u64, Answer) {
        let caps = match rpc.method {
            Method::GetPluginCapabilities => Caps::CONTROLLER_SERVICE,
            Method::ControllerGetCapabilities if self.controller => Caps::CONTROLLER_EXPAND,
            Method::NodeGetCapabilities => Caps::NODE_EXPAND,
            _ => Caps::default(),
        };
        if rpc.method != Method::ControllerExpandVolume {
            return (0, Ok(Reply { caps, ..Reply::default() }));
        }
        let words: Vec<&str> = script["reply"].as_str().unwrap_or_default().split(' ').collect();
        match words[..] {
            ["OK", bytes, node] => {
                let bytes = if bytes == "same" { rpc.bytes } else { bytes.parse().unwrap() };
                (0, Ok(Reply { bytes, node_expansion: node == "true", ..Reply::default() }))
            }
            ["HANG"] => {
                let message = self.store.names.of("context deadline exceeded");
                (rpc.deadline, Err(Failure { code: Some(Code::DeadlineExceeded), message }))
            }
            [code] => {
                let name = code.to_lowercase();
                let parsed: Code = serde_json::from_value(name.into()).expect("a gRPC code");
                let message = self.store.names.of(&format!("scripted {code}"));
                (0, Err(Failure { code: Some(parsed), message }))
            }
            _ => panic!("unknown reply {script}"),
        }
    }

    pub fn volume(&self) -> &Arc<Volume> {
        self.store.get(self.volume).unwrap()
    }
}

fn names_of(store: &mut Store) -> Name {
    let text = format!("filler-{}", store.version());
    store.names.of(&text)
}
