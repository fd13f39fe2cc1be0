//! What a defect changes: every call and every piece of storage work passes through one hook,
//! which by default does the right thing. A defect overrides the one it breaks.

use std::path::Path;

use csi_stretch_proto::csi::v1 as csi;

use crate::{
    backing::{Access, Backing, FileSystem, Mounting, Result, Source, Stats},
    driver::{Driver, Reply},
    profile::Profile,
};

/// One method per call: what the client gets. The good driver is at hand.
macro_rules! calls {
    ($($name:ident($request:ident) -> $reply:ident, $good:expr;)+) => {
        $(
            fn $name(&self, good: &Driver, request: csi::$request) -> Reply<csi::$reply> {
                let call: fn(&Driver, csi::$request) -> Reply<csi::$reply> = $good;
                call(good, request)
            }
        )+
    };
}

/// A planted defect.
#[allow(missing_docs, reason = "named after the calls and after `Backing`'s methods")]
pub trait Flaw: Send + Sync + 'static {
    /// The kind of driver the defect lives in, where it needs one: offline growth only, say.
    fn profile(&self, profile: &mut Profile) {
        let _ = profile;
    }

    calls! {
        get_plugin_info(GetPluginInfoRequest) -> GetPluginInfoResponse,
            |good, _| Ok(good.plugin_info());
        get_plugin_capabilities(GetPluginCapabilitiesRequest) -> GetPluginCapabilitiesResponse,
            |good, _| Ok(good.plugin_capabilities());
        probe(ProbeRequest) -> ProbeResponse, |_, _| Ok(Driver::probe());

        create_volume(CreateVolumeRequest) -> CreateVolumeResponse, Driver::create_volume;
        delete_volume(DeleteVolumeRequest) -> DeleteVolumeResponse,
            |good, request| good.delete_volume(&request);
        controller_publish(ControllerPublishVolumeRequest) -> ControllerPublishVolumeResponse,
            |good, request| good.controller_publish(&request);
        controller_unpublish(ControllerUnpublishVolumeRequest) -> ControllerUnpublishVolumeResponse,
            |good, request| good.controller_unpublish(&request);
        validate(ValidateVolumeCapabilitiesRequest) -> ValidateVolumeCapabilitiesResponse,
            Driver::validate;
        list_volumes(ListVolumesRequest) -> ListVolumesResponse,
            |good, request| good.list_volumes(&request);
        capacity(GetCapacityRequest) -> GetCapacityResponse, |good, request| good.capacity(&request);
        controller_capabilities(ControllerGetCapabilitiesRequest)
            -> ControllerGetCapabilitiesResponse, |good, _| good.controller_capabilities();
        create_snapshot(CreateSnapshotRequest) -> CreateSnapshotResponse,
            |good, request| good.create_snapshot(&request);
        delete_snapshot(DeleteSnapshotRequest) -> DeleteSnapshotResponse,
            |good, request| good.delete_snapshot(&request);
        list_snapshots(ListSnapshotsRequest) -> ListSnapshotsResponse,
            |good, request| good.list_snapshots(&request);
        get_snapshot(GetSnapshotRequest) -> GetSnapshotResponse,
            |good, request| good.get_snapshot(&request);
        controller_expand(ControllerExpandVolumeRequest) -> ControllerExpandVolumeResponse,
            |good, request| good.controller_expand(&request);
        get_volume(ControllerGetVolumeRequest) -> ControllerGetVolumeResponse,
            |good, request| good.get_volume(&request);
        modify_volume(ControllerModifyVolumeRequest) -> ControllerModifyVolumeResponse,
            Driver::modify_volume;

        stage(NodeStageVolumeRequest) -> NodeStageVolumeResponse,
            |good, request| good.stage(&request);
        unstage(NodeUnstageVolumeRequest) -> NodeUnstageVolumeResponse,
            |good, request| good.unstage(&request);
        publish(NodePublishVolumeRequest) -> NodePublishVolumeResponse,
            |good, request| good.publish(&request);
        unpublish(NodeUnpublishVolumeRequest) -> NodeUnpublishVolumeResponse,
            |good, request| good.unpublish(&request);
        stats(NodeGetVolumeStatsRequest) -> NodeGetVolumeStatsResponse,
            |good, request| good.stats(&request);
        node_expand(NodeExpandVolumeRequest) -> NodeExpandVolumeResponse,
            |good, request| good.node_expand(&request);
        node_capabilities(NodeGetCapabilitiesRequest) -> NodeGetCapabilitiesResponse,
            |good, _| Ok(good.node_capabilities());
        node_info(NodeGetInfoRequest) -> NodeGetInfoResponse, |good, _| Ok(good.node_info());
    }

    fn make_storage(
        &self,
        good: &dyn Backing,
        id: &str,
        bytes: u64,
        source: Option<Source<'_>>,
    ) -> Result<()> {
        good.create(id, bytes, source)
    }
    fn grow_device(&self, good: &dyn Backing, id: &str, bytes: u64) -> Result<()> {
        good.grow_device(id, bytes)
    }
    fn cut_snapshot(&self, good: &dyn Backing, volume: &str, snapshot: &str) -> Result<u64> {
        good.snapshot(volume, snapshot)
    }
    fn attach(&self, good: &dyn Backing, id: &str) -> Result<()> {
        good.attach(id)
    }
    fn detach(&self, good: &dyn Backing, id: &str) -> Result<()> {
        good.detach(id)
    }
    fn mount(&self, good: &dyn Backing, id: &str, path: &Path, how: &Mounting) -> Result<()> {
        good.stage(id, path, how)
    }
    fn unmount(&self, good: &dyn Backing, id: &str, path: &Path) -> Result<()> {
        good.unstage(id, path)
    }
    fn show(&self, good: &dyn Backing, id: &str, showing: &Showing<'_>) -> Result<()> {
        let Showing { staged, target, readonly, access } = showing;
        good.publish(id, *staged, target, *readonly, access)
    }
    fn hide(&self, good: &dyn Backing, id: &str, target: &Path) -> Result<()> {
        good.unpublish(id, target)
    }
    fn grow_fs(&self, good: &dyn Backing, id: &str) -> Result<Option<FileSystem>> {
        good.grow_fs(id)
    }
    fn usage(&self, good: &dyn Backing, id: &str, path: &Path) -> Result<Stats> {
        good.stats(id, path)
    }
}

/// How a volume is to show at a target path; see [`Backing::publish`].
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs, reason = "the parameters of `Backing::publish`")]
pub struct Showing<'a> {
    pub staged: Option<&'a Path>,
    pub target: &'a Path,
    pub readonly: bool,
    pub access: &'a Access,
}

/// No defect.
pub struct Sound;

impl Flaw for Sound {}
