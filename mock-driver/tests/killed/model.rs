//! What was acknowledged, and which step may come next.

use std::collections::BTreeMap;

use csi_stretch_proto::csi::v1 as csi;

use super::{Lab, look::write, support::*};

/// One volume, as acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    pub id: String,
    pub bytes: i64,
    /// 0 created, 1 published to the node, 2 staged, 3 published on the node.
    pub level: usize,
    /// The byte that each slot of the file was last filled with.
    pub data: BTreeMap<i64, u8>,
    /// Sizes of the snapshots, in the order of cutting.
    pub snapshots: Vec<i64>,
}

/// A step that is right in the present state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    Create,
    Delete,
    Up,
    Down,
    Grow,
    NodeGrow,
    Write(i64, u8),
    Snapshot(String),
}

pub type Model = BTreeMap<String, Volume>;

pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

pub fn choose(random: &mut Random, volume: Option<&Volume>, count: u64) -> Step {
    let Some(volume) = volume else { return Step::Create };
    loop {
        let step = match random.below(12) {
            0 => Step::Delete,
            1..=3 => Step::Up,
            4 => Step::Down,
            5 | 6 => Step::Grow,
            7 => Step::NodeGrow,
            8 | 9 => Step::Write(random.below(16) as i64, random.below(255) as u8 + 1),
            _ if volume.snapshots.len() < 2 => Step::Snapshot(format!("{}-{count}", volume.id)),
            _ => continue,
        };
        let right = match step {
            Step::Delete => volume.level == 0,
            Step::Up => volume.level < 3,
            Step::Down => volume.level > 0,
            Step::NodeGrow => volume.level >= 2,
            Step::Write(..) => volume.level == 3,
            _ => true,
        };
        if right {
            return step;
        }
    }
}

/// Performs a step; a creation returns the volume's id.
pub async fn perform(
    c: &Clients,
    lab: Lab,
    model: &Model,
    name: &str,
    step: &Step,
) -> Result<String, tonic::Status> {
    let Some(volume) = model.get(name) else {
        let request = create(name, mount(lab.fs), lab.base);
        let reply = c.clone().controller.create_volume(request).await?;
        return Ok(reply.into_inner().volume.unwrap().volume_id);
    };
    let way = c.way(&volume.id, mount(lab.fs));
    let delete = csi::DeleteVolumeRequest { volume_id: volume.id.clone(), ..Default::default() };
    let mut node_grow = way.node_expand();
    if volume.level == 2 {
        node_grow.volume_path = way.staging.clone();
    }
    let call = match step {
        Step::Create => panic!("{name} is there already"),
        Step::Delete => Call::Delete(delete),
        Step::Up => way.up()[volume.level].clone(),
        Step::Down => way.down()[3 - volume.level].clone(),
        Step::Grow => Call::Expand(expand(&volume.id, volume.bytes + lab.step)),
        Step::NodeGrow => Call::NodeExpand(node_grow),
        Step::Snapshot(snapshot) => Call::Snap(snap(snapshot, &volume.id)),
        Step::Write(slot, byte) => {
            write(c, lab, &way.target, *slot, *byte).await?;
            return Ok(String::new());
        }
    };
    c.send(call).await.map(|()| String::new())
}

pub fn apply(model: &mut Model, lab: Lab, name: &str, step: &Step, id: String) {
    if *step == Step::Delete {
        model.remove(name);
        return;
    }
    let volume = model.entry(name.into()).or_insert_with(|| Volume {
        id,
        bytes: lab.base,
        level: 0,
        data: BTreeMap::new(),
        snapshots: Vec::new(),
    });
    match step {
        Step::Create | Step::Delete | Step::NodeGrow => {}
        Step::Up => volume.level += 1,
        Step::Down => volume.level -= 1,
        Step::Grow => volume.bytes += lab.step,
        Step::Write(slot, byte) => drop(volume.data.insert(*slot, *byte)),
        Step::Snapshot(_) => volume.snapshots.push(volume.bytes),
    }
}
