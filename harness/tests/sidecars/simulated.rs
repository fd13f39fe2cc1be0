//! The same cluster with the simulator's components, in virtual time: the sidecars, and all that the
//! lab plays by hand besides.

use std::collections::BTreeMap;

use csi_stretch::generator::orchestrator::{
    attach_detach::AttachDetach,
    attacher::{self, Attacher},
    binder::Binder,
    component::Component,
    kubelet::{self, Kubelets},
    names::Name,
    objects::{
        Attachment, Claim, ClaimPhase, Class, Meta, Modes, Node, Pod, PodPhase, PodVolume, Resize,
    },
    profile::CURRENT,
    provisioner::{self, Provisioner},
    quantity,
    resizer::{self, Resizer},
    rpc::{Answer, Caps, Failure, Method, Reply, Rpc},
    store::{Id, Store},
    time::{At, MILLISECOND, MINUTE, SECOND},
    world::{Link, PartId, Seen, World},
};
use csi_stretch_oracle::history::Code;

use super::{Step, proxy::Call};

/// What the driver of the lab declares and does, as far as a sidecar sees it.
pub struct Driver {
    pub maximum: u64,
    /// Grows no volume that is published to a node.
    pub offline_only: bool,
}

/// The simulated Kubernetes, and the driver.
pub struct Simulated {
    kubernetes: World,
    driver: Driver,
    published: bool,
    calls: BTreeMap<&'static str, Vec<Call>>,
    claim: Option<Id<Claim>>,
    pod: Option<Id<Pod>>,
}

impl Simulated {
    pub fn start(driver: Driver) -> Self {
        let mut store = Store::default();
        let name = store.names.of("mock.csi-stretch.example");
        let meta = Meta::named(Name::NONE, store.names.of("grows"));
        let class = Class { meta, allow_expansion: true, provisioner: name, ..Class::default() };
        store.create(At(0), class).unwrap();
        let meta = Meta::named(Name::NONE, store.names.of("worker"));
        let drivers = [(name, store.names.of("node-1"))].into_iter().collect();
        store.create(At(0), Node { meta, drivers, ready: true, ..Node::default() }).unwrap();
        let finalizer = store.names.of("external-attacher/mock-csi-stretch-example");
        let components: [(_, Box<dyn Component>); 6] = [
            ("csi-provisioner", Box::new(Provisioner::new(provisioner::Settings::of(name), At(0)))),
            ("csi-attacher", Box::new(Attacher::new(attacher::Settings::of(name, finalizer)))),
            ("csi-resizer", Box::new(Resizer::new(resizer::Settings::of(&CURRENT, name), At(0)))),
            ("binder", Box::new(Binder::default())),
            ("attach-detach", Box::new(AttachDetach::default())),
            ("kubelet", Box::new(Kubelets::new(kubelet::Settings::of(&CURRENT, name), 1))),
        ];
        let mut kubernetes = World::new(store, 1);
        for (name, component) in components {
            kubernetes.add(name, component, Link::default());
        }
        let mut simulated = Self {
            kubernetes,
            driver,
            published: false,
            calls: BTreeMap::new(),
            claim: None,
            pod: None,
        };
        simulated.answer_calls();
        simulated.settle();
        simulated
    }

    pub fn calls(&self, sidecar: &str) -> &[Call] {
        self.calls.get(sidecar).map_or(&[], Vec::as_slice)
    }

    pub fn perform(&mut self, step: Step) {
        match step {
            Step::Create(size) => {
                self.create(bytes(size));
                self.until("a bound claim", |all| all.claim().phase == ClaimPhase::Bound);
            }
            Step::StartPod => {
                self.start_pod();
                self.until("a running pod", |all| {
                    all.store().get(all.pod.unwrap()).unwrap().phase == PodPhase::Running
                });
            }
            Step::EndPod => {
                let pod = self.pod.take().unwrap();
                self.kubernetes.edit(|store, at| store.delete(at, pod)).unwrap();
                self.until("a detachment", |all| all.store().list::<Attachment>().next().is_none());
            }
            Step::Ask(size) => {
                let claim = self.claim.unwrap();
                self.kubernetes.edit(|store, _| store.request(claim, bytes(size))).unwrap();
            }
            Step::Await(size, state) => {
                let (bytes, state) = (bytes(size), Resize::parse(state));
                self.until(&format!("{state:?} at {size}"), |all| {
                    let claim = all.claim();
                    claim.allocated == Some(bytes) && claim.resize == state
                });
            }
            Step::Calls(sidecar, count) => {
                self.until(&format!("call {count}"), |all| all.calls(sidecar).len() >= count);
            }
            Step::ExpandOnNode => {
                self.until("a claim that has what it asks for", |all| {
                    let claim = all.claim();
                    claim.capacity == claim.request && claim.resize.is_none()
                });
            }
            Step::Delete => {
                let claim = self.claim.unwrap();
                self.kubernetes.edit(|store, at| store.delete(at, claim)).unwrap();
                self.until("a deletion", |all| {
                    let last = all.calls("csi-provisioner").last();
                    last.is_some_and(|call| call.method == "DeleteVolume")
                });
            }
        }
        self.settle();
    }

    fn store(&self) -> &Store {
        &self.kubernetes.store
    }

    fn claim(&self) -> &Claim {
        self.store().get(self.claim.unwrap()).unwrap()
    }

    fn create(&mut self, request: u64) {
        let names = &mut self.kubernetes.store.names;
        let (class, name) = (names.of("grows"), names.of("data"));
        let meta = Meta::named(Name::DEFAULT, name);
        let claim = Claim { meta, class, modes: Modes::RWO, request, ..Claim::default() };
        self.claim = Some(self.kubernetes.edit(|store, at| store.create(at, claim)).unwrap());
    }

    fn start_pod(&mut self) {
        let names = &mut self.kubernetes.store.names;
        let (name, claim, node) = (names.of("pod"), names.of("data"), names.of("worker"));
        let meta = Meta::named(Name::DEFAULT, name);
        let volumes = vec![PodVolume { claim, read_only: false }];
        let pod = Pod { meta, node, volumes, ..Pod::default() };
        self.pod = Some(self.kubernetes.edit(|store, at| store.create(at, pod)).unwrap());
    }

    /// Lets time go by until something is so.
    fn until(&mut self, what: &str, done: impl Fn(&Self) -> bool) {
        let end = self.kubernetes.now().plus(4 * MINUTE);
        while !done(self) {
            assert!(self.kubernetes.step(end), "waited in vain for {what}");
            self.answer_calls();
        }
    }

    /// A moment, in which nobody waits for anything.
    fn settle(&mut self) {
        let end = self.kubernetes.now().plus(SECOND / 2);
        while self.kubernetes.step(end) {
            self.answer_calls();
        }
    }

    fn answer_calls(&mut self) {
        let seen: Vec<Seen> = self.kubernetes.drain().collect();
        for event in seen {
            if let Seen::Called { ticket, part, rpc } = event {
                let answer = self.answer(&rpc);
                self.note(part, &rpc, &answer);
                self.kubernetes.answer(self.kubernetes.now().plus(MILLISECOND), ticket, answer);
            }
        }
    }

    fn note(&mut self, part: PartId, rpc: &Rpc, answer: &Answer) {
        let code = answer.as_ref().err().map(|failure| failure.code.unwrap_or(Code::Unknown));
        let call = Call {
            method: rpc.method.name(),
            bytes: rpc.bytes as i64,
            mode: rpc.capability.map_or(0, |capability| capability.mode as i32),
            code: tonic::Code::from_i32(code.map_or(0, |code| code as i32)),
        };
        self.calls.entry(self.kubernetes.name(part)).or_default().push(call);
    }

    fn answer(&mut self, rpc: &Rpc) -> Answer {
        let names = &mut self.kubernetes.store.names;
        let mut fail = |code, why| Err(Failure { code: Some(code), message: names.of(why) });
        let grows = rpc.method == Method::ControllerExpandVolume;
        if grows && self.driver.offline_only && self.published {
            return fail(Code::FailedPrecondition, "in use");
        }
        if grows && rpc.bytes > self.driver.maximum {
            return fail(Code::OutOfRange, "too large");
        }
        match rpc.method {
            Method::ControllerPublishVolume => self.published = true,
            Method::ControllerUnpublishVolume => self.published = false,
            _ => {}
        }
        let caps = [Caps::CREATE_DELETE, Caps::PUBLISH, Caps::CONTROLLER_EXPAND, Caps::STAGE];
        let caps = caps.into_iter().fold(Caps::CONTROLLER_SERVICE, Caps::with);
        Ok(Reply {
            bytes: rpc.bytes,
            node_expansion: grows,
            caps: caps.with(Caps::NODE_EXPAND),
            handle: names.of("handle-1"),
            context: None,
        })
    }
}

fn bytes(size: &str) -> u64 {
    quantity::parse(size).unwrap()
}
