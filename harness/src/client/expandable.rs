//! Growth as Kubernetes' volume plugins had it in 2018: a volume's device is expanded, and whether
//! its file system has to follow on the node is asked apart. CSI answers both in one reply.

use std::time::{Duration, Instant};

use csi_stretch_oracle::{
    action::Call,
    history::{Completion, Reply},
};

use crate::Boxed;

/// A plugin that can expand volumes. `spec` is the call for growth, with volume and sizes.
pub trait ExpandableVolumePlugin: Sync {
    /// Whether the node has to grow the file system once the device is larger.
    fn requires_fs_resize<'a>(
        &'a self,
        spec: &'a Call,
        deadline: Duration,
    ) -> Boxed<'a, Result<bool, Completion>>;

    /// Expands the device from the size it has to the one in `spec`; returns the size it has then.
    fn expand_volume_device<'a>(
        &'a self,
        spec: &'a Call,
        deadline: Duration,
    ) -> Boxed<'a, Result<i64, Completion>>;
}

/// Answers for both at once. The question comes first: a plugin that cannot answer it has then
/// changed nothing.
pub async fn grow(
    plugin: &dyn ExpandableVolumePlugin,
    spec: &Call,
    deadline: Duration,
) -> Result<Reply, Completion> {
    let begun = Instant::now();
    let node_expansion_required = Some(plugin.requires_fs_resize(spec, deadline).await?);
    let left = deadline.saturating_sub(begun.elapsed());
    let capacity_bytes = Some(plugin.expand_volume_device(spec, left).await?);
    Ok(Reply { capacity_bytes, node_expansion_required, ..Reply::default() })
}
