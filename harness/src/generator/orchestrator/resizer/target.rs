//! Which size csi-resizer asks for: the table of states of a claim, with recovery.

use crate::generator::orchestrator::objects::{Claim, Resize};

/// What the choice depends on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Situation {
    /// Asked for by the user.
    pub request: u64,
    /// `allocatedResources`
    pub allocated: Option<u64>,
    /// What the volume object says it has.
    pub volume: u64,
    /// How far an earlier expansion got.
    pub resize: Option<Resize>,
    /// FileSystemResizePending is set.
    pub pending: bool,
    /// The last attempt of this process failed for good.
    pub final_error: bool,
    /// The driver has the controller's half of expansion.
    pub controller: bool,
}

impl Situation {
    pub fn of(claim: &Claim, volume: u64) -> Self {
        use crate::generator::orchestrator::conditions::ConditionKind::FileSystemResizePending;
        Self {
            request: claim.request,
            allocated: claim.allocated,
            volume,
            resize: claim.resize,
            pending: claim.conditions.has(FileSystemResizePending),
            final_error: false,
            controller: true,
        }
    }

    /// The size to expand to; `None`: nothing to do for the controller now.
    pub fn target(self) -> Option<u64> {
        let before = self.allocated.unwrap_or(self.request);
        if self.volume < self.request {
            // An expansion that is under way comes to its end before a new one begins.
            return match self.resize {
                Some(Resize::NodePending | Resize::NodeInProgress) => {
                    (self.volume < before).then_some(before)
                }
                Some(Resize::ControllerInProgress) if self.final_error => Some(self.request),
                Some(Resize::ControllerInProgress | Resize::NodeInfeasible) => Some(before),
                Some(Resize::ControllerInfeasible) | None => Some(self.request),
            };
        }
        match self.resize {
            Some(Resize::NodePending | Resize::NodeInProgress) => None,
            Some(Resize::NodeInfeasible) if !self.controller => Some(self.request),
            None if self.allocated.is_none() && self.pending => None,
            _ => Some(before),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Resize::{
        ControllerInProgress as Cip, ControllerInfeasible as Cinf, NodeInProgress as Nip,
        NodeInfeasible as Ninf, NodePending as Np,
    };

    fn target(request: u64, volume: u64, allocated: u64, resize: Option<Resize>) -> Option<u64> {
        let situation = Situation {
            request,
            allocated: (allocated > 0).then_some(allocated),
            volume,
            resize,
            pending: false,
            final_error: false,
            controller: true,
        };
        situation.target()
    }

    #[test]
    fn a_volume_smaller_than_the_request() {
        for (allocated, resize, expected) in [
            (20, Some(Ninf), Some(20)),
            (0, Some(Ninf), Some(30)),
            (20, Some(Np), Some(20)),
            (10, Some(Np), None),
            (10, Some(Nip), None),
            (20, Some(Cip), Some(20)),
            (20, Some(Cinf), Some(30)),
            (20, None, Some(30)),
            (0, None, Some(30)),
        ] {
            assert_eq!(target(30, 10, allocated, resize), expected, "{resize:?} {allocated}");
        }
    }

    #[test]
    fn a_volume_that_has_what_is_asked_for() {
        for (allocated, resize, expected) in [
            (20, Some(Ninf), Some(20)),
            (0, Some(Ninf), Some(15)),
            (20, Some(Np), None),
            (20, Some(Nip), None),
            (20, Some(Cip), Some(20)),
            (20, Some(Cinf), Some(20)),
            (20, None, Some(20)),
            (0, None, Some(15)),
        ] {
            assert_eq!(target(15, 20, allocated, resize), expected, "{resize:?} {allocated}");
        }
    }

    #[test]
    fn a_final_error_frees_the_user_and_a_node_only_driver_follows_him() {
        let stuck = Situation {
            request: 15,
            allocated: Some(20),
            volume: 10,
            resize: Some(Cip),
            pending: false,
            final_error: true,
            controller: true,
        };
        assert_eq!(stuck.target(), Some(15));
        let node_only = Situation { volume: 20, resize: Some(Ninf), controller: false, ..stuck };
        assert_eq!(node_only.target(), Some(15));
        let old = Situation { volume: 20, resize: None, allocated: None, pending: true, ..stuck };
        assert_eq!(old.target(), None);
    }
}
