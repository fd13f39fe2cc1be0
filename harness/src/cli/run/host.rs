//! What a report says of the machine it was made on, and what it cannot prove there.

use csi_stretch_oracle::history::{Host, Tier};

use crate::{host::facts::Facts, target::support};

/// The machine under this process.
pub(super) fn describe(tier: Tier, embedded: bool) -> Host {
    let facts = Facts::gather();
    Host {
        kernel: facts.machine.kernel,
        cpus: facts.machine.cpus,
        root: facts.machine.root,
        unproven: unproven(tier, embedded),
    }
}

/// What a reader must not believe because of a green report.
fn unproven(tier: Tier, embedded: bool) -> Vec<String> {
    let mut unproven = Vec::new();
    match tier {
        Tier::Memory => {
            let way_out = if embedded {
                "Run as root, with the default features, for real devices."
            } else {
                "A driver that simulates its node can prove no more."
            };
            unproven.push(format!(
                "Sizes and contents are simulated by the driver itself: no real device, file \
                 system or data was looked at. {way_out}"
            ));
        }
        Tier::Loop => {
            if let Err(why) = support::ext4_online() {
                unproven.push(format!("Growth of a mounted ext4 was not tried: {why}."));
            }
        }
    }
    unproven.push("Power cuts and device faults were not tried.".into());
    unproven
}
