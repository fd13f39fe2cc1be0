//! `csi-stretch clean`: removes what killed runs left behind, and nothing else.

use std::{path::PathBuf, time::Duration};

use super::{
    Exit,
    outcome::{Failure, Outcome, print},
};
use crate::runner::{registry, salvage};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Folder of the runs, as given to `run`.
    #[arg(long, value_name = "DIR")]
    work_dir: Option<PathBuf>,
    /// Longest wait for a driver that the run did not start itself.
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = humantime::parse_duration)]
    connect_timeout: Duration,
}

pub fn main(args: &Args) -> Outcome {
    let root = registry::root(args.work_dir.as_deref()).map_err(Failure::lab)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::internal)?;
    let swept = runtime.block_on(sweep_dead(&root, args.connect_timeout));
    if swept.removed.is_empty() && swept.left.is_empty() {
        return print("nothing to clean\n");
    }
    for line in &swept.removed {
        print(&format!("removed {line}\n"))?;
    }
    if swept.left.is_empty() {
        return Ok(Exit::Passed);
    }
    Err(Failure::lab(format!("could not remove:\n  {}", swept.left.join("\n  "))))
}

/// Before a run: the same, told on standard error.
pub async fn dead_runs(root: &std::path::Path, connect_timeout: Duration) {
    let swept = sweep_dead(root, connect_timeout).await;
    for line in &swept.removed {
        eprintln!("csi-stretch: removed what a killed run left: {line}");
    }
    for line in &swept.left {
        eprintln!("csi-stretch: could not remove what a killed run left: {line}");
    }
}

async fn sweep_dead(root: &std::path::Path, connect_timeout: Duration) -> registry::Swept {
    let mut all = registry::Swept::default();
    for (owner, dir) in registry::dead(root) {
        // First the driver's volumes, while the paths they are mounted on still exist.
        let mut left = Vec::new();
        if let Some(way_back) = &owner.way_back {
            let swept = salvage::volumes(&owner, way_back, connect_timeout).await;
            all.removed.extend(swept.removed);
            left = swept.left;
        }
        // What could not be undone needs the run's note, and its paths, for the next try.
        if left.is_empty() {
            let swept = registry::sweep(&dir);
            all.removed.extend(swept.removed);
            left = swept.left;
        }
        all.left.extend(left);
    }
    all
}
