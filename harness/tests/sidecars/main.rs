//! The real sidecars, with the API server for a cluster and the reference driver behind them, make the
//! calls that the simulated ones make: the same steps, done twice. Skipped where they are not built.

mod lab;
mod proxy;
#[path = "../apiserver/rig.rs"]
mod rig;
mod simulated;

use lab::Lab;
use proxy::Call;
use simulated::{Driver, Simulated};

/// What a user, the rest of Kubernetes, or somebody who waits does.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// A claim is made, and bound to the volume that is made for it.
    Create(&'static str),
    /// A pod with it starts on the node; growth that is pending comes to its end.
    StartPod,
    /// The pod goes.
    EndPod,
    /// Another size is asked for.
    Ask(&'static str),
    /// The controller's half has come to this.
    Await(&'static str, &'static str),
    /// A sidecar has made that many calls.
    Calls(&'static str, usize),
    /// The kubelet does its half under a running pod.
    ExpandOnNode,
    /// The claim goes.
    Delete,
}

use Step::{Ask, Await, Calls, Create, Delete, EndPod, ExpandOnNode, StartPod};

const PENDING: &str = "NodeResizePending";
const INFEASIBLE: &str = "ControllerResizeInfeasible";

/// Create, attach, grow online, infeasible, recover, grow offline, delete.
const ALL: &[Step] = &[
    Create("10Gi"),
    StartPod,
    Ask("20Gi"),
    Await("20Gi", PENDING),
    ExpandOnNode,
    Ask("40Gi"),
    Await("40Gi", INFEASIBLE),
    // The second attempt follows at once, for the resizer's own note wakes it.
    Calls("csi-resizer", 12),
    Ask("25Gi"),
    Await("25Gi", PENDING),
    ExpandOnNode,
    EndPod,
    Ask("28Gi"),
    Await("28Gi", PENDING),
    StartPod,
    EndPod,
    Delete,
];

const DECLARED: &str = "
controller: [create_delete_volume, publish_unpublish_volume, expand_volume]
node: [stage_unstage_volume, expand_volume]
maximum: 30GiB
";

fn run(profile: &str, driver: Driver, steps: &[Step]) -> Option<(Lab, Simulated)> {
    let binaries = match lab::binaries() {
        Ok(folder) => folder,
        Err(why) => {
            println!("skipped: the real sidecars ({why})");
            return None;
        }
    };
    let (mut lab, mut simulated) = (Lab::start(&binaries, profile), Simulated::start(driver));
    for step in steps {
        lab.perform(*step);
        simulated.perform(*step);
    }
    Some((lab, simulated))
}

/// In what the real ones and the simulated ones differ. Everything else of the calls is compared.
const DIFFERENCES: &[(&str, &str)] = &[
    (
        "csi-attacher publishes, and csi-provisioner deletes, once or twice",
        "their own write to the object wakes them again, and their cache may not know yet that they \
         are done: a race in the real processes; repeats in a row count as one call",
    ),
    (
        "csi-attacher's finalizer on a volume that goes",
        "the simulated one leaves it there; an object stays, but no call follows from it",
    ),
];

/// Calls in lines.
fn told(sidecar: &str, calls: &[Call]) -> String {
    let mut lines: Vec<String> = calls.iter().map(|call| format!("{call:?}")).collect();
    if sidecar != "csi-resizer" {
        lines.dedup();
    }
    lines.join("\n")
}

fn compare(lab: &Lab, simulated: &Simulated) {
    for (what, why) in DIFFERENCES {
        println!("not compared: {what} ({why})");
    }
    for sidecar in lab::SIDECARS {
        let Some(calls) = lab.calls(sidecar) else {
            println!("skipped: {sidecar} (needs ci/drivers/build {sidecar}); its part was played");
            continue;
        };
        let real = told(sidecar, &calls);
        println!("{sidecar}:\n{real}");
        assert_eq!(real, told(sidecar, simulated.calls(sidecar)), "{sidecar}, simulated");
    }
}

#[test]
fn the_life_of_a_claim() {
    let driver = Driver { maximum: 30 << 30, offline_only: false };
    let Some((lab, simulated)) = run(DECLARED, driver, ALL) else { return };
    compare(&lab, &simulated);
}

/// A driver that grows no volume in use is asked once, and again when the pod has gone.
#[test]
fn growth_offline_only() {
    let driver = Driver { maximum: 30 << 30, offline_only: true };
    let profile = format!("{DECLARED}expansion: [offline]\n");
    let steps = [
        Create("10Gi"),
        StartPod,
        Ask("20Gi"),
        Calls("csi-resizer", 8),
        EndPod,
        Await("20Gi", PENDING),
        StartPod,
    ];
    let Some((lab, simulated)) = run(&profile, driver, &steps) else { return };
    compare(&lab, &simulated);
}
