//! The objects that a cluster begins with: YAML as people write it for kubectl.

use serde_json::Value;

use super::{
    cluster::Cluster,
    refusal::Refusal,
    resource::{Key, Part, Resource},
};

/// Why a file is not taken.
#[derive(Debug, thiserror::Error)]
pub enum ObjectsError {
    /// No YAML.
    #[error("{0}")]
    Yaml(String),
    /// Something that is not served.
    #[error("object {number} ({kind}): {version} {kind} is not served; leave it out")]
    Unknown {
        /// Counted from 1.
        number: usize,
        /// As it says.
        version: String,
        /// As it says.
        kind: String,
    },
    /// An object that the server does not take.
    #[error("object {number} ({kind}): {why}")]
    Refused {
        /// Counted from 1.
        number: usize,
        /// As it says.
        kind: String,
        /// In the server's words.
        why: String,
    },
}

/// Makes all objects of a file, with their status: a cluster can begin in the middle of things.
pub fn load(cluster: &mut Cluster, text: &str) -> Result<(), ObjectsError> {
    let documents: Vec<Value> =
        serde_saphyr::from_multiple(text).map_err(|error| ObjectsError::Yaml(error.to_string()))?;
    let lists = documents.into_iter().filter(|document| !document.is_null());
    let objects = lists.flat_map(|document| match document.get("items") {
        Some(Value::Array(items)) => items.clone(),
        _ => vec![document],
    });
    for (index, object) in objects.enumerate() {
        let said = |field: &str| object[field].as_str().unwrap_or_default().to_owned();
        let (version, kind, number) = (said("apiVersion"), said("kind"), index + 1);
        let Some(resource) = Resource::of_kind(&version, &kind) else {
            return Err(ObjectsError::Unknown { number, version, kind });
        };
        let refused =
            |refusal: Refusal| ObjectsError::Refused { number, kind, why: refusal.message };
        create(cluster, resource, &object).map_err(refused)?;
    }
    Ok(())
}

fn create(cluster: &mut Cluster, resource: &Resource, object: &Value) -> Result<(), Refusal> {
    let made = cluster.create(resource, None, object.clone())?;
    let Some(status) = object.get("status").filter(|_| resource.status.is_some()) else {
        return Ok(());
    };
    let text = |field: &str| made["metadata"][field].as_str().unwrap_or_default().to_owned();
    let key = Key { namespace: text("namespace"), name: text("name") };
    cluster.write(resource, &key, Part::Status, |old| {
        let mut new = old.clone();
        new["status"] = status.clone();
        Ok(new)
    })?;
    Ok(())
}
