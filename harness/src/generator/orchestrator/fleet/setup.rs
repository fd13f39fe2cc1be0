//! The cluster that a fleet begins with.

use super::{Plan, driver::Driver};
use crate::generator::orchestrator::{
    attach_detach::AttachDetach,
    attacher::{self, Attacher},
    binder::Binder,
    kubelet::{self, Kubelets},
    names::Name,
    objects::{
        Attachment, Claim, ClaimPhase, ClaimRef, Class, Csi, Meta, Modes, Node, Pod, PodVolume,
        Volume, VolumePhase,
    },
    provisioner::{self, Provisioner, volume_name},
    resizer::{self, Resizer},
    store::{Id, Refusal, Store},
    time::At,
    world::{Link, PartId, World},
};

/// A cluster, and who is who in it.
pub(super) struct Cluster {
    pub world: World,
    pub driver: Driver,
    pub claims: Vec<Id<Claim>>,
    pub nodes: Vec<Id<Node>>,
    pub sidecars: Sidecars,
}

/// The components that end with their driver.
pub(super) struct Sidecars {
    pub resizer: (PartId, resizer::Settings),
    provisioner: (PartId, provisioner::Settings),
    attacher: (PartId, attacher::Settings),
}

impl Sidecars {
    pub fn restart_resizer(&self, world: &mut World) {
        let (part, settings) = self.resizer;
        let now = world.now();
        world.restart(part, Box::new(Resizer::new(settings, now)));
    }

    pub fn restart(&self, world: &mut World) {
        self.restart_resizer(world);
        let now = world.now();
        world.restart(self.provisioner.0, Box::new(Provisioner::new(self.provisioner.1, now)));
        world.restart(self.attacher.0, Box::new(Attacher::new(self.attacher.1)));
    }
}

struct Words {
    driver: Name,
    finalizer: Name,
    class: Name,
}

pub(super) fn cluster(plan: &Plan) -> Result<Cluster, Refusal> {
    let mut store = Store::default();
    store.rules.recover = plan.profile.recover;
    let words = Words {
        driver: store.names.of("stretch.sim"),
        finalizer: store.names.of("external-attacher/stretch.sim"),
        class: store.names.of("sim"),
    };
    let mut driver = Driver::new(plan);
    let meta = Meta::named(Name::NONE, words.class);
    let provisioner = words.driver;
    let class = Class { meta, provisioner, allow_expansion: true, ..Class::default() };
    store.create(At(0), class)?;
    let mut nodes = Vec::with_capacity(plan.nodes);
    for number in 0..plan.nodes.max(1) {
        let name = store.names.of(&format!("node-{number}"));
        let drivers = [(words.driver, name)].into_iter().collect();
        let meta = Meta::named(Name::NONE, name);
        nodes.push(store.create(At(0), Node { meta, drivers, ready: true, ..Node::default() })?);
    }
    let mut claims = Vec::with_capacity(plan.claims);
    for number in 0..plan.claims {
        claims.push(claim(&mut store, plan, &words, number)?);
        if !plan.from_nothing {
            volume(&mut store, &mut driver, plan, &words, number, claims[number])?;
        }
    }
    let names: Vec<Name> = nodes.iter().filter_map(|id| Some(store.get(*id)?.meta.name)).collect();
    let idle = (plan.claims as f64 * plan.idle) as usize;
    for (number, id) in claims.iter().enumerate().skip(idle) {
        let node = names[number % names.len()];
        pod(&mut store, plan, &words, *id, number, node)?;
    }
    let (world, sidecars) = parts(plan, store, &words);
    Ok(Cluster { world, driver, claims, nodes, sidecars })
}

fn claim(
    store: &mut Store,
    plan: &Plan,
    words: &Words,
    number: usize,
) -> Result<Id<Claim>, Refusal> {
    let name = store.names.of(&format!("claim-{number}"));
    let mut meta = Meta::named(Name::DEFAULT, name);
    meta.hold(Name::PVC_PROTECTION);
    let claim = Claim {
        meta,
        class: words.class,
        modes: Modes::RWO,
        block: plan.block,
        request: plan.first_size(),
        ..Claim::default()
    };
    store.create(At(0), claim)
}

/// A volume that was made and bound earlier.
fn volume(
    store: &mut Store,
    driver: &mut Driver,
    plan: &Plan,
    words: &Words,
    number: usize,
    id: Id<Claim>,
) -> Result<(), Refusal> {
    let Some(claim) = store.get(id).cloned() else { return Ok(()) };
    let name = store.names.of(&volume_name(&claim));
    let handle = store.names.of(&format!("vol-{number}"));
    driver.has(handle, plan.first_size());
    let mut meta = Meta::named(Name::NONE, name);
    meta.annotations.set(Name::PROVISIONED_BY, words.driver);
    meta.hold(Name::PROVISIONER_FINALIZER);
    meta.hold(words.finalizer);
    let volume = Volume {
        meta,
        capacity: plan.first_size(),
        class: words.class,
        modes: Modes::RWO,
        block: plan.block,
        claim: Some(ClaimRef {
            namespace: claim.meta.namespace,
            name: claim.meta.name,
            uid: claim.meta.uid,
        }),
        csi: Some(Box::new(Csi { driver: words.driver, handle, ..Csi::default() })),
        phase: VolumePhase::Bound,
        ..Volume::default()
    };
    store.create(At(0), volume)?;
    store.update(id, None, |claim| {
        claim.volume = name;
        claim.phase = ClaimPhase::Bound;
        claim.capacity = plan.first_size();
    })?;
    Ok(())
}

fn pod(
    store: &mut Store,
    plan: &Plan,
    words: &Words,
    id: Id<Claim>,
    number: usize,
    node: Name,
) -> Result<(), Refusal> {
    let Some(claim) = store.get(id).cloned() else { return Ok(()) };
    let name = store.names.of(&format!("pod-{number}"));
    let volumes = vec![PodVolume { claim: claim.meta.name, read_only: false }];
    let meta = Meta::named(claim.meta.namespace, name);
    // What is not there yet is placed by the scheduler.
    let placed = if plan.from_nothing { Name::NONE } else { node };
    store.create(At(0), Pod { meta, node: placed, volumes, ..Pod::default() })?;
    if plan.from_nothing {
        return Ok(());
    }
    let text = format!("csi-{}-{}", store.names.text(claim.volume), store.names.text(node));
    let mut meta = Meta::named(Name::NONE, store.names.of(&text));
    meta.hold(words.finalizer);
    let attachment = Attachment {
        meta,
        attacher: words.driver,
        node,
        volume: claim.volume,
        attached: true,
        ..Attachment::default()
    };
    store.create(At(0), attachment)?;
    Ok(())
}

fn parts(plan: &Plan, store: Store, words: &Words) -> (World, Sidecars) {
    let mut world = World::new(store, plan.seed);
    let sidecar = Link { rate: (plan.api.0 * 1000, plan.api.1), ..Link::default() };
    let central = Link::default();
    let mut settings = resizer::Settings::of(plan.profile, words.driver);
    settings.workers = plan.workers;
    let part = world.add("resizer", Box::new(Resizer::new(settings, At(0))), sidecar);
    let resizer = (part, settings);
    let settings = provisioner::Settings::of(words.driver);
    let part = world.add("provisioner", Box::new(Provisioner::new(settings, At(0))), sidecar);
    let provisioner = (part, settings);
    let settings = attacher::Settings::of(words.driver, words.finalizer);
    let part = world.add("attacher", Box::new(Attacher::new(settings)), sidecar);
    let attacher = (part, settings);
    world.add("binder", Box::new(Binder::default()), central);
    world.add("attach-detach", Box::new(AttachDetach::default()), central);
    let settings = kubelet::Settings::of(plan.profile, words.driver);
    world.add("kubelet", Box::new(Kubelets::new(settings, plan.seed)), central);
    (world, Sidecars { resizer, provisioner, attacher })
}
