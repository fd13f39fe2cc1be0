//! What the server says of itself: groups, resources, version.

use serde_json::{Value, json};

use super::resource::{RESOURCES, VERSION};

/// The versions of the core group.
pub fn core_versions() -> Value {
    json!({ "kind": "APIVersions", "versions": [VERSION], "serverAddressByClientCIDRs": [] })
}

/// All groups but the core one.
pub fn groups() -> Value {
    let mut names: Vec<&str> = RESOURCES.iter().map(|resource| resource.group).collect();
    names.retain(|name| !name.is_empty());
    names.dedup();
    let groups: Vec<Value> = names
        .into_iter()
        .map(|name| {
            let version =
                json!({ "groupVersion": format!("{name}/{VERSION}"), "version": VERSION });
            json!({ "name": name, "versions": [version], "preferredVersion": version })
        })
        .collect();
    json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": groups })
}

/// The resources of one group.
pub fn resources(group: &str) -> Value {
    let mut list = Vec::new();
    let mut version = VERSION.to_owned();
    for resource in RESOURCES.iter().filter(|resource| resource.group == group) {
        version = resource.api_version();
        let entry = |name: String, verbs: &[&str]| {
            json!({
                "name": name,
                "singularName": resource.kind.to_lowercase(),
                "namespaced": resource.namespaced,
                "kind": resource.kind,
                "verbs": verbs,
            })
        };
        let verbs = ["create", "delete", "get", "list", "patch", "update", "watch"];
        list.push(entry(resource.plural.to_owned(), &verbs));
        if resource.status.is_some() {
            list.push(entry(format!("{}/status", resource.plural), &["get", "patch", "update"]));
        }
    }
    json!({
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": version,
        "resources": list,
    })
}

/// A version in the form that clients parse: that of the rules which are kept here.
pub fn version() -> Value {
    json!({ "major": "1", "minor": "34", "gitVersion": "v1.34.0", "platform": "csi-stretch" })
}
