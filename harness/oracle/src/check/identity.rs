//! Who the plugin and its node are: name, version, node id. The rule for names is read leniently
//! (notes, 36): labels may begin with a digit, as the sentence after the reference says.

use super::Check;
use crate::{
    action::Rpc,
    evidence::{Evidence, Op},
    history::Reply,
    report::{Class, Finding},
};

/// See the module.
pub const CHECK: Check = Check {
    name: "identity",
    about: "plugin name, version and node id are there, have their form, and do not change",
    clauses: &[
        "get-plugin-info.name-required",
        "get-plugin-info.name-format",
        "get-plugin-info.name-length",
        "get-plugin-info.name-charset",
        "get-plugin-info.vendor-version",
        "get-plugin-info.stable",
        "node-get-info.node-id",
        "node-get-info.node-id-size",
        "node-get-info.max-volumes",
    ],
    run,
};

/// Longest plugin name, characters.
const NAME_MAX: usize = 63;
/// Longest node id, bytes, and the length that is recommended.
const NODE_ID_MAX: usize = 256;
const NODE_ID_ADVISED: usize = 128;

fn run(evidence: &Evidence<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut node_id: Option<&str> = None;
    let mut first = true;
    for op in evidence.subject {
        let (Some(call), Some(reply)) = (op.call(), op.reply()) else { continue };
        let text = reply.text.as_deref().unwrap_or_default();
        match call.rpc {
            Rpc::GetPluginInfo => {
                if std::mem::take(&mut first) {
                    findings.extend(plugin(text, reply, op));
                }
                findings.extend(renamed(&evidence.run.target.name, text, op));
            }
            Rpc::NodeGetInfo => {
                findings.extend(node(text, node_id, reply, op));
                node_id = Some(text);
            }
            _ => (),
        }
    }
    findings
}

fn plugin(name: &str, reply: &Reply, op: &Op<'_>) -> Vec<Finding> {
    let breach = |clause: &str, what: String| CHECK.breach(Class::Code, clause, op, what);
    let shape = match name {
        "" => Some(breach("get-plugin-info.name-required", "the plugin has no name".to_owned())),
        _ if name.chars().count() > NAME_MAX => {
            let what = format!("the name {name:?} is longer than {NAME_MAX} characters");
            Some(breach("get-plugin-info.name-length", what))
        }
        _ if !is_charset(name) => {
            let what = format!("the name {name:?} is not of letters, digits, `-` and `.` alone");
            Some(breach("get-plugin-info.name-charset", what))
        }
        _ if name.split('.').any(str::is_empty) => {
            let what = format!("the name {name:?} has an empty label");
            Some(breach("get-plugin-info.name-format", what))
        }
        _ => None,
    };
    let unversioned = reply.vendor_version.as_deref() == Some("");
    let what = "the plugin has no vendor_version".to_owned();
    let version = unversioned.then(|| breach("get-plugin-info.vendor-version", what));
    shape.into_iter().chain(version).collect()
}

fn is_charset(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
    let edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = name.as_bytes();
    bytes.iter().all(|byte| inner(*byte)) && edge(bytes.first()) && edge(bytes.last())
}

fn renamed(then: &str, now: &str, op: &Op<'_>) -> Option<Finding> {
    if then == now || then.is_empty() || now.is_empty() {
        return None;
    }
    let what = "the plugin's name is not the one it gave at first";
    Some(CHECK.breach(Class::Lie, "get-plugin-info.stable", op, what).versus(then, now))
}

fn node(id: &str, before: Option<&str>, reply: &Reply, op: &Op<'_>) -> Option<Finding> {
    let breach = |clause: &str, what: String| CHECK.breach(Class::Code, clause, op, what);
    let most = reply.max_volumes.unwrap_or(0);
    if id.is_empty() {
        return Some(breach("node-get-info.node-id", "the node has no id".to_owned()));
    }
    if before.is_some_and(|before| before != id) {
        let what = "the node's id is not the one it gave before".to_owned();
        let finding = breach("node-get-info.node-id", what);
        return Some(finding.versus(before.unwrap_or_default(), id));
    }
    if id.len() > NODE_ID_ADVISED {
        let what = format!("the node's id has {} bytes", id.len());
        let finding = breach("node-get-info.node-id-size", what);
        return Some(if id.len() > NODE_ID_MAX { finding } else { finding.remark() });
    }
    let what = format!("max_volumes_per_node is {most}");
    (most < 0).then(|| breach("node-get-info.max-volumes", what).versus(">= 0", most.to_string()))
}
