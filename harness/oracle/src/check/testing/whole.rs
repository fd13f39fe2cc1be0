//! Operations with their answers, in one call.

use std::collections::BTreeMap;

use super::{H, MIB, failure, range};
use crate::{
    action::{Action, Fault, Load, PathRef, Probe, Ref, Rpc, Source},
    history::{
        Code, Completion, FsGeometry, LoadReport, Mismatch, Observation, Outcome, Reply,
        SnapshotInfo, Statfs, VolumeInfo,
    },
};

impl H {
    /// CreateVolume, OK.
    pub fn create(self, size: i64) -> Self {
        let id = format!("id-{}", self.volume);
        self.creates(size, 0).volume(&id, size)
    }

    /// CreateVolume from another volume, OK.
    pub fn clone_of(self, source: &str, size: i64) -> Self {
        let id = format!("id-{}", self.volume);
        let volume = VolumeInfo {
            id,
            capacity_bytes: size * MIB,
            context: BTreeMap::new(),
            content_source: Some(format!("volume id-{source}")),
        };
        let source = Source::Volume(Ref::Handle(source.into()));
        self.call(Rpc::CreateVolume, |call| {
            call.capacity_range = Some(range(size, 0));
            call.source = Some(source);
        })
        .says(Reply { volume: Some(volume), ..Reply::default() })
    }

    /// CreateSnapshot, OK.
    pub fn snapshot(self, handle: &str) -> Self {
        let info = SnapshotInfo {
            id: format!("id-{handle}"),
            source_volume_id: format!("id-{}", self.volume),
            size_bytes: 0,
            ready_to_use: true,
        };
        self.call(Rpc::CreateSnapshot, |c| c.snapshot = Some(Ref::Handle(handle.into())))
            .says(Reply { snapshot: Some(info), ..Reply::default() })
    }

    /// NodeStageVolume, OK.
    pub fn stage(self) -> Self {
        self.call(Rpc::NodeStage, |call| call.staging_path = Some(PathRef::Staging)).ok()
    }

    /// NodePublishVolume at the path of the moment, OK.
    pub fn publish_only(self) -> Self {
        let path = self.path.clone();
        self.call(Rpc::NodePublish, |call| call.path = Some(path)).ok()
    }

    /// Staged and published.
    pub fn publish(self) -> Self {
        self.stage().publish_only()
    }

    /// Taken off the node.
    pub fn unpublish(self) -> Self {
        let path = self.path.clone();
        self.call(Rpc::NodeUnpublish, |call| call.path = Some(path))
            .ok()
            .call(Rpc::NodeUnstage, |call| call.staging_path = Some(PathRef::Staging))
            .ok()
    }

    /// Measured: device and XFS, with 1 MiB of slack.
    pub fn see(self, device: u64, fs: u64) -> Self {
        let mib = MIB as u64;
        self.probe(Observation {
            device_bytes: Some(device * mib),
            fs: Some(FsGeometry { kind: "xfs".into(), bytes: fs * mib, slack_bytes: mib }),
            statfs: Some(Statfs { total_bytes: fs * mib * 9 / 10, available_bytes: 0 }),
            ..Observation::default()
        })
    }

    /// Measured: a device.
    pub fn see_device(self, device: u64) -> Self {
        let device_bytes = Some(device * MIB as u64);
        self.probe(Observation { device_bytes, ..Observation::default() })
    }

    /// Measured: a plain directory of a file system of that size.
    pub fn see_shared(self, total: u64) -> Self {
        let total_bytes = total * MIB as u64;
        let statfs = Some(Statfs { total_bytes, available_bytes: 0 });
        self.probe(Observation { statfs, shared: true, ..Observation::default() })
    }

    /// Measured.
    pub fn probe(self, seen: Observation) -> Self {
        self.probing().complete(Completion::Ok(Outcome::Observation(Box::new(seen))))
    }

    /// Nothing could be measured.
    pub fn blind(self) -> Self {
        self.probing().fails(Code::Unobservable)
    }

    fn probing(self) -> Self {
        let probe = Probe { volume: self.volume.clone(), path: self.path.clone() };
        self.invoke(Action::Probe(probe))
    }

    /// Data read back; that many blocks damaged.
    pub fn verify(self, damaged: u64) -> Self {
        let (volume, path) = (self.volume.clone(), self.path.clone());
        let block =
            |n| Mismatch { offset: n * 4096, length: 4096, page: None, what: "zeros".into() };
        let report = LoadReport {
            bytes_verified: MIB as u64,
            bytes_in_ledger: MIB as u64,
            mismatches: (0..damaged.min(16)).map(block).collect(),
            mismatches_total: damaged,
            ..LoadReport::default()
        };
        self.invoke(Action::Load(Load::Verify { volume, path }))
            .complete(Completion::Ok(Outcome::Loaded(report)))
    }

    /// A background writer, started.
    pub fn writer(self) -> Self {
        let (volume, path) = (self.volume.clone(), self.path.clone());
        self.invoke(Action::Load(Load::Start { volume, path }))
            .complete(Completion::Ok(Outcome::Done))
    }

    /// The writer, stopped; it met that.
    pub fn writer_met(self, errors: &[Code]) -> Self {
        let volume = self.volume.clone();
        let report = LoadReport {
            bytes_written: MIB as u64,
            errors: errors.iter().map(|code| failure(*code)).collect(),
            ..LoadReport::default()
        };
        self.invoke(Action::Load(Load::Stop { volume }))
            .complete(Completion::Ok(Outcome::Loaded(report)))
    }

    /// The driver killed and started again.
    pub fn restart(self) -> Self {
        self.invoke(Action::Fault(Fault::RestartDriver)).complete(Completion::Ok(Outcome::Done))
    }
}
