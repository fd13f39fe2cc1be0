//! A kubelet with one volume: which calls, in which order, on which path, and what the claim says.

use rstest::rstest;

use super::*;
use crate::generator::orchestrator::{
    conditions::ConditionKind,
    objects::{ClaimPhase, ClaimRef, Csi, Meta, Modes, PodVolume, Resize},
    profile::{CURRENT, PROFILES},
    rpc::{Caps, Failure, Method, Place, Reply, Rpc},
    store::Store,
    world::{Link, Seen, World},
};
use csi_stretch_oracle::history::Code;

const GIB: u64 = 1 << 30;

struct Rig {
    world: World,
    claim: Id<Claim>,
    node: Id<Node>,
    caps: Caps,
    /// Answers of NodeExpandVolume; then it succeeds.
    script: Vec<Code>,
    calls: Vec<Rpc>,
}

fn rig(profile: &'static Profile, prepare: impl FnOnce(&mut Claim, &mut Volume)) -> Rig {
    let mut store = Store::default();
    let [driver, name, claim, volume] =
        ["fake.csi", "node", "data", "pv1"].map(|text| store.names.of(text));
    let meta = |name| Meta::named(Name::NONE, name);
    let no_attach = Driver { meta: meta(driver), no_attach: true };
    store.create(At(0), no_attach).unwrap();
    let node = Node { meta: meta(name), ready: true, ..Node::default() };
    let node = store.create(At(0), node).unwrap();
    let mut object = Claim {
        meta: Meta::named(Name::DEFAULT, claim),
        modes: Modes::RWO,
        request: 10 * GIB,
        capacity: 10 * GIB,
        volume,
        phase: ClaimPhase::Bound,
        ..Claim::default()
    };
    let mut made = Volume {
        meta: meta(volume),
        capacity: 10 * GIB,
        modes: Modes::RWO,
        csi: Some(Box::new(Csi { driver, handle: volume, ..Csi::default() })),
        claim: Some(ClaimRef { namespace: Name::DEFAULT, name: claim, uid: 0 }),
        ..Volume::default()
    };
    prepare(&mut object, &mut made);
    let claim = store.create(At(0), object).unwrap();
    store.create(At(0), made).unwrap();
    let mut world = World::new(store, 1);
    let kubelets = Kubelets::new(Settings::of(profile, driver), 1);
    world.add("kubelet", Box::new(kubelets), Link::default());
    let caps = Caps::STAGE.with(Caps::NODE_EXPAND);
    Rig { world, claim, node, caps, script: Vec::new(), calls: Vec::new() }
}

impl Rig {
    fn pod(&mut self, name: &str, read_only: bool) -> Id<Pod> {
        self.world.edit(|store, at| {
            let [name, claim, node] = [name, "data", "node"].map(|text| store.names.of(text));
            let volumes = vec![PodVolume { claim, read_only }];
            let meta = Meta::named(Name::DEFAULT, name);
            store.create(at, Pod { meta, node, volumes, ..Pod::default() }).unwrap()
        })
    }

    fn run(&mut self, seconds: u64) {
        let end = self.world.now().plus(seconds * SECOND);
        while self.world.step(end) {
            let seen: Vec<Seen> = self.world.drain().collect();
            for event in seen {
                let Seen::Called { ticket, rpc, .. } = event else { continue };
                self.calls.push(rpc);
                let scripted = rpc.method == Method::NodeExpandVolume && !self.script.is_empty();
                let answer = if scripted {
                    let code = Some(self.script.remove(0));
                    Err(Failure { code, message: Name::NONE })
                } else {
                    Ok(Reply { caps: self.caps, ..Reply::default() })
                };
                let at = self.world.now();
                self.world.answer(at, ticket, answer);
            }
        }
        self.world.advance(end);
    }

    /// What csi-resizer leaves for the node.
    fn grown(&mut self, recover: bool) {
        let claim = self.claim;
        self.world.edit(|store, _| {
            let volume = store.get(claim).unwrap().volume;
            let volume = store.find::<Volume>(Name::NONE, volume).unwrap();
            store.update(volume, None, |volume| volume.capacity = 20 * GIB).unwrap();
            store.update(claim, None, |claim| pending(claim, recover)).unwrap();
        });
    }

    fn methods(&self) -> Vec<Method> {
        let asks = |rpc: &&Rpc| rpc.method != Method::NodeGetCapabilities;
        self.calls.iter().filter(asks).map(|rpc| rpc.method).collect()
    }

    fn expansions(&self) -> Vec<&Rpc> {
        self.calls.iter().filter(|rpc| rpc.method == Method::NodeExpandVolume).collect()
    }

    fn claim(&self) -> &Claim {
        self.world.store.get(self.claim).unwrap()
    }

    fn errors(&self) -> bool {
        self.claim().conditions.has(ConditionKind::NodeResizeError)
    }

    fn phase(&self, pod: Id<Pod>) -> PodPhase {
        self.world.store.get(pod).unwrap().phase
    }
}

fn pending(claim: &mut Claim, recover: bool) {
    claim.request = 20 * GIB;
    if recover {
        claim.allocated = Some(20 * GIB);
        claim.resize = Some(Resize::NodePending);
    }
}

use Method::{
    NodeExpandVolume, NodePublishVolume, NodeStageVolume, NodeUnpublishVolume, NodeUnstageVolume,
};

#[test]
fn a_pod_comes_and_goes() {
    let mut rig = rig(&CURRENT, |_, _| {});
    let pod = rig.pod("pod", false);
    rig.run(5);
    assert_eq!(rig.methods(), [NodeStageVolume, NodePublishVolume]);
    assert_eq!(rig.phase(pod), PodPhase::Running);
    let node = rig.world.store.get(rig.node).unwrap();
    assert_eq!(node.in_use.len(), 1);
    rig.world.edit(|store, at| store.delete(at, pod)).unwrap();
    rig.run(5);
    assert_eq!(rig.methods()[2..], [NodeUnpublishVolume, NodeUnstageVolume]);
    assert!(rig.world.store.get(pod).is_none());
    assert!(rig.world.store.get(rig.node).unwrap().in_use.is_empty());
}

#[test]
fn the_last_pod_of_a_node_unstages() {
    let mut rig = rig(&CURRENT, |_, _| {});
    let first = rig.pod("one", false);
    let second = rig.pod("two", false);
    rig.run(5);
    assert_eq!(rig.methods(), [NodeStageVolume, NodePublishVolume, NodePublishVolume]);
    rig.world.edit(|store, at| store.delete(at, first)).unwrap();
    rig.run(5);
    assert_eq!(rig.methods().last(), Some(&NodeUnpublishVolume));
    rig.world.edit(|store, at| store.delete(at, second)).unwrap();
    rig.run(5);
    assert_eq!(rig.methods().last(), Some(&NodeUnstageVolume));
}

/// Which profiles expand before the pod has the volume, and with what.
#[rstest]
#[case("current", true)]
#[case("1.32", true)]
#[case("1.24", true)]
#[case("1.16", false)]
#[case("legacy-1.14", false)]
fn growth_that_waited_for_a_pod(#[case] profile: &str, #[case] late: bool) {
    let profile = Profile::named(profile).unwrap();
    for stages in [true, false] {
        let mut rig = rig(profile, |claim, volume| {
            pending(claim, profile.recover);
            volume.capacity = 20 * GIB;
        });
        if !stages {
            rig.caps = rig.caps.without(Caps::STAGE);
        }
        let pod = rig.pod("pod", false);
        rig.run(10);
        let order = rig.methods();
        let expected: &[Method] = match (stages, late) {
            (true, true) => &[NodeStageVolume, NodePublishVolume, NodeExpandVolume],
            (true, false) => &[NodeStageVolume, NodeExpandVolume, NodePublishVolume],
            (false, _) => &[NodePublishVolume, NodeExpandVolume],
        };
        assert_eq!(order, expected, "{}", profile.name);
        let expand = rig.expansions()[0];
        let place = if stages && !late { Place::Staging } else { Place::Target(pod) };
        assert_eq!(expand.path, Some(place));
        assert_eq!((expand.staging, expand.capability.is_some()), (late, late));
        assert_eq!(expand.bytes, 20 * GIB);
        assert_eq!((rig.claim().capacity, rig.claim().resize), (20 * GIB, None));
        assert_eq!(rig.phase(pod), PodPhase::Running);
    }
}

#[rstest]
fn growth_under_a_running_pod(#[values(0, 1, 2, 3, 4)] profile: usize) {
    let profile = &PROFILES[profile];
    let mut rig = rig(profile, |_, _| {});
    let pod = rig.pod("pod", false);
    rig.run(5);
    rig.grown(profile.recover);
    rig.run(1);
    assert!(rig.expansions().is_empty(), "it has to look at the pod again");
    rig.run(90);
    if profile.online {
        assert_eq!(rig.expansions().len(), 1);
        assert_eq!(rig.expansions()[0].path, Some(Place::Target(pod)));
        assert_eq!(rig.claim().capacity, 20 * GIB);
    } else {
        assert!(rig.expansions().is_empty());
        assert_eq!(rig.claim().capacity, 10 * GIB);
    }
}

#[test]
fn an_infeasible_size_fails_one_mount_and_then_the_pod_starts_as_it_is() {
    let mut rig = rig(&CURRENT, |claim, volume| {
        pending(claim, true);
        volume.capacity = 20 * GIB;
    });
    rig.script = vec![Code::OutOfRange];
    let pod = rig.pod("pod", false);
    rig.run(10);
    let expected = [NodeStageVolume, NodePublishVolume, NodeExpandVolume, NodePublishVolume];
    assert_eq!(rig.methods(), expected);
    assert_eq!(rig.claim().resize, Some(Resize::NodeInfeasible));
    assert!(rig.errors());
    assert_eq!(rig.phase(pod), PodPhase::Running);
    // csi-resizer asks the controller again, and the node is asked again.
    let claim = rig.claim;
    rig.world.edit(|store, _| store.update(claim, None, |c| pending(c, true))).unwrap();
    rig.run(95);
    assert_eq!(rig.claim().capacity, 20 * GIB);
    assert!(rig.claim().conditions.is_empty());
}

#[test]
fn a_volume_in_use_does_not_keep_a_pod_from_starting_but_it_did_once() {
    for (profile, starts) in [("current", true), ("1.24", true), ("legacy-1.14", false)] {
        let profile = Profile::named(profile).unwrap();
        let mut rig = rig(profile, |claim, volume| {
            pending(claim, profile.recover);
            volume.capacity = 20 * GIB;
        });
        rig.script = vec![Code::FailedPrecondition; 100];
        let pod = rig.pod("pod", false);
        rig.run(30);
        let phase = if starts { PodPhase::Running } else { PodPhase::Pending };
        assert_eq!(rig.phase(pod), phase, "{}", profile.name);
        if starts {
            assert_eq!(rig.expansions().len(), 1);
        } else {
            assert!(rig.expansions().len() > 3);
        }
        assert_eq!(rig.errors(), profile.recover);
    }
}

#[test]
fn an_online_error_is_tried_again_with_longer_pauses() {
    let mut rig = rig(&CURRENT, |_, _| {});
    rig.pod("pod", false);
    rig.run(5);
    rig.script = vec![Code::Internal; 4];
    rig.grown(true);
    rig.run(120);
    assert_eq!(rig.expansions().len(), 5);
    assert_eq!(rig.claim().capacity, 20 * GIB);
    assert!(!rig.errors(), "success clears it");
}

#[test]
fn in_use_online_is_not_tried_again_until_the_volume_has_left_the_node() {
    let mut rig = rig(&CURRENT, |_, _| {});
    let pod = rig.pod("pod", false);
    rig.run(5);
    rig.script = vec![Code::FailedPrecondition];
    rig.grown(true);
    rig.run(600);
    assert_eq!(rig.expansions().len(), 1);
    assert_eq!(rig.claim().resize, Some(Resize::NodeInProgress));
    rig.world.edit(|store, at| store.delete(at, pod)).unwrap();
    rig.run(10);
    rig.pod("again", false);
    rig.run(10);
    assert_eq!(rig.expansions().len(), 2);
    assert_eq!(rig.claim().capacity, 20 * GIB);
}

#[test]
fn a_read_only_pod_is_not_expanded() {
    let mut rig = rig(&CURRENT, |claim, volume| {
        pending(claim, true);
        volume.capacity = 20 * GIB;
    });
    let pod = rig.pod("pod", true);
    rig.run(200);
    assert!(rig.expansions().is_empty());
    assert_eq!(rig.phase(pod), PodPhase::Running);
}

#[test]
fn a_node_that_cannot_expand_blocks_the_mount() {
    let mut rig = rig(&CURRENT, |claim, volume| {
        pending(claim, true);
        volume.capacity = 20 * GIB;
    });
    rig.caps = Caps::STAGE;
    let pod = rig.pod("pod", false);
    rig.run(20);
    assert!(rig.expansions().is_empty());
    assert_eq!(rig.phase(pod), PodPhase::Pending);
    assert!(rig.errors());
}

#[test]
fn a_restart_publishes_again_and_finds_the_pending_growth() {
    let mut rig = rig(&CURRENT, |_, _| {});
    rig.pod("pod", false);
    rig.run(5);
    let node = rig.node;
    let ready = |ready| {
        move |store: &mut Store, _: At| {
            store.update(node, None, |node: &mut Node| node.ready = ready).unwrap();
        }
    };
    rig.world.edit(ready(false));
    rig.grown(true);
    rig.run(200);
    assert!(rig.expansions().is_empty(), "nobody is there");
    rig.world.edit(ready(true));
    rig.run(10);
    assert_eq!(rig.methods()[2..4], [NodeStageVolume, NodePublishVolume]);
    assert_eq!(rig.expansions().len(), 1);
    assert_eq!(rig.claim().capacity, 20 * GIB);
}
