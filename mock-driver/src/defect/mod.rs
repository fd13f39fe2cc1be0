//! Planted defects: what drivers in the field got wrong, each as one wrong hook over the good
//! driver. They prove the tester, so the list is closed, and a defect is never made louder until
//! a check hears it: if none does, the check is what is missing.
//!
//! One file per class of bug; to add a defect, write a unit struct with the hook it breaks and a
//! line in that file's `DEFECTS`.

mod block_mode;
mod capability_mismatch;
mod capacity_lie;
mod clone_size;
mod concurrency;
mod controller_idempotency;
mod crash_restart;
mod data_loss;
mod device_not_rescanned;
mod encryption;
mod error_code;
mod flaw;
mod fs_not_grown;
mod late;
mod limit_bytes;
mod multi_node;
mod node_expansion_required_lie;
mod notes;
mod online_vs_offline;
mod orchestrator;
mod other;
mod quota_exhausted;
mod readonly;
mod recovery_from_failed_expansion;
mod rounding;
mod secrets;
mod shrink;
mod snapshot_restore_size;
mod staging_path;
mod stats_stale;
mod storage;
mod stuck_state;
mod timeout_retry;
#[cfg(feature = "loop")]
mod under_load;

use std::sync::Arc;

pub use flaw::{Flaw, Sound};
pub use storage::Flawed;

/// One planted defect.
pub struct Defect {
    /// For `mock --defect`; unique.
    pub name: &'static str,
    /// The class of bugs it belongs to.
    pub class: &'static str,
    /// What the driver does wrong, in one sentence.
    pub about: &'static str,
    /// The real one: an issue or pull request, `owner/repository#number`.
    pub stands_for: &'static str,
    /// The clauses it breaks: what a tester has to name, no more and no less.
    pub breaks: &'static [&'static str],
    make: fn() -> Arc<dyn Flaw>,
}

/// Every class, in order of name.
const CLASSES: &[&[Defect]] = &[
    block_mode::DEFECTS,
    capability_mismatch::DEFECTS,
    capacity_lie::DEFECTS,
    clone_size::DEFECTS,
    concurrency::DEFECTS,
    controller_idempotency::DEFECTS,
    crash_restart::DEFECTS,
    data_loss::DEFECTS,
    device_not_rescanned::DEFECTS,
    encryption::DEFECTS,
    error_code::DEFECTS,
    fs_not_grown::DEFECTS,
    limit_bytes::DEFECTS,
    multi_node::DEFECTS,
    node_expansion_required_lie::DEFECTS,
    online_vs_offline::DEFECTS,
    orchestrator::DEFECTS,
    other::DEFECTS,
    quota_exhausted::DEFECTS,
    readonly::DEFECTS,
    recovery_from_failed_expansion::DEFECTS,
    rounding::DEFECTS,
    secrets::DEFECTS,
    shrink::DEFECTS,
    snapshot_restore_size::DEFECTS,
    staging_path::DEFECTS,
    stats_stale::DEFECTS,
    stuck_state::DEFECTS,
    timeout_retry::DEFECTS,
];

/// What takes a database on real devices to be seen.
#[cfg(feature = "loop")]
const UNDER_LOAD: &[Defect] = under_load::DEFECTS;
#[cfg(not(feature = "loop"))]
const UNDER_LOAD: &[Defect] = &[];

impl Defect {
    /// Every defect that the memory backing can have, class by class.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        CLASSES.iter().copied().flatten()
    }

    /// Those that only real devices can have, and only a database on them sees.
    pub fn under_load() -> impl Iterator<Item = &'static Self> {
        UNDER_LOAD.iter()
    }

    /// The defect of that name; an error for the command line.
    pub fn named(name: &str) -> Result<&'static Self, String> {
        let all = || Self::all().chain(Self::under_load());
        let like = |defect: &&Self| (strsim::jaro_winkler(name, defect.name) * 1000.0) as u32;
        all().find(|defect| defect.name == name).ok_or_else(|| {
            let near = all().max_by_key(like).filter(|near| like(near) > 800);
            let hint = near.map(|near| format!("did you mean `{}`? ", near.name));
            format!("no defect has this name; {}`list defects` shows all", hint.unwrap_or_default())
        })
    }

    /// On simulated devices it does nothing.
    pub fn needs_real_devices(&self) -> bool {
        Self::under_load().any(|one| one.name == self.name)
    }

    /// The flaw, with nothing remembered.
    pub fn flaw(&self) -> Arc<dyn Flaw> {
        (self.make)()
    }
}

impl std::fmt::Debug for Defect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Defect({})", self.name)
    }
}

/// A defect that remembers nothing between two calls of its own.
macro_rules! plant {
    ($flaw:expr, $name:literal, $about:literal, $stands_for:literal, $breaks:expr) => {
        $crate::defect::Defect {
            name: $name,
            class: CLASS,
            about: $about,
            stands_for: $stands_for,
            breaks: $breaks,
            make: || std::sync::Arc::new($flaw),
        }
    };
}
use plant;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_name_with_a_slip_is_told_the_nearest() {
        let name = Defect::all().next().unwrap().name;
        let error = Defect::named(&format!("{name}x")).err().unwrap();
        assert!(error.contains(&format!("did you mean `{name}`?")), "{error}");
        let error = Defect::named("zzz").err().unwrap();
        assert!(!error.contains("did you mean"), "{error}");
    }

    #[test]
    fn names_are_unique_and_each_defect_says_what_it_breaks() {
        let mut names = BTreeSet::new();
        for defect in Defect::all().chain(Defect::under_load()) {
            assert!(names.insert(defect.name), "{} is there twice", defect.name);
            assert!(!defect.breaks.is_empty(), "{} breaks nothing", defect.name);
        }
    }
}
