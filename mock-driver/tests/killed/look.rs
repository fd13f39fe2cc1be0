//! What a driver shows after its start, compared with what was acknowledged.

use std::{collections::BTreeMap, path::Path};

use csi_stretch_mock::BackingKind;
use csi_stretch_proto::csi::v1 as csi;

use super::{
    Lab,
    model::{Model, Step, Volume, apply},
    support::*,
};

/// Compares what the driver shows with the model, or with the model after the pending step.
pub async fn check(
    c: &Clients,
    lab: Lab,
    model: &Model,
    pending: Option<&(String, Step)>,
    context: &str,
) {
    let ids: BTreeMap<String, String> =
        model.iter().map(|(n, v)| (n.clone(), v.id.clone())).collect();
    let mut seen = look(c, lab, &ids).await;
    let mut after = model.clone();
    if let Some((name, step)) = pending {
        if *step == Step::Create {
            // Whether it was made or not, its id was told to nobody yet.
            let known: Vec<_> = model.values().map(|v| v.id.clone()).collect();
            seen.unknown.retain(|id| !known.contains(id));
            assert!(seen.unknown.len() <= 1, "{context}: {:?}", seen.unknown);
            seen.unknown.clear();
        } else {
            apply(&mut after, lab, name, step, String::new());
        }
    }
    assert!(seen.unknown.is_empty(), "{context}: unknown volumes {:?}", seen.unknown);
    for (name, volume) in model {
        let later = after.get(name).map(visible);
        let found = seen.volumes.get(name);
        let fits = found == Some(&visible(volume))
            || (later.as_ref() != Some(&visible(volume)) && found == later.as_ref());
        assert!(
            fits,
            "{context}: {name} is {found:#?}, should be {:#?} or {later:#?}",
            visible(volume)
        );
    }
}

/// The part of a volume's state that can be seen: data only while it is published.
pub fn visible(volume: &Volume) -> Volume {
    let mut volume = volume.clone();
    if volume.level < 3 {
        volume.data.clear();
    }
    volume
}

pub struct Seen {
    volumes: BTreeMap<String, Volume>,
    unknown: Vec<String>,
}

pub async fn look(c: &Clients, lab: Lab, ids: &BTreeMap<String, String>) -> Seen {
    let mut c = c.clone();
    let list = c.controller.list_volumes(csi::ListVolumesRequest::default()).await.unwrap();
    let cut = c.controller.list_snapshots(csi::ListSnapshotsRequest::default()).await.unwrap();
    let cut: Vec<_> = cut.into_inner().entries.into_iter().filter_map(|e| e.snapshot).collect();
    let mut seen = Seen { volumes: BTreeMap::new(), unknown: Vec::new() };
    for entry in list.into_inner().entries {
        let (volume, status) = (entry.volume.unwrap(), entry.status.unwrap());
        let id = volume.volume_id;
        let way = c.way(&id, mount(lab.fs));
        let mut level = usize::from(!status.published_node_ids.is_empty());
        for (path, up) in [(&way.staging, 2), (&way.target, 3)] {
            let mut request = way.stats();
            request.volume_path.clone_from(path);
            if c.node.node_get_volume_stats(request).await.is_ok() {
                level = up;
            }
        }
        let data = if level == 3 { read(&c, lab, &way.target).await } else { BTreeMap::new() };
        let of_this = cut.iter().filter(|s| s.source_volume_id == id);
        let snapshots = of_this.map(|s| s.size_bytes).collect();
        let found = Volume { id: id.clone(), bytes: volume.capacity_bytes, level, data, snapshots };
        match ids.iter().find(|(_, known)| **known == id) {
            Some((name, _)) => drop(seen.volumes.insert(name.clone(), found)),
            None => seen.unknown.push(id),
        }
    }
    seen
}

pub async fn write(
    c: &Clients,
    lab: Lab,
    target: &str,
    slot: i64,
    byte: u8,
) -> Result<(), tonic::Status> {
    let data = vec![byte; 4096];
    if lab.backing == BackingKind::Loop {
        // The kernel does this, whether the driver lives or not.
        use std::os::unix::fs::FileExt;
        let path = Path::new(target).join("f");
        let file = std::fs::OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)
            .unwrap();
        file.write_all_at(&data, slot as u64 * 4096).unwrap();
        file.sync_all().unwrap();
        return Ok(());
    }
    let request = csi_stretch_proto::control::v1::WriteRequest {
        path: target.into(),
        file: "f".into(),
        offset: slot * 4096,
        data,
    };
    c.clone().control.write(request).await.map(drop)
}

/// The slots of the file that hold something; each is filled with one byte throughout.
pub async fn read(c: &Clients, lab: Lab, target: &str) -> BTreeMap<i64, u8> {
    let mut slots = BTreeMap::new();
    let whole = (lab.backing == BackingKind::Loop)
        .then(|| std::fs::read(Path::new(target).join("f")).unwrap_or_default());
    for slot in 0..16_i64 {
        let bytes = if let Some(whole) = &whole {
            whole.chunks(4096).nth(slot as usize).unwrap_or_default().to_vec()
        } else {
            let (offset, length) = (slot * 4096, 4096);
            let (path, file) = (target.to_owned(), "f".to_owned());
            let request =
                csi_stretch_proto::control::v1::ReadRequest { path, file, offset, length };
            c.clone().control.read(request).await.map(|r| r.into_inner().data).unwrap_or_default()
        };
        let Some(first) = bytes.first().filter(|b| **b != 0) else { continue };
        assert!(bytes.iter().all(|b| b == first), "slot {slot} is torn");
        slots.insert(slot, *first);
    }
    slots
}
