//! CreateSnapshot, DeleteSnapshot, ListSnapshots and GetSnapshot.

use std::time::SystemTime;

use csi_stretch_proto::csi::v1::{
    CreateSnapshotRequest, CreateSnapshotResponse, DeleteSnapshotRequest, DeleteSnapshotResponse,
    GetSnapshotRequest, GetSnapshotResponse, ListSnapshotsRequest, ListSnapshotsResponse, Snapshot,
    list_snapshots_response::Entry,
};
use tonic::Status;

use crate::{
    driver::{Driver, Reply, ask, lock, status::store_failed},
    profile::ControllerCapability as C,
    state::{SnapshotRecord, fresh_id},
};

impl Driver {
    /// CreateSnapshot: cut, and ready to use, when it answers.
    pub fn create_snapshot(
        &self,
        request: &CreateSnapshotRequest,
    ) -> Reply<CreateSnapshotResponse> {
        self.needs(C::CreateDeleteSnapshot)?;
        let name = ask::name(&request.name)?;
        let source = ask::required(&request.source_volume_id, "source_volume_id")?;
        let _held = self.locks.hold([lock::name("snapshot", name), lock::volume(source)])?;
        let record = match self.store.snapshot_named(name) {
            Some(existing) if existing.done => {
                if existing.source_volume != source {
                    let text =
                        format!("snapshot `{}` has that name, but another source", existing.id);
                    return Err(Status::already_exists(text));
                }
                existing
            }
            unfinished => {
                if let Some(unfinished) = unfinished {
                    self.erase_snapshot(unfinished)?;
                }
                self.cut(name, source)?
            }
        };
        Ok(CreateSnapshotResponse { snapshot: Some(shown(&record)) })
    }

    /// DeleteSnapshot. Volumes made from it stay.
    pub fn delete_snapshot(
        &self,
        request: &DeleteSnapshotRequest,
    ) -> Reply<DeleteSnapshotResponse> {
        self.needs(C::CreateDeleteSnapshot)?;
        let id = ask::required(&request.snapshot_id, "snapshot_id")?;
        let _held = self.locks.hold([lock::snapshot(id)])?;
        if let Some(record) = self.store.snapshot(id).filter(|s| s.done) {
            self.erase_snapshot(record)?;
        }
        Ok(DeleteSnapshotResponse {})
    }

    /// ListSnapshots, oldest first.
    pub fn list_snapshots(&self, request: &ListSnapshotsRequest) -> Reply<ListSnapshotsResponse> {
        self.needs(C::ListSnapshots)?;
        let passes = |filter: &str, value: &str| filter.is_empty() || filter == value;
        let mut all = self.store.snapshots();
        all.retain(|s| {
            s.done
                && passes(&request.snapshot_id, &s.id)
                && passes(&request.source_volume_id, &s.source_volume)
        });
        let (page, next_token) =
            self.page(all, |s| s.sequence, request.max_entries, &request.starting_token)?;
        let entries = page.iter().map(|s| Entry { snapshot: Some(shown(s)) }).collect();
        Ok(ListSnapshotsResponse { entries, next_token })
    }

    /// GetSnapshot.
    pub fn get_snapshot(&self, request: &GetSnapshotRequest) -> Reply<GetSnapshotResponse> {
        self.needs(C::GetSnapshot)?;
        let id = ask::required(&request.snapshot_id, "snapshot_id")?;
        Ok(GetSnapshotResponse { snapshot: Some(shown(&self.visible_snapshot(id)?)) })
    }

    /// The record of a snapshot that clients may know of.
    pub(super) fn visible_snapshot(&self, id: &str) -> Reply<SnapshotRecord> {
        let record = self.store.snapshot(id).filter(|s| s.done);
        record.ok_or_else(|| Status::not_found(format!("no snapshot has the id `{id}`")))
    }

    fn cut(&self, name: &str, source: &str) -> Reply<SnapshotRecord> {
        let volume = self.volume(source)?;
        let mut record = SnapshotRecord {
            id: fresh_id("snap", name),
            sequence: self.store.next_sequence(),
            name: name.to_owned(),
            source_volume: source.to_owned(),
            bytes: volume.bytes,
            created: SystemTime::now(),
            done: false,
            capabilities: volume.capabilities,
            fs_type: self.backing.file_system(source)?.map(|fs| fs.fs_type),
        };
        self.save_snapshot(&record)?;
        match self.backing.snapshot(source, &record.id) {
            Ok(bytes) => record.bytes = bytes,
            Err(failure) => {
                self.erase_snapshot(record)?;
                return Err(failure.into());
            }
        }
        record.created = SystemTime::now();
        record.done = true;
        self.save_snapshot(&record)?;
        Ok(record)
    }

    /// Removes a snapshot, and then its record.
    pub(in crate::driver) fn erase_snapshot(&self, mut record: SnapshotRecord) -> Reply<()> {
        if record.done {
            record.done = false;
            self.save_snapshot(&record)?;
        }
        self.backing.delete_snapshot(&record.id)?;
        self.store.remove_snapshot(&record.id).map_err(|e| store_failed(&e))
    }

    fn save_snapshot(&self, record: &SnapshotRecord) -> Reply<()> {
        self.store.put_snapshot(record).map_err(|e| store_failed(&e))
    }
}

fn shown(record: &SnapshotRecord) -> Snapshot {
    Snapshot {
        size_bytes: i64::try_from(record.bytes).unwrap_or(i64::MAX),
        snapshot_id: record.id.clone(),
        source_volume_id: record.source_volume.clone(),
        creation_time: Some(record.created.into()),
        ready_to_use: true,
        group_snapshot_id: String::new(),
    }
}
