//! csi-resizer in a world of its own: what it asks and writes in each state. The recorded runs of
//! the real one are replayed in `tests/traces`.

use rstest::rstest;

use super::*;
use crate::generator::orchestrator::{
    conditions::ConditionKind,
    objects::{ClaimPhase, ClaimRef, Csi, Meta, Modes, PodPhase, PodVolume, Resize},
    profile::{CURRENT, PROFILES},
    rpc::{Failure, Reply},
    store::Store,
    time::SECOND,
    world::{Link, PartId, Seen, World},
};
use csi_stretch_oracle::history::Code;

const GIB: u64 = 1 << 30;

struct Rig {
    world: World,
    resizer: PartId,
    claim: Id<Claim>,
    driver: Name,
    profile: &'static Profile,
    caps: Caps,
    script: Vec<Result<(u64, bool), Code>>,
    /// Sizes that the driver was asked for, with the second.
    asked: Vec<(u64, u64)>,
    said: Vec<&'static str>,
}

fn rig(profile: &'static Profile, script: &[Result<(u64, bool), Code>]) -> Rig {
    let mut store = Store::default();
    let [driver, claim, volume, class] =
        ["fake.csi", "data", "pv1", "fast"].map(|text| store.names.of(text));
    let allow = crate::generator::orchestrator::objects::Class {
        meta: Meta::named(Name::NONE, class),
        allow_expansion: true,
        ..Default::default()
    };
    store.create(At(0), allow).unwrap();
    let object = Claim {
        meta: Meta::named(Name::DEFAULT, claim),
        class,
        modes: Modes::RWO,
        request: 10 * GIB,
        capacity: 10 * GIB,
        volume,
        phase: ClaimPhase::Bound,
        ..Claim::default()
    };
    let id = store.create(At(0), object).unwrap();
    let uid = store.get(id).unwrap().meta.uid;
    let object = Volume {
        meta: Meta::named(Name::NONE, volume),
        capacity: 10 * GIB,
        modes: Modes::RWO,
        csi: Some(Box::new(Csi { driver, handle: volume, ..Csi::default() })),
        claim: Some(ClaimRef { namespace: Name::DEFAULT, name: claim, uid }),
        ..Volume::default()
    };
    store.create(At(0), object).unwrap();
    let mut world = World::new(store, 1);
    let settings = Settings::of(profile, driver);
    let resizer = world.add("resizer", Box::new(Resizer::new(settings, At(0))), Link::default());
    let caps = Caps::CONTROLLER_SERVICE.with(Caps::CONTROLLER_EXPAND).with(Caps::NODE_EXPAND);
    let script = script.to_vec();
    let (asked, said) = (Vec::new(), Vec::new());
    Rig { world, resizer, claim: id, driver, profile, caps, script, asked, said }
}

impl Rig {
    fn run(&mut self, seconds: u64) {
        let end = self.world.now().plus(seconds * SECOND);
        self.serve();
        while self.world.step(end) {
            self.serve();
        }
        self.world.advance(end);
    }

    fn serve(&mut self) {
        let seen: Vec<Seen> = self.world.drain().collect();
        for event in seen {
            match event {
                Seen::Called { ticket, rpc, .. } => {
                    let mut answer = Ok(Reply { caps: self.caps, ..Reply::default() });
                    if rpc.method == Method::ControllerExpandVolume {
                        self.asked.push((rpc.bytes / GIB, self.world.now().0 / SECOND));
                        let next = match self.script.len() {
                            0 => Ok((rpc.bytes, true)),
                            1 => self.script[0],
                            _ => self.script.remove(0),
                        };
                        answer = match next {
                            Ok((bytes, node_expansion)) => {
                                Ok(Reply { bytes, node_expansion, ..Reply::default() })
                            }
                            Err(code) => Err(Failure { code: Some(code), message: Name::NONE }),
                        };
                    }
                    let at = self.world.now();
                    self.world.answer(at, ticket, answer);
                }
                Seen::Said(notice) => self.said.push(notice.reason),
                _ => {}
            }
        }
    }

    fn request(&mut self, gib: u64) {
        let claim = self.claim;
        self.world.edit(|store, _| store.request(claim, gib * GIB)).unwrap();
    }

    fn claim(&self) -> &Claim {
        self.world.store.get(self.claim).unwrap()
    }

    fn conditions(&self) -> Vec<ConditionKind> {
        self.claim().conditions.iter().map(|condition| condition.kind).collect()
    }

    fn volume(&self) -> &Volume {
        self.world.store.named(Name::NONE, self.claim().volume).unwrap()
    }

    fn sizes(&self) -> Vec<u64> {
        self.asked.iter().map(|(size, _)| *size).collect()
    }
}

use ConditionKind::{ControllerResizeError, FileSystemResizePending, Resizing};

#[rstest]
fn growth_that_ends_on_the_node(#[values(0, 1, 2, 3, 4)] profile: usize) {
    let profile = &PROFILES[profile];
    let mut rig = rig(profile, &[]);
    rig.run(1);
    rig.request(20);
    rig.run(60);
    assert_eq!(rig.sizes(), [20], "{}", profile.name);
    assert_eq!((rig.volume().capacity, rig.claim().capacity), (20 * GIB, 10 * GIB));
    if profile.recover {
        assert_eq!(rig.claim().resize, Some(Resize::NodePending));
        assert_eq!(rig.conditions(), [Resizing, FileSystemResizePending]);
    } else {
        assert_eq!(rig.claim().allocated, None);
        assert_eq!(rig.conditions(), [FileSystemResizePending], "one at a time");
    }
    let message = rig.claim().conditions.get(FileSystemResizePending).unwrap().message;
    assert_eq!(message, Name::RESTART_POD);
}

#[rstest]
fn growth_that_ends_at_the_controller(#[values(0, 2, 4)] profile: usize) {
    let mut rig = rig(&PROFILES[profile], &[Ok((20 * GIB, false))]);
    rig.run(1);
    rig.request(20);
    rig.run(60);
    assert_eq!(rig.claim().capacity, 20 * GIB);
    assert_eq!((rig.claim().resize, rig.conditions()), (None, vec![]));
    assert_eq!(rig.said.last(), Some(&"VolumeResizeSuccessful"));
}

#[test]
fn a_node_only_driver_is_not_asked() {
    let mut rig = rig(&CURRENT, &[]);
    rig.caps = rig.caps.without(Caps::CONTROLLER_EXPAND);
    rig.run(1);
    rig.request(20);
    rig.run(5);
    assert!(rig.sizes().is_empty());
    assert_eq!(rig.claim().resize, Some(Resize::NodePending));
    assert_eq!(rig.volume().capacity, 20 * GIB);
}

#[test]
fn an_infeasible_size_is_tried_twice_and_then_every_five_minutes_until_the_user_recovers() {
    let mut rig = rig(&CURRENT, &[Err(Code::OutOfRange)]);
    rig.run(1);
    rig.request(100);
    rig.run(280);
    assert_eq!(rig.sizes(), [100, 100]);
    assert_eq!(rig.claim().resize, Some(Resize::ControllerInfeasible));
    assert_eq!(rig.conditions(), [Resizing, ControllerResizeError]);
    rig.run(60);
    let later = &rig.asked[2..];
    assert!(later.iter().all(|(_, second)| (300..=310).contains(second)), "{later:?}");
    // The clean-up of the slow set decides how many.
    assert!((1..=4).contains(&later.len()), "{later:?}");
    rig.script = vec![Ok((15 * GIB, false))];
    rig.request(15);
    rig.run(1);
    assert_eq!((rig.claim().capacity, rig.conditions()), (15 * GIB, vec![]));
}

#[test]
fn after_a_timeout_the_size_stays_and_after_a_final_error_it_follows_the_user() {
    for (code, expected) in [(Code::DeadlineExceeded, 20), (Code::Internal, 15)] {
        let mut rig = rig(&CURRENT, &[Err(code)]);
        rig.run(1);
        rig.request(20);
        rig.run(3);
        rig.asked.clear();
        rig.request(15);
        rig.run(1);
        assert_eq!(rig.sizes().first(), Some(&expected), "{code}");
    }
}

#[test]
fn errors_are_retried_at_once_and_then_with_doubled_pauses() {
    let mut rig = rig(&CURRENT, &[Err(Code::Unavailable)]);
    rig.run(1);
    rig.request(20);
    rig.run(60);
    let mut seconds: Vec<u64> = rig.asked.iter().map(|(_, second)| *second).collect();
    seconds.dedup();
    let pauses: Vec<u64> = seconds.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(rig.asked.len() > seconds.len(), "the first failure is seen twice");
    assert_eq!(pauses.first(), Some(&1), "{seconds:?}");
    assert!(pauses.windows(2).all(|pair| pair[1] >= pair[0]), "{seconds:?}");
    assert!(seconds.len() < 8, "{seconds:?}");
}

#[test]
fn a_volume_that_only_grows_offline_waits_for_the_end_of_its_pod() {
    let mut rig = rig(&CURRENT, &[Err(Code::FailedPrecondition), Ok((20 * GIB, true))]);
    let pod = rig.world.edit(|store, at| {
        let name = store.names.of("pod");
        let claim = store.names.of("data");
        let volumes = vec![PodVolume { claim, read_only: false }];
        let meta = Meta::named(Name::DEFAULT, name);
        let phase = PodPhase::Running;
        store.create(at, Pod { meta, volumes, phase, ..Pod::default() }).unwrap()
    });
    rig.run(1);
    rig.request(20);
    rig.run(300);
    assert_eq!(rig.sizes(), [20], "none while the pod uses it");
    rig.world
        .edit(|store, _| store.update(pod, None, |pod| pod.phase = PodPhase::Succeeded))
        .unwrap();
    rig.run(300);
    assert_eq!(rig.sizes(), [20, 20]);
    assert_eq!(rig.claim().resize, Some(Resize::NodePending));
}

#[test]
fn what_is_pending_on_the_node_ends_before_another_growth_begins() {
    let mut rig = rig(&CURRENT, &[]);
    rig.run(1);
    rig.request(20);
    rig.run(5);
    rig.request(30);
    rig.run(5);
    assert_eq!(rig.sizes(), [20]);
    let claim = rig.claim;
    rig.world
        .edit(|store, _| {
            store.update(claim, None, |claim| {
                claim.capacity = 20 * GIB;
                claim.resize = None;
                claim.conditions =
                    crate::generator::orchestrator::conditions::Conditions::default();
            })
        })
        .unwrap();
    rig.run(5);
    assert_eq!(rig.sizes(), [20, 30]);
}

#[test]
fn a_restart_forgets_everything_and_asks_again() {
    let mut rig = rig(&CURRENT, &[Err(Code::OutOfRange)]);
    rig.run(1);
    rig.request(100);
    rig.run(10);
    let before = rig.asked.len();
    let now = rig.world.now();
    let settings = Settings::of(rig.profile, rig.driver);
    rig.world.restart(rig.resizer, Box::new(Resizer::new(settings, now)));
    rig.run(10);
    assert!(rig.asked.len() > before, "the slow set is lost");
    assert!(rig.sizes().iter().all(|size| *size == 100));
}

#[test]
fn a_driver_that_gives_more_than_it_was_asked_for_makes_a_loop() {
    // Asked for 20, it makes 21; the user then asks for 20.5, which is there but not claimed.
    let mut rig = rig(&CURRENT, &[Ok((21 * GIB, true))]);
    rig.run(1);
    rig.request(20);
    rig.run(5);
    let claim = rig.claim;
    let finish = |store: &mut Store, _| {
        store.update(claim, None, |claim| {
            claim.capacity = claim.allocated.unwrap();
            claim.resize = None;
            claim.conditions = crate::generator::orchestrator::conditions::Conditions::default();
        })
    };
    rig.world.edit(finish).unwrap();
    rig.world.edit(|store, _| store.request(claim, 41 * GIB / 2)).unwrap();
    for _ in 0..3 {
        rig.run(5);
        rig.world.edit(finish).unwrap();
    }
    assert_eq!(rig.claim().capacity, 20 * GIB, "it never gets there");
    assert!(rig.sizes().iter().all(|size| *size == 20), "and asks for 20 for ever");
    assert!(rig.asked.len() >= 3);
}
