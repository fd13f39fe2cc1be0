//! What the versions of Kubernetes do differently, as data: one row each, newest first.

use super::time::{MILLISECOND, MINUTE, SECOND, Span};

/// One generation of Kubernetes and its sidecars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "a table of what each version has")]
pub struct Profile {
    /// What `--profile` takes.
    pub name: &'static str,
    /// In a line.
    pub about: &'static str,
    /// RecoverVolumeExpansionFailure: allocatedResources, their statuses, a smaller request.
    pub recover: bool,
    /// A volume grows under a running pod.
    pub online: bool,
    /// When the node is asked during a mount.
    pub node_expand: NodeExpand,
    /// Block volumes are grown on the node.
    pub node_block: bool,
    /// `NodeExpandVolume` has the staging path and the capability.
    pub node_staging: bool,
    /// `NodeExpandVolume` has secrets.
    pub node_secrets: bool,
    /// On which nodes a volume with several writers is grown.
    pub everywhere: Everywhere,
    /// FAILED_PRECONDITION of the controller waits until no pod uses the claim.
    pub waits_for_pods: bool,
    /// FAILED_PRECONDITION of the node does not keep a pod from starting.
    pub node_in_use_passes: bool,
    /// `ControllerExpandVolume` has the capability.
    pub controller_capability: bool,
    /// csi-resizer checks the volume's claimRef.
    pub checks_claim_ref: bool,
    /// csi-resizer's patches of claims have a resourceVersion.
    pub locks: bool,
    /// csi-resizer notes the old capacity at the volume (gate AnnotateFsResize).
    pub annotates: bool,
    /// csi-resizer's `--timeout`.
    pub resizer_timeout: Span,
    /// csi-resizer's first and longest pause after a failure.
    pub resizer_retry: (Span, Span),
}

/// When a node is asked to expand while a pod starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeExpand {
    /// After NodeStageVolume on the staging path; without staging, after NodePublishVolume.
    BeforePublish,
    /// After NodePublishVolume, on the target path.
    AfterPublish,
}

/// Which nodes expand a volume that is mounted on several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Everywhere {
    /// Only the first.
    First,
    /// All, whatever its access mode.
    All,
    /// All of a ReadWriteMany volume, unless the claim says that none needs to.
    Needed,
}

/// Kubernetes 1.34 and later.
pub const CURRENT: Profile = Profile {
    name: "current",
    about: "Kubernetes 1.34 and later: recovery from failed expansion is always on",
    recover: true,
    online: true,
    node_expand: NodeExpand::AfterPublish,
    node_block: true,
    node_staging: true,
    node_secrets: true,
    everywhere: Everywhere::Needed,
    waits_for_pods: true,
    node_in_use_passes: true,
    controller_capability: true,
    checks_claim_ref: true,
    locks: true,
    annotates: true,
    resizer_timeout: 10 * SECOND,
    resizer_retry: (SECOND, 5 * MINUTE),
};

/// All profiles. The columns in which they differ are those that a driver sees.
pub const PROFILES: &[Profile] = &[
    CURRENT,
    Profile {
        name: "1.32",
        about: "Kubernetes 1.32 and 1.33: recovery is on by default",
        everywhere: Everywhere::All,
        annotates: false,
        ..CURRENT
    },
    V1_24,
    V1_16,
    Profile {
        name: "legacy-1.14",
        about: "Kubernetes 1.14 with the alpha gate: growth ends when the pod is started again",
        online: false,
        node_block: false,
        waits_for_pods: false,
        node_in_use_passes: false,
        controller_capability: false,
        checks_claim_ref: false,
        locks: false,
        resizer_timeout: 15 * SECOND,
        resizer_retry: (5 * MILLISECOND, 1000 * SECOND),
        ..V1_16
    },
];

const V1_24: Profile = Profile {
    name: "1.24",
    about: "Kubernetes 1.24 to 1.31: expansion is stable, there is no recovery",
    recover: false,
    everywhere: Everywhere::All,
    annotates: false,
    ..CURRENT
};

const V1_16: Profile = Profile {
    name: "1.16",
    about: "Kubernetes 1.16 to 1.23: expansion online, on the staging path at a mount",
    node_expand: NodeExpand::BeforePublish,
    node_staging: false,
    node_secrets: false,
    everywhere: Everywhere::First,
    ..V1_24
};

impl Profile {
    /// The profile of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        PROFILES.iter().find(|profile| profile.name == name)
    }
}

impl Default for &'static Profile {
    fn default() -> Self {
        &CURRENT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_have_names_of_their_own() {
        for profile in PROFILES {
            assert_eq!(Profile::named(profile.name), Some(profile));
        }
        assert_eq!(Profile::named("1.99"), None);
    }

    #[test]
    fn what_a_profile_lacks_no_older_one_has() {
        let newest_first: Vec<[bool; 7]> = PROFILES
            .iter()
            .map(|p| {
                [
                    p.recover,
                    p.online,
                    p.node_block,
                    p.node_staging,
                    p.node_secrets,
                    p.waits_for_pods,
                    p.node_in_use_passes,
                ]
            })
            .collect();
        for pair in newest_first.windows(2) {
            assert!(pair[0].iter().zip(pair[1]).all(|(newer, older)| *newer || !older));
        }
    }
}
