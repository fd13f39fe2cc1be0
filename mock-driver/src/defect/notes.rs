//! What defects remember and ask, shared by all classes. Nothing of it outlives the process.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use csi_stretch_proto::csi::v1::{
    CapacityRange, ControllerGetVolumeRequest, GetPluginCapabilitiesResponse, VolumeCapability,
    plugin_capability::Type, volume_capability::AccessType,
};

use crate::{driver::Driver, profile::Expansion};

/// Something about each volume, by id.
pub struct Notes<T = ()>(Mutex<BTreeMap<String, T>>);

impl<T> Default for Notes<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> Notes<T> {
    /// Notes it; what was noted before comes back.
    pub fn put(&self, id: &str, value: T) -> Option<T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned(), value)
    }

    /// What is noted.
    pub fn get(&self, id: &str) -> Option<T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    /// Forgets it.
    pub fn take(&self, id: &str) -> Option<T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id)
    }

    /// Whether anything is noted.
    pub fn has(&self, id: &str) -> bool {
        self.get(id).is_some()
    }
}

/// The size of a volume by the driver's records, bytes; `None`: no such volume.
pub fn size(good: &Driver, id: &str) -> Option<i64> {
    let request = ControllerGetVolumeRequest { volume_id: id.to_owned() };
    good.get_volume(&request).ok()?.volume.map(|volume| volume.capacity_bytes)
}

/// The least size that a request asks for, bytes.
pub fn required(range: Option<&CapacityRange>) -> i64 {
    range.map_or(0, |range| range.required_bytes)
}

/// Whether the request says that the volume is used as a block device.
pub fn is_block(capability: Option<&VolumeCapability>) -> bool {
    capability.is_some_and(|c| matches!(c.access_type, Some(AccessType::Block(_))))
}

/// The same capabilities, with OFFLINE in place of ONLINE.
pub fn declaring_offline(
    mut reply: GetPluginCapabilitiesResponse,
) -> GetPluginCapabilitiesResponse {
    for capability in &mut reply.capabilities {
        if let Some(Type::VolumeExpansion(expansion)) = &mut capability.r#type {
            expansion.r#type = Expansion::Offline.wire().into();
        }
    }
    reply
}
