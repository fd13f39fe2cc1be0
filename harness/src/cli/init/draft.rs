//! The text of a draft. What the driver says is quoted, so that no name of its own choosing can
//! become a key.

use std::fmt::Write as _;

use csi_stretch_oracle::{history::Tier, words::bytes};

use crate::{runner::session::Session, target::Declared, words::clean};

/// A profile that can be used as it is, with comments for whoever makes it true.
pub fn draft(endpoint: &str, controller_endpoint: Option<&str>, session: &Session) -> String {
    let declared = &session.declared;
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(out, "# A target profile for csi-stretch, drafted by `csi-stretch init`.");
    let _ = writeln!(out, "# Lines that say `guess` are for you to make true.\n");
    let _ = writeln!(out, "name: {}", quoted(&declared.name));
    let about = format!("{} {}", declared.name, declared.vendor_version);
    let _ = writeln!(out, "about: {}", quoted(about.trim()));
    let _ = writeln!(out, "endpoint: {}", quoted(endpoint));
    if let Some(controller) = controller_endpoint {
        let _ = writeln!(out, "controller_endpoint: {}", quoted(controller));
    }
    let _ = writeln!(out, "\n# Declared by the driver; a run asks for it again.");
    declares(&mut out, "plugin", Some(&declared.plugin));
    declares(&mut out, "controller", declared.controller.as_ref());
    declares(&mut out, "node", declared.node.as_ref());
    kinds(&mut out);
    sizes(&mut out, declared);
    if session.target.tier == Tier::Memory {
        let _ = writeln!(out, "\n# This driver simulates its node: no kernel is looked at.");
    }
    out.push_str(REST);
    out
}

fn declares(out: &mut String, service: &str, capabilities: Option<&Vec<String>>) {
    let words = match capabilities {
        None => "no such service".to_owned(),
        Some(list) if list.is_empty() => "nothing".to_owned(),
        Some(list) => list.iter().map(|word| clean(word)).collect::<Vec<_>>().join(" "),
    };
    let _ = writeln!(out, "#   {service}: {words}");
}

fn kinds(out: &mut String) {
    out.push_str(
        "
# guess: which kinds of volume it makes. No driver declares that, so a kind that it refuses to
# make is no failure while `assumed` stands. Shorten both lists, then remove it.
access: [mount, block]
fs: [ext4, xfs, btrfs]
assumed: true
",
    );
}

fn sizes(out: &mut String, declared: &Declared) {
    let limits = [("minimum", declared.smallest), ("maximum", declared.largest)];
    let said = limits.into_iter().filter(|(_, size)| *size > 0);
    out.push_str("\nsizes:\n");
    for (key, size) in said.clone() {
        let shown = i64::try_from(size).map_or_else(|_| size.to_string(), bytes);
        let _ = writeln!(out, "  {key}: {size}  # {shown}, as GetCapacity says");
    }
    out.push_str(
        "  granularity: 1MiB  # guess: sizes are multiples of this; many clouds have 1GiB\n",
    );
    if said.count() == 0 {
        out.push_str("  # minimum: 1GiB\n  # maximum: 16TiB\n");
    }
}

const REST: &str = "
# guess: it does not grow a file system by itself when it stages a grown volume.
grows_at_stage: false
# Longest wait for an answer.
deadline: 30s

# parameters: { type: fast }       # of every CreateVolume, as in a StorageClass
# secrets: secrets.yaml            # with csi-sanity's keys
# command: [./driver, '--endpoint={socket}']   # started by the run; instead of `endpoint`
# waivers:
#   - { clause: controller-expand.purpose, reason: why, issue: where, expires: 2027-01-31 }
# expected_failures:
#   - { scenario: 'expansion/online-grow[fs=xfs]', reason: why, issue: where, expires: 2027-01-31 }
";

/// A YAML string in which nothing is active: JSON's is one.
fn quoted(text: &str) -> String {
    serde_json::Value::from(clean(text)).to_string()
}
