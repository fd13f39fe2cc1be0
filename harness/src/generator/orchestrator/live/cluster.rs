//! The cluster of one scenario: one node, one class, all components.

use super::{ClaimSpec, modes};
use crate::generator::orchestrator::{
    attach_detach::AttachDetach,
    attacher::{self, Attacher},
    binder::Binder,
    kubelet::{self, Kubelets},
    names::Name,
    objects::{Claim, Class, Meta, Node},
    profile::Profile,
    provisioner::{self, Provisioner},
    resizer::{self, Resizer},
    store::{Id, Refusal, Store},
    time::At,
    world::{Link, PartId, World},
};

/// A component whose process can end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "their names")]
pub enum Part {
    Resizer,
    Provisioner,
    Attacher,
    Kubelet,
}

/// A cluster, and who is who in it.
pub struct Cluster {
    pub world: World,
    pub class: Name,
    node: Id<Node>,
    resizer: (PartId, resizer::Settings),
    provisioner: (PartId, provisioner::Settings),
    attacher: (PartId, attacher::Settings),
}

/// Everything has just started, and nobody has claimed anything.
pub fn set_up(profile: &'static Profile, seed: u64) -> Result<Cluster, Refusal> {
    let mut store = Store::default();
    store.rules.recover = profile.recover;
    let [driver, finalizer, class, name] =
        ["driver", "external-attacher/driver", "standard", "node"].map(|text| store.names.of(text));
    let meta = Meta::named(Name::NONE, class);
    store.create(
        At(0),
        Class { meta, provisioner: driver, allow_expansion: true, ..Class::default() },
    )?;
    let (meta, drivers) = (Meta::named(Name::NONE, name), [(driver, name)].into_iter().collect());
    let node = store.create(At(0), Node { meta, drivers, ready: true, ..Node::default() })?;
    let mut world = World::new(store, seed);
    let link = Link::default();
    let settings = resizer::Settings::of(profile, driver);
    let part = world.add("resizer", Box::new(Resizer::new(settings, At(0))), link);
    let resizer = (part, settings);
    let settings = provisioner::Settings::of(driver);
    let part = world.add("provisioner", Box::new(Provisioner::new(settings, At(0))), link);
    let provisioner = (part, settings);
    let settings = attacher::Settings::of(driver, finalizer);
    let part = world.add("attacher", Box::new(Attacher::new(settings)), link);
    let attacher = (part, settings);
    world.add("binder", Box::new(Binder::default()), link);
    world.add("attach-detach", Box::new(AttachDetach::default()), link);
    let settings = kubelet::Settings::of(profile, driver);
    world.add("kubelet", Box::new(Kubelets::new(settings, seed)), link);
    Ok(Cluster { world, class, node, resizer, provisioner, attacher })
}

/// A process ends, and begins anew.
pub fn restart(cluster: &mut Cluster, part: Part) {
    let world = &mut cluster.world;
    let now = world.now();
    match part {
        Part::Resizer => {
            let (part, settings) = cluster.resizer;
            world.restart(part, Box::new(Resizer::new(settings, now)));
        }
        Part::Provisioner => {
            let (part, settings) = cluster.provisioner;
            world.restart(part, Box::new(Provisioner::new(settings, now)));
        }
        Part::Attacher => {
            let (part, settings) = cluster.attacher;
            world.restart(part, Box::new(Attacher::new(settings)));
        }
        // Kubelets are one component: theirs is down when its node says so.
        Part::Kubelet => {
            for ready in [false, true] {
                let id = cluster.node;
                let _ = world
                    .edit(|store, _| store.update(id, None, |node: &mut Node| node.ready = ready));
            }
        }
    }
}

/// A claim as a user writes it.
pub fn claim(store: &mut Store, class: Name, spec: &ClaimSpec) -> Claim {
    let name = store.names.of(&spec.name);
    let mut meta = Meta::named(Name::DEFAULT, name);
    meta.hold(Name::PVC_PROTECTION);
    Claim {
        meta,
        class,
        modes: modes(spec.shared),
        block: spec.block,
        request: spec.bytes,
        ..Claim::default()
    }
}

/// What the pod of a claim is called.
pub fn pod_name(claim: &str, target: u8) -> String {
    format!("{claim}-pod-{target}")
}
