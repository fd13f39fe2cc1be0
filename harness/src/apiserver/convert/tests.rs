//! What JSON says of an object is there again when it is read and written.

use rstest::rstest;
use serde_json::{Value, json};

use super::{CsiNode, Reader, View, Writer, pruned, uid_text};
use crate::generator::orchestrator::{
    names::Names,
    objects::{Attachment, Claim, Class, Driver, Node, Pod, Volume},
    time::At,
};

fn object<V: View>(names: &mut Names, json: &Value) -> V::Object {
    let mut object = V::Object::default();
    V::read(&mut object, &mut Reader { names }, json).unwrap();
    object
}

/// Without what the store decides.
fn shown<V: View>(names: &Names, object: &V::Object) -> Value {
    let mut json = pruned(V::write(object, &Writer { names }));
    let meta = json["metadata"].as_object_mut().unwrap();
    for field in ["uid", "resourceVersion", "creationTimestamp"] {
        assert!(meta.shift_remove(field).is_some());
    }
    json
}

fn there_and_back<V: View>(json: &Value) {
    let mut names = Names::default();
    let object = object::<V>(&mut names, json);
    assert_eq!(&shown::<V>(&names, &object), json);
}

#[test]
fn claims_and_volumes_there_and_back() {
    there_and_back::<Claim>(&json!({
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": "data", "namespace": "ns", "labels": { "l": "1" }, "annotations": { "a": "2" },
            "finalizers": ["kubernetes.io/pvc-protection"],
        },
        "spec": {
            "accessModes": ["ReadWriteOnce", "ReadOnlyMany"],
            "resources": { "requests": { "storage": "20Gi" } },
            "volumeName": "pv", "storageClassName": "c", "volumeMode": "Block",
            "dataSource": { "kind": "PersistentVolumeClaim", "name": "other" },
        },
        "status": {
            "phase": "Bound",
            "accessModes": ["ReadWriteOnce", "ReadOnlyMany"],
            "capacity": { "storage": "1536Mi" },
            "allocatedResources": { "storage": "20Gi" },
            "allocatedResourceStatuses": { "storage": "NodeResizeInfeasible" },
            "conditions": [{
                "type": "NodeResizeError", "status": "True",
                "lastTransitionTime": "2027-01-15T08:00:01Z", "message": "no",
            }],
        },
    }));
    let secret = |name: &str| json!({ "name": name, "namespace": "ns" });
    there_and_back::<Volume>(&json!({
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": { "name": "pv" },
        "spec": {
            "capacity": { "storage": "20Gi" },
            "accessModes": ["ReadWriteMany"],
            "claimRef": {
                "kind": "PersistentVolumeClaim", "apiVersion": "v1", "namespace": "ns",
                "name": "data", "uid": uid_text(7),
            },
            "persistentVolumeReclaimPolicy": "Retain",
            "storageClassName": "c",
            "mountOptions": ["noatime"],
            "volumeMode": "Filesystem",
            "csi": {
                "driver": "d", "volumeHandle": "h", "readOnly": true, "fsType": "xfs",
                "volumeAttributes": { "a": "b" },
                "controllerPublishSecretRef": secret("1"),
                "nodeStageSecretRef": secret("2"),
                "nodePublishSecretRef": secret("3"),
                "controllerExpandSecretRef": secret("4"),
                "nodeExpandSecretRef": secret("5"),
            },
        },
        "status": { "phase": "Released" },
    }));
}

#[test]
fn the_rest_there_and_back() {
    there_and_back::<Pod>(&json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": { "name": "p", "namespace": "ns" },
        "spec": {
            "nodeName": "n",
            "volumes": [
                { "name": "a", "persistentVolumeClaim": { "claimName": "a" } },
                { "name": "b", "persistentVolumeClaim": { "claimName": "b", "readOnly": true } },
            ],
        },
        "status": { "phase": "Running" },
    }));
    there_and_back::<Node>(&json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": { "name": "n" },
        "status": { "conditions": [{ "type": "Ready", "status": "Unknown" }] },
    }));
    there_and_back::<Attachment>(&json!({
        "apiVersion": "storage.k8s.io/v1",
        "kind": "VolumeAttachment",
        "metadata": { "name": "va" },
        "spec": {
            "attacher": "d", "nodeName": "n", "source": { "persistentVolumeName": "pv" },
        },
        "status": {
            "attached": true,
            "attachmentMetadata": { "device": "sdb" },
            "attachError": { "message": "1" },
            "detachError": { "message": "2" },
        },
    }));
    there_and_back::<Class>(&json!({
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": { "name": "c" },
        "provisioner": "d",
        "parameters": { "a": "b" },
        "reclaimPolicy": "Retain",
        "mountOptions": ["noatime"],
        "allowVolumeExpansion": true,
        "volumeBindingMode": "WaitForFirstConsumer",
    }));
    there_and_back::<Driver>(&json!({
        "apiVersion": "storage.k8s.io/v1",
        "kind": "CSIDriver",
        "metadata": { "name": "d" },
        "spec": { "attachRequired": false },
    }));
}

#[test]
fn a_part_leaves_the_rest_of_its_object_alone() {
    let mut names = Names::default();
    let node = json!({ "metadata": { "name": "n", "labels": { "a": "b" } } });
    let mut node = object::<Node>(&mut names, &node);
    assert!(!CsiNode::shows(&node));
    let part = json!({
        "metadata": { "name": "other" },
        "spec": { "drivers": [{ "name": "d", "nodeID": "1" }] },
    });
    CsiNode::read(&mut node, &mut Reader { names: &mut names }, &part).unwrap();
    assert!(CsiNode::shows(&node));
    assert_eq!(names.text(node.meta.name), "n");
    assert!(!node.meta.labels.is_empty());
    let json = shown::<CsiNode>(&names, &node);
    assert_eq!(json["spec"], part["spec"]);
}

/// The API keeps whole seconds and the simulator microseconds: who writes back what he read must not
/// move a moment.
#[test]
fn a_moment_that_nobody_changed_stays_where_it_is() {
    let mut names = Names::default();
    let condition = json!({
        "type": "Resizing", "status": "True", "lastTransitionTime": "2027-01-15T08:00:03Z",
    });
    let json = json!({ "metadata": { "name": "c" }, "status": { "conditions": [condition] } });
    let mut claim = object::<Claim>(&mut names, &json);
    let mut condition = *claim.conditions.iter().next().unwrap();
    condition.since = At(1_800_000_003_250_000);
    claim.conditions.set(condition);
    let before = claim.clone();
    let written = pruned(Claim::write(&claim, &Writer { names: &names }));
    Claim::read(&mut claim, &mut Reader { names: &mut names }, &written).unwrap();
    assert_eq!(claim.conditions, before.conditions);
}

#[rstest]
#[case::size(json!({ "spec": { "resources": { "requests": { "storage": "10 GB" } } } }), "spec.resources")]
#[case::mode(json!({ "spec": { "accessModes": ["Sometimes"] } }), "spec.accessModes")]
#[case::no_list(json!({ "spec": { "accessModes": "ReadWriteOnce" } }), "spec.accessModes")]
#[case::volume_mode(json!({ "spec": { "volumeMode": "Tape" } }), "spec.volumeMode")]
#[case::phase(json!({ "status": { "phase": "Happy" } }), "status.phase")]
#[case::resize(
    json!({ "status": { "allocatedResourceStatuses": { "storage": "Happy" } } }),
    "status.allocatedResourceStatuses.storage"
)]
#[case::text(json!({ "spec": { "volumeName": 1 } }), "spec.volumeName")]
#[case::pairs(json!({ "metadata": { "labels": { "a": 1 } } }), "metadata.labels")]
fn what_makes_no_sense_is_refused_with_its_place(#[case] json: Value, #[case] place: &str) {
    let mut names = Names::default();
    let mut claim = Claim::default();
    let refusal = Claim::read(&mut claim, &mut Reader { names: &mut names }, &json);
    let refusal = refusal.unwrap_err();
    assert_eq!(refusal.code, 422);
    assert!(refusal.message.starts_with(place), "{}", refusal.message);
}
