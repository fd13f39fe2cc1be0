//! CreateVolume: new, from a snapshot, or cloned.

use std::collections::BTreeMap;

use csi_stretch_proto::csi::v1::{
    CreateVolumeRequest, CreateVolumeResponse, VolumeContentSource,
    volume_content_source::Type as SourceType,
};
use tonic::Status;

use super::shown;
use crate::{
    backing::{FsType, Source},
    driver::{
        Driver, Reply,
        ask::{self, Range},
        capability::{parse_all, sorted},
        lock, size,
        status::{pool_full, store_failed},
    },
    profile::ControllerCapability as C,
    state::{Capability, SourceRecord, VolumeRecord, VolumeState, fresh_id},
};

/// What a new volume's content is copied from.
struct Origin {
    record: SourceRecord,
    bytes: u64,
    capabilities: Vec<Capability>,
    fs_type: Option<FsType>,
}

impl Driver {
    /// CreateVolume.
    pub fn create_volume(&self, request: CreateVolumeRequest) -> Reply<CreateVolumeResponse> {
        self.needs(C::CreateDeleteVolume)?;
        let name = ask::name(&request.name)?.to_owned();
        let capabilities = parse_all(&request.volume_capabilities)?;
        self.must_offer(&capabilities)?;
        let range = request.capacity_range.map(ask::range).transpose()?;
        let source = self.source_of(request.volume_content_source.as_ref())?;
        self.must_know_parameters(request.mutable_parameters.keys())?;

        let mut locks = vec![lock::name("volume", &name)];
        locks.extend(source.as_ref().map(|source| match source {
            SourceRecord::Snapshot(id) => lock::snapshot(id),
            SourceRecord::Volume(id) => lock::volume(id),
        }));
        let _held = self.locks.hold(locks)?;
        let wanted = asked_for(request, capabilities, source);
        let record = match self.store.volume_named(&name) {
            Some(existing) if existing.is_visible() => {
                self.must_match(&existing, &wanted, range)?;
                existing
            }
            unfinished => {
                if let Some(unfinished) = unfinished {
                    self.erase(unfinished)?;
                }
                self.make(wanted, range)?
            }
        };
        Ok(CreateVolumeResponse { volume: Some(shown(&record)) })
    }

    fn source_of(&self, given: Option<&VolumeContentSource>) -> Reply<Option<SourceRecord>> {
        let Some(given) = given else { return Ok(None) };
        let wrong =
            |why: &str| Err(Status::invalid_argument(format!("volume_content_source {why}")));
        match &given.r#type {
            None => wrong("names neither a snapshot nor a volume"),
            Some(SourceType::Snapshot(_)) if !self.profile.has(C::CreateDeleteSnapshot) => {
                wrong("is a snapshot, and this driver has none")
            }
            Some(SourceType::Volume(_)) if !self.profile.has(C::CloneVolume) => {
                wrong("is a volume, and this driver clones none")
            }
            Some(SourceType::Snapshot(source)) => {
                let id = ask::required(&source.snapshot_id, "snapshot_id")?;
                Ok(Some(SourceRecord::Snapshot(id.into())))
            }
            Some(SourceType::Volume(source)) => {
                let id = ask::required(&source.volume_id, "source volume_id")?;
                Ok(Some(SourceRecord::Volume(id.into())))
            }
        }
    }

    /// Refuses a repeat that asks for something else than the volume of that name is.
    fn must_match(
        &self,
        existing: &VolumeRecord,
        wanted: &VolumeRecord,
        range: Option<Range>,
    ) -> Reply<()> {
        let too_small = range.is_some_and(|r| existing.bytes < r.required);
        let too_large = range.is_some_and(|r| r.limit.is_some_and(|l| existing.bytes > l));
        let differs = if too_small || too_large {
            "another size"
        } else if existing.source != wanted.source {
            "another source"
        } else if existing.parameters != wanted.parameters
            || existing.mutable_at_creation != wanted.mutable_at_creation
        {
            "other parameters"
        } else if wanted
            .capabilities
            .iter()
            .any(|c| self.why_not_supported(&existing.capabilities, c).is_some())
        {
            "other capabilities"
        } else {
            return Ok(());
        };
        let text = format!("volume `{}` has that name, but {differs}", existing.id);
        Err(Status::already_exists(text))
    }

    fn make(&self, mut record: VolumeRecord, range: Option<Range>) -> Reply<VolumeRecord> {
        let origin = record.source.as_ref().map(|source| self.origin(source)).transpose()?;
        if let Some(origin) = &origin {
            Self::must_suit(origin, &record.capabilities)?;
        }
        record.bytes = size::of_new(&self.profile, range, origin.as_ref().map(|o| o.bytes))?;
        let grows = origin.as_ref().is_some_and(|o| record.bytes > o.bytes) && record.can_mount();
        if grows && !self.profile.grows_fs_on_the_way_up() {
            let text =
                "this driver cannot grow the file system of a copy: ask for the source's size";
            return Err(Status::out_of_range(text));
        }
        record.sequence = self.store.next_sequence();
        let put = self.store.put_volume_within(&record, self.profile.pool.0);
        put.map_err(|e| store_failed(&e))?.map_err(pool_full)?;

        let source = record.source.as_ref().map(|source| match source {
            SourceRecord::Snapshot(id) => Source::Snapshot(id),
            SourceRecord::Volume(id) => Source::Volume(id),
        });
        if let Err(failure) = self.backing.create(&record.id, record.bytes, source) {
            self.erase(record)?;
            return Err(failure.into());
        }
        record.state = VolumeState::Ready;
        self.save(&record)?;
        Ok(record)
    }

    fn origin(&self, source: &SourceRecord) -> Reply<Origin> {
        match source {
            SourceRecord::Snapshot(id) => {
                let from = self.visible_snapshot(id)?;
                let (bytes, capabilities) = (from.bytes, from.capabilities);
                Ok(Origin { record: source.clone(), bytes, capabilities, fs_type: from.fs_type })
            }
            SourceRecord::Volume(id) => {
                let from = self.volume(id)?;
                let fs_type = self.backing.file_system(id)?.map(|fs| fs.fs_type);
                let (bytes, capabilities) = (from.bytes, from.capabilities);
                Ok(Origin { record: source.clone(), bytes, capabilities, fs_type })
            }
        }
    }

    /// Refuses to use content as something it is not.
    fn must_suit(origin: &Origin, wanted: &[Capability]) -> Reply<()> {
        for one in wanted {
            let same_kind = |c: &Capability| c.mount().is_some() == one.mount().is_some();
            let fs = one.mount().map_or("", |(fs, _)| fs);
            let other_fs = |held: FsType| !fs.is_empty() && fs != held.name();
            if !origin.capabilities.iter().any(same_kind) || origin.fs_type.is_some_and(other_fs) {
                let text = format!("{:?} holds no content for such use", origin.record);
                return Err(Status::invalid_argument(text));
            }
        }
        Ok(())
    }
}

/// The record of a volume as a request asks for it, its size and place still open.
fn asked_for(
    request: CreateVolumeRequest,
    capabilities: Vec<Capability>,
    source: Option<SourceRecord>,
) -> VolumeRecord {
    let mutable = sorted(request.mutable_parameters);
    VolumeRecord {
        id: fresh_id("vol", &request.name),
        sequence: 0,
        name: request.name,
        bytes: 0,
        state: VolumeState::Creating,
        capabilities,
        parameters: sorted(request.parameters),
        mutable_at_creation: mutable.clone(),
        mutable,
        source,
        published: BTreeMap::new(),
        staged: None,
        targets: BTreeMap::new(),
    }
}
