//! What a driver declares holds together, and stays the same. Judged where a scenario asks for
//! capabilities, so that a wrong declaration is one finding and not one in every scenario; the
//! other two lists are those that the driver gave when it was connected.
//!
//! Legal variety: ONLINE and OFFLINE together (notes, 8), EXPAND_VOLUME without a mode (7, a
//! remark), values of a younger specification (a remark), an endpoint without one of the services.

use std::collections::BTreeSet;

use super::Check;
use crate::{
    action::Rpc,
    evidence::{Evidence, Op},
    report::{Class, Finding},
};

/// See the module.
pub const CHECK: Check = Check {
    name: "declared",
    about: "declared capabilities are known values, fit each other, and do not change",
    clauses: &[
        "get-plugin-capabilities.expansion-online-needs-rpc",
        "get-plugin-capabilities.expansion-offline-needs-controller",
        "get-plugin-capabilities.expansion-known-type",
        "get-plugin-capabilities.known-values",
        "get-plugin-capabilities.same-everywhere",
        "get-plugin-capabilities.controller-service-serves",
        "controller-get-capabilities.expand-volume",
        "controller-get-capabilities.published-nodes-needs-publish",
        "controller-get-capabilities.known-values",
        "controller-get-capabilities.stable",
        "node-get-capabilities.expand-volume",
        "node-get-capabilities.known-values",
        "node-get-capabilities.stable",
    ],
    run,
};

fn run(evidence: &Evidence<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut asked = BTreeSet::new();
    for op in evidence.subject {
        let Some((rpc, list)) = list(op) else { continue };
        let lists = Lists::new(evidence, rpc, list);
        // What does not change is judged once.
        if asked.insert(rpc) {
            findings.extend(lists.unknown(rpc, op));
            findings.extend(lists.misfits(rpc, op));
        }
        findings.extend(changed(evidence, rpc, list, op));
    }
    findings
}

fn list<'a>(op: &Op<'a>) -> Option<(Rpc, &'a [String])> {
    let rpc = op.call()?.rpc;
    let list = op.reply()?.capabilities.as_deref()?;
    Some((rpc, list))
}

/// The key of `Offers::declared`.
fn service(rpc: Rpc) -> &'static str {
    match rpc {
        Rpc::ControllerGetCapabilities => "controller",
        Rpc::NodeGetCapabilities => "node",
        _ => "plugin",
    }
}

/// The three lists; `None`: not known, so nothing follows from it.
struct Lists<'a> {
    own: &'a [String],
    plugin: Option<&'a [String]>,
    controller: Option<&'a [String]>,
    node: Option<&'a [String]>,
}

impl<'a> Lists<'a> {
    fn new(evidence: &Evidence<'a>, rpc: Rpc, own: &'a [String]) -> Self {
        let offers = &evidence.run.target.offers;
        let of = |name: &str| match name {
            _ if name == service(rpc) => Some(own),
            "plugin" => offers.declared.get(name).map(Vec::as_slice),
            // An endpoint without the service leaves open what the other one declares.
            _ => offers.declared.get(name).map(Vec::as_slice).filter(|_| offers.has(name)),
        };
        Self { own, plugin: of("plugin"), controller: of("controller"), node: of("node") }
    }

    fn misfits(&self, rpc: Rpc, op: &Op<'_>) -> Vec<Finding> {
        let breach = |clause: &str, what: &str| CHECK.breach(Class::Code, clause, op, what);
        let mut findings = Vec::new();
        match rpc {
            Rpc::GetPluginCapabilities => {
                let (online, offline) = (has(self.plugin, "ONLINE"), has(self.plugin, "OFFLINE"));
                let controller = self.controller.map(|list| has(Some(list), "EXPAND_VOLUME"));
                let node = self.node.map(|list| has(Some(list), "EXPAND_VOLUME"));
                if online && controller == Some(false) && node == Some(false) {
                    findings.push(breach(
                        "get-plugin-capabilities.expansion-online-needs-rpc",
                        "ONLINE is declared, but neither the controller nor the node declares \
                         EXPAND_VOLUME",
                    ));
                } else if offline && !online && controller == Some(false) {
                    findings.push(breach(
                        "get-plugin-capabilities.expansion-offline-needs-controller",
                        "OFFLINE is declared, but the controller does not declare EXPAND_VOLUME",
                    ));
                }
                let serves = has(self.plugin, "CONTROLLER_SERVICE");
                if serves && self.controller.is_none() && self.is_asked_at_connection() {
                    findings.push(breach(
                        "get-plugin-capabilities.controller-service-serves",
                        "CONTROLLER_SERVICE is declared, but ControllerGetCapabilities failed",
                    ));
                }
            }
            _ => findings.extend(self.no_mode(rpc, op)),
        }
        let nodes = "LIST_VOLUMES_PUBLISHED_NODES";
        let publishes = has(Some(self.own), "PUBLISH_UNPUBLISH_VOLUME");
        if rpc == Rpc::ControllerGetCapabilities && has(Some(self.own), nodes) && !publishes {
            let clause = "controller-get-capabilities.published-nodes-needs-publish";
            let what = format!("{nodes} is declared without PUBLISH_UNPUBLISH_VOLUME");
            findings.push(breach(clause, &what));
        }
        findings
    }

    /// A node endpoint of its own has no Controller service to answer.
    fn is_asked_at_connection(&self) -> bool {
        self.node.is_none() && self.plugin.is_some()
    }

    /// Once is enough: by the controller if it can grow volumes, else by the node.
    fn no_mode(&self, rpc: Rpc, op: &Op<'_>) -> Option<Finding> {
        let plugin = self.plugin?;
        let by_controller = has(self.controller, "EXPAND_VOLUME");
        let clause = match rpc {
            Rpc::ControllerGetCapabilities if by_controller => {
                "controller-get-capabilities.expand-volume"
            }
            Rpc::NodeGetCapabilities if !by_controller && has(self.node, "EXPAND_VOLUME") => {
                "node-get-capabilities.expand-volume"
            }
            _ => return None,
        };
        if plugin.iter().any(|name| name == "ONLINE" || name == "OFFLINE") {
            return None;
        }
        let what = "EXPAND_VOLUME is declared, but no VolumeExpansion says whether ONLINE or \
                    OFFLINE";
        Some(CHECK.breach(Class::Code, clause, op, what).remark())
    }

    /// A number that no specification knows is the driver's mistake or our age.
    fn unknown(&self, rpc: Rpc, op: &Op<'_>) -> Option<Finding> {
        let strange = |name: &&String| name.contains("UNKNOWN") || *name == "UNSET";
        let name = self.own.iter().find(strange)?;
        let clause = match rpc {
            Rpc::ControllerGetCapabilities => "controller-get-capabilities.known-values",
            Rpc::NodeGetCapabilities => "node-get-capabilities.known-values",
            _ if name.starts_with("EXPANSION") => "get-plugin-capabilities.expansion-known-type",
            _ => "get-plugin-capabilities.known-values",
        };
        let what = format!("{rpc} lists {name}");
        let finding = CHECK.breach(Class::Code, clause, op, what);
        let younger = name.ends_with(')') || name == "UNSET";
        Some(if younger { finding.remark() } else { finding })
    }
}

fn has(list: Option<&[String]>, name: &str) -> bool {
    list.is_some_and(|list| list.iter().any(|one| one == name))
}

/// Not the list that was given when the driver was connected; order and repeats do not count.
fn changed(evidence: &Evidence<'_>, rpc: Rpc, now: &[String], op: &Op<'_>) -> Option<Finding> {
    let then = evidence.run.target.offers.declared.get(service(rpc))?;
    let set = |list: &[String]| list.iter().cloned().collect::<BTreeSet<String>>();
    let (then, now) = (set(then), set(now));
    if then == now {
        return None;
    }
    let names = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>().join(", ");
    let clause = match rpc {
        Rpc::ControllerGetCapabilities => "controller-get-capabilities.stable",
        Rpc::NodeGetCapabilities => "node-get-capabilities.stable",
        _ => "get-plugin-capabilities.same-everywhere",
    };
    let what = format!("{rpc} does not list what it listed at first");
    Some(CHECK.breach(Class::Lie, clause, op, what).versus(names(&then), names(&now)))
}
