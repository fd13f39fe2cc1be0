//! ListVolumes, ControllerGetVolume, GetCapacity, and the paging that ListSnapshots shares.

use csi_stretch_proto::csi::v1::{
    ControllerGetVolumeRequest, ControllerGetVolumeResponse, GetCapacityRequest,
    GetCapacityResponse, ListVolumesRequest, ListVolumesResponse,
    controller_get_volume_response::VolumeStatus,
    list_volumes_response::{Entry, VolumeStatus as EntryStatus},
};
use tonic::Status;

use super::shown;
use crate::{
    driver::{Driver, Reply, ask, capability::parse},
    profile::ControllerCapability as C,
    state::VolumeRecord,
};

/// The tokens of all lists begin so; the rest is the place to go on after.
const TOKEN: &str = "after-";

impl Driver {
    /// ListVolumes, oldest first.
    pub fn list_volumes(&self, request: &ListVolumesRequest) -> Reply<ListVolumesResponse> {
        self.needs(C::ListVolumes)?;
        let mut all = self.store.volumes();
        all.retain(VolumeRecord::is_visible);
        let (page, next_token) =
            self.page(all, |v| v.sequence, request.max_entries, &request.starting_token)?;
        let entries = page.iter().map(|record| Entry {
            volume: Some(shown(record)),
            status: self.has_status().then(|| EntryStatus {
                published_node_ids: self.published_nodes(record),
                volume_condition: self.condition_if_declared(record),
            }),
        });
        Ok(ListVolumesResponse { entries: entries.collect(), next_token })
    }

    /// ControllerGetVolume.
    pub fn get_volume(
        &self,
        request: &ControllerGetVolumeRequest,
    ) -> Reply<ControllerGetVolumeResponse> {
        self.needs(C::GetVolume)?;
        let record = self.volume(ask::required(&request.volume_id, "volume_id")?)?;
        let status = VolumeStatus {
            published_node_ids: self.published_nodes(&record),
            volume_condition: self.condition_if_declared(&record),
        };
        Ok(ControllerGetVolumeResponse { volume: Some(shown(&record)), status: Some(status) })
    }

    /// GetCapacity: what is left of the pool, or nothing for a use that is not on offer.
    pub fn capacity(&self, request: &GetCapacityRequest) -> Reply<GetCapacityResponse> {
        self.needs(C::GetCapacity)?;
        let wanted: Vec<_> =
            request.volume_capabilities.iter().map(|c| parse(Some(c))).collect::<Reply<_>>()?;
        let pool = match self.profile.pool.0 {
            0 => i64::MAX as u64,
            pool => pool,
        };
        let free = pool.saturating_sub(self.store.reserved_bytes());
        let possible = wanted.iter().all(|one| self.why_not_offered(one).is_none());
        let free = if possible { free - free % self.profile.granularity.0 } else { 0 };
        let signed = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
        Ok(GetCapacityResponse {
            available_capacity: signed(free),
            maximum_volume_size: Some(signed(self.profile.maximum.0)),
            minimum_volume_size: Some(signed(self.profile.minimum.0)),
        })
    }

    /// Cuts one page out of a list; an unknown token is ABORTED, as CSI demands.
    pub(super) fn page<T>(
        &self,
        mut all: Vec<T>,
        place: impl Fn(&T) -> u64,
        max_entries: i32,
        token: &str,
    ) -> Reply<(Vec<T>, String)> {
        let most = ask::max_entries(max_entries)?;
        if !token.is_empty() {
            let after = token.strip_prefix(TOKEN).and_then(|t| t.parse::<u64>().ok());
            let Some(after) = after.filter(|after| *after <= self.store.sequence()) else {
                let text = "starting_token is not from an earlier list: start over without one";
                return Err(Status::aborted(text));
            };
            all.retain(|one| place(one) > after);
        }
        let more = most.is_some_and(|most| all.len() > most);
        all.truncate(most.unwrap_or(usize::MAX));
        let last = all.last().filter(|_| more).map(place);
        Ok((all, last.map(|last| format!("{TOKEN}{last}")).unwrap_or_default()))
    }

    fn has_status(&self) -> bool {
        self.profile.has(C::ListVolumesPublishedNodes) || self.profile.has(C::VolumeCondition)
    }

    fn published_nodes(&self, record: &VolumeRecord) -> Vec<String> {
        if !self.profile.has(C::ListVolumesPublishedNodes) {
            return Vec::new();
        }
        record.published.keys().cloned().collect()
    }

    fn condition_if_declared(
        &self,
        record: &VolumeRecord,
    ) -> Option<csi_stretch_proto::csi::v1::VolumeCondition> {
        self.profile.has(C::VolumeCondition).then(|| self.condition(record))
    }
}
