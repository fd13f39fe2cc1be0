//! What shows only in the order in which an orchestrator calls: it repeats a refusal at once, and a
//! kubelet that was restarted does again what stands.

use csi_stretch_proto::csi::v1::{
    ControllerExpandVolumeRequest, ControllerExpandVolumeResponse, NodeExpandVolumeRequest,
    NodeExpandVolumeResponse, NodePublishVolumeRequest, NodePublishVolumeResponse,
    NodeUnpublishVolumeRequest, NodeUnpublishVolumeResponse,
};
use tonic::{Code, Status};

use super::{
    Defect, Flaw,
    notes::{Notes, required, size},
    plant,
};
use crate::driver::{Driver, Reply};

const CLASS: &str = "orchestrator";

/// The defects of this class.
pub const DEFECTS: &[Defect] = &[
    plant!(
        StickyAborted::default(),
        "second-refusal-keeps-the-lock",
        "a refusal that is repeated leaves the volume locked: all growth is ABORTED from then on",
        "kubernetes-csi/csi-driver-nfs#209",
        &["controller-expand.err-out-of-range-no-effect"]
    ),
    plant!(
        FlagFlips::default(),
        "second-refusal-drops-demand",
        "after a refusal that is repeated, a growth asks for no node step, though one is needed",
        "no public issue: the flag is kept of the attempt before",
        &["controller-expand.node-flag-truthful"]
    ),
    plant!(
        NotRepeatable::default(),
        "publish-again-after-growth-fails",
        "what is published cannot be published again once it has grown: its size is another one",
        "no public issue: the record of a publication holds the size of that time",
        &["node-publish.idempotent"]
    ),
    plant!(
        NotFoundWhileLate::default(),
        "node-expand-not-found-while-late",
        "after a repeated publication the grown device is looked for anew, and is NOT_FOUND so long",
        "no public issue: a lookup that fails is taken for a volume that is not there",
        &["node-expand.err-not-found"]
    ),
];

/// The last size that was refused, and whether that was a repeat.
#[derive(Default)]
struct Refusals(Notes<(i64, bool)>);

impl Refusals {
    fn note(&self, id: &str, asked: i64, status: &Status) {
        if status.code() == Code::OutOfRange {
            let again = self.0.get(id).is_some_and(|(last, _)| last == asked);
            self.0.put(id, (asked, again));
        }
    }

    fn repeated(&self, id: &str) -> bool {
        self.0.get(id).is_some_and(|(_, again)| again)
    }
}

#[derive(Default)]
struct StickyAborted(Refusals);

impl Flaw for StickyAborted {
    fn controller_expand(
        &self,
        good: &Driver,
        request: ControllerExpandVolumeRequest,
    ) -> Reply<ControllerExpandVolumeResponse> {
        let asked = required(request.capacity_range.as_ref());
        if self.0.repeated(&request.volume_id) {
            return Err(Status::aborted("an operation is pending for this volume"));
        }
        good.controller_expand(&request)
            .inspect_err(|status| self.0.note(&request.volume_id, asked, status))
    }
}

#[derive(Default)]
struct FlagFlips(Refusals);

impl Flaw for FlagFlips {
    fn controller_expand(
        &self,
        good: &Driver,
        request: ControllerExpandVolumeRequest,
    ) -> Reply<ControllerExpandVolumeResponse> {
        let asked = required(request.capacity_range.as_ref());
        let mut reply = good
            .controller_expand(&request)
            .inspect_err(|status| self.0.note(&request.volume_id, asked, status))?;
        reply.node_expansion_required &= !self.0.repeated(&request.volume_id);
        Ok(reply)
    }
}

/// Target paths, and volumes that have grown while they were published.
#[derive(Default)]
struct Published {
    at: Notes<String>,
    grown: Notes,
}

impl Published {
    fn grow(
        &self,
        good: &Driver,
        request: &ControllerExpandVolumeRequest,
    ) -> Reply<ControllerExpandVolumeResponse> {
        let before = size(good, &request.volume_id);
        let reply = good.controller_expand(request)?;
        if self.at.has(&request.volume_id) && before < Some(reply.capacity_bytes) {
            self.grown.put(&request.volume_id, ());
        }
        Ok(reply)
    }

    /// It is there already, and has grown since.
    fn outgrown(&self, request: &NodePublishVolumeRequest) -> bool {
        let here = self.at.get(&request.volume_id).as_ref() == Some(&request.target_path);
        here && self.grown.has(&request.volume_id)
    }

    fn forget(&self, id: &str) {
        self.at.take(id);
        self.grown.take(id);
    }
}

#[derive(Default)]
struct NotRepeatable(Published);

impl Flaw for NotRepeatable {
    fn controller_expand(
        &self,
        good: &Driver,
        request: ControllerExpandVolumeRequest,
    ) -> Reply<ControllerExpandVolumeResponse> {
        self.0.grow(good, &request)
    }

    fn publish(
        &self,
        good: &Driver,
        request: NodePublishVolumeRequest,
    ) -> Reply<NodePublishVolumeResponse> {
        if self.0.outgrown(&request) {
            return Err(Status::internal("the volume is published with another size"));
        }
        let (id, path) = (request.volume_id.clone(), request.target_path.clone());
        let reply = good.publish(&request)?;
        self.0.at.put(&id, path);
        Ok(reply)
    }

    fn unpublish(
        &self,
        good: &Driver,
        request: NodeUnpublishVolumeRequest,
    ) -> Reply<NodeUnpublishVolumeResponse> {
        self.0.forget(&request.volume_id);
        good.unpublish(&request)
    }
}

#[derive(Default)]
struct NotFoundWhileLate {
    published: Published,
    late: Notes,
}

impl Flaw for NotFoundWhileLate {
    fn controller_expand(
        &self,
        good: &Driver,
        request: ControllerExpandVolumeRequest,
    ) -> Reply<ControllerExpandVolumeResponse> {
        self.published.grow(good, &request)
    }

    fn publish(
        &self,
        good: &Driver,
        request: NodePublishVolumeRequest,
    ) -> Reply<NodePublishVolumeResponse> {
        let (id, path) = (request.volume_id.clone(), request.target_path.clone());
        if self.published.outgrown(&request) {
            self.late.put(&id, ());
        }
        let reply = good.publish(&request)?;
        self.published.at.put(&id, path);
        Ok(reply)
    }

    fn unpublish(
        &self,
        good: &Driver,
        request: NodeUnpublishVolumeRequest,
    ) -> Reply<NodeUnpublishVolumeResponse> {
        self.published.forget(&request.volume_id);
        self.late.take(&request.volume_id);
        good.unpublish(&request)
    }

    fn node_expand(
        &self,
        good: &Driver,
        request: NodeExpandVolumeRequest,
    ) -> Reply<NodeExpandVolumeResponse> {
        match self.late.take(&request.volume_id) {
            Some(()) => Err(Status::not_found("no device has the size asked for")),
            None => good.node_expand(&request),
        }
    }
}
