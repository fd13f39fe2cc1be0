//! Versions, locks, finalizers, watchers, and the server's words for what it refuses.

use rstest::rstest;

use super::*;
use crate::generator::orchestrator::objects::{ClaimPhase, ClaimRef, Csi, Modes};

struct Rig {
    store: Store,
    claim: Id<Claim>,
    volume: Id<Volume>,
}

const GIB: u64 = 1 << 30;

/// A bound claim of 10 GiB whose class allows growth.
fn rig() -> Rig {
    let mut store = Store::default();
    let class = store.names.of("fast");
    let (claim, volume) = (store.names.of("data"), store.names.of("pv1"));
    let meta = |name| Meta::named(Name::NONE, name);
    let allow = Class { meta: meta(class), allow_expansion: true, ..Class::default() };
    store.create(At(0), allow).unwrap();
    let object = Volume {
        meta: meta(volume),
        capacity: 10 * GIB,
        csi: Some(Box::new(Csi::default())),
        claim: Some(ClaimRef { namespace: Name::DEFAULT, name: claim, uid: 0 }),
        ..Volume::default()
    };
    let object = store.create(At(0), object).unwrap();
    let claim = Claim {
        meta: Meta::named(Name::DEFAULT, claim),
        class,
        modes: Modes::RWO,
        request: 10 * GIB,
        capacity: 10 * GIB,
        volume,
        phase: ClaimPhase::Bound,
        ..Claim::default()
    };
    let claim = store.create(At(0), claim).unwrap();
    Rig { store, claim, volume: object }
}

impl Rig {
    fn set(&mut self, change: impl FnOnce(&mut Claim)) {
        self.store.update(self.claim, None, change).unwrap();
    }

    fn no_class(&mut self) {
        let class = self.store.find::<Class>(Name::NONE, self.store.names.find("fast").unwrap());
        self.store.delete(At(1), class.unwrap()).unwrap();
    }

    fn forbidding_class(&mut self) {
        let class = self.store.find::<Class>(Name::NONE, self.store.names.find("fast").unwrap());
        self.store.update(class.unwrap(), None, |class| class.allow_expansion = false).unwrap();
    }
}

#[rstest]
#[case::grows(|_: &mut Rig| {}, 20, None)]
#[case::shrinks_to_what_it_has(|rig: &mut Rig| rig.set(|c| c.request = 20 * GIB), 10,
    Some((422, "PersistentVolumeClaim \"data\" is invalid: spec.resources.requests.storage: \
        Forbidden: field can not be less than status.capacity")))]
#[case::recovers(|rig: &mut Rig| rig.set(|c| c.request = 20 * GIB), 11, None)]
#[case::shrinks_without_recovery(|rig: &mut Rig| {
        rig.set(|c| c.request = 20 * GIB);
        rig.store.rules.recover = false;
    }, 11,
    Some((422, "PersistentVolumeClaim \"data\" is invalid: spec.resources.requests.storage: \
        Forbidden: field can not be less than previous value")))]
#[case::unbound(|rig: &mut Rig| rig.set(|c| c.phase = ClaimPhase::Pending), 20,
    Some((422, "PersistentVolumeClaim \"data\" is invalid: spec: Forbidden: spec is immutable \
        after creation except resources.requests and volumeAttributesClassName for bound claims")))]
#[case::class_forbids(Rig::forbidding_class, 20,
    Some((403, "persistentvolumeclaims \"data\" is forbidden: only dynamically provisioned pvc can \
        be resized and the storageclass that provisions the pvc must support resize")))]
#[case::class_is_gone(Rig::no_class, 20,
    Some((403, "persistentvolumeclaims \"data\" is forbidden: only dynamically provisioned pvc can \
        be resized and the storageclass that provisions the pvc must support resize")))]
#[case::no_csi(|rig: &mut Rig| {
        let volume = rig.volume;
        rig.store.update(volume, None, |v| v.csi = None).unwrap();
    }, 20,
    Some((403, "persistentvolumeclaims \"data\" is forbidden: volume plugin does not support \
        resize")))]
#[case::no_volume(|rig: &mut Rig| { let id = rig.volume; rig.store.delete(At(1), id).unwrap(); }, 20,
    Some((403, "persistentvolumeclaims \"data\" is forbidden: Error updating persistent volume \
        claim because fetching associated persistent volume failed")))]
fn an_edit_of_a_size(
    #[case] prepare: impl FnOnce(&mut Rig),
    #[case] gib: u64,
    #[case] refused: Option<(u16, &str)>,
) {
    let mut rig = rig();
    prepare(&mut rig);
    let before = rig.store.version();
    let result = rig.store.request(rig.claim, gib * GIB);
    match refused {
        None => assert_eq!(result.map(|claim| claim.request), Ok(gib * GIB)),
        Some((status, message)) => {
            let refusal = result.unwrap_err();
            assert_eq!((refusal.status(), refusal.message.as_str()), (status, message));
            assert_eq!(rig.store.version(), before, "and nothing was written");
        }
    }
}

#[test]
fn other_fields_of_a_claim_do_not_change() {
    let mut rig = rig();
    let refusal = rig.store.edit_claim(rig.claim, None, |c| c.modes = Modes::RWX).unwrap_err();
    assert_eq!(refusal.reason, Reason::Invalid);
}

#[test]
fn a_write_with_an_old_version_is_a_conflict() {
    let mut rig = rig();
    let old = rig.store.get(rig.claim).unwrap().meta.version;
    rig.store.request(rig.claim, 20 * GIB).unwrap();
    let refusal = rig.store.update(rig.claim, Some(old), |c| c.capacity = 1).unwrap_err();
    assert_eq!((refusal.status(), refusal.text()), (409, "Conflict"));
    assert!(refusal.message.contains("the object has been modified"));
}

#[test]
fn a_write_that_changes_nothing_makes_no_version() {
    let mut rig = rig();
    let before = rig.store.version();
    rig.store.update(rig.claim, None, |_| {}).unwrap();
    assert_eq!(rig.store.version(), before);
    rig.store.rules.counts_unchanged = true;
    rig.store.update(rig.claim, None, |_| {}).unwrap();
    assert_eq!(rig.store.version(), before + 1);
}

#[test]
fn a_held_object_goes_with_its_last_finalizer() {
    let mut rig = rig();
    let finalizer = rig.store.names.of("held");
    rig.store.update(rig.volume, None, |v| v.meta.hold(finalizer)).unwrap();
    rig.store.delete(At(5), rig.volume).unwrap();
    assert_eq!(rig.store.get(rig.volume).unwrap().meta.deleting, Some(At(5)));
    rig.store.update(rig.volume, None, |v| v.meta.let_go(finalizer)).unwrap();
    assert_eq!(rig.store.get(rig.volume), None);
    let name = rig.store.names.find("pv1").unwrap();
    assert_eq!(rig.store.find::<Volume>(Name::NONE, name), None);
}

#[test]
fn a_pod_stays_until_its_kubelet_lets_it_go() {
    let mut store = Store::default();
    let (name, node) = (store.names.of("pod"), store.names.of("node"));
    let pod = Pod { meta: Meta::named(Name::DEFAULT, name), node, ..Pod::default() };
    let id = store.create(At(0), pod).unwrap();
    store.delete(At(1), id).unwrap();
    assert!(store.get(id).is_some());
    store.write(At(2), &Write::DeletePod(id)).unwrap();
    assert!(store.get(id).is_none());
}

#[test]
fn a_volume_without_a_size_is_refused() {
    let mut rig = rig();
    let patch = VolumePatch { capacity: Some(0), ..VolumePatch::default() };
    let refusal = rig.store.write(At(0), &Write::Volume(rig.volume, Box::new(patch))).unwrap_err();
    assert!(refusal.message.ends_with("must be greater than zero"), "{refusal}");
}

#[test]
fn a_watcher_reads_what_came_after_it() {
    let mut rig = rig();
    let cursor = rig.store.now();
    let version = rig.store.version();
    rig.store.request(rig.claim, 20 * GIB).unwrap();
    rig.store.delete(At(1), rig.claim).unwrap();
    let seen: Vec<Verb> = rig.store.since(cursor).unwrap().map(|change| change.verb).collect();
    assert_eq!(seen, [Verb::Modified, Verb::Deleted]);
    assert_eq!(rig.store.after(version), Some(cursor));
    rig.store.forget(rig.store.now());
    assert!(rig.store.since(cursor).is_none(), "forgotten");
    assert_eq!(rig.store.after(version), None);
    assert_eq!(rig.store.after(rig.store.version()), Some(rig.store.now()));
}

#[test]
fn a_quota_counts_the_larger_of_both() {
    let claim = Claim { request: 5, allocated: Some(7), ..Claim::default() };
    assert_eq!(claim.charged(), 7);
}
