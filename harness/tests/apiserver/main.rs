//! `csi-stretch apiserver` by plain HTTP requests: what a client sees, to the words.

use rstest::rstest;
use serde_json::{Value, json};

mod rig;
mod watching;

use rig::{Answer, Api, JSON_PATCH, MERGE, STRATEGIC};

const CLAIM: &str = "/api/v1/namespaces/default/persistentvolumeclaims/data";
const CLAIMS: &str = "/api/v1/namespaces/default/persistentvolumeclaims";
const VOLUME: &str = "/api/v1/persistentvolumes/pv-1";
const ATTACHMENTS: &str = "/apis/storage.k8s.io/v1/volumeattachments";

/// A bound claim of 10Gi that may grow, and what belongs to it.
pub const OBJECTS: &str = "
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: { name: grows }
provisioner: csi.example
allowVolumeExpansion: true
parameters: { csi.storage.k8s.io/fstype: ext4 }
---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: { name: fixed }
provisioner: csi.example
---
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: PersistentVolume
  metadata: { name: pv-1, finalizers: [kubernetes.io/pv-protection] }
  spec:
    capacity: { storage: 10Gi }
    accessModes: [ReadWriteOnce]
    storageClassName: grows
    claimRef: { namespace: default, name: data }
    csi: { driver: csi.example, volumeHandle: handle-1, fsType: ext4, volumeAttributes: { a: b } }
  status: { phase: Bound }
- apiVersion: v1
  kind: PersistentVolumeClaim
  metadata: { name: data, namespace: default }
  spec:
    accessModes: [ReadWriteOnce]
    storageClassName: grows
    volumeName: pv-1
    resources: { requests: { storage: 10Gi } }
  status: { phase: Bound, capacity: { storage: 10Gi } }
- apiVersion: v1
  kind: PersistentVolumeClaim
  metadata: { name: fixed, namespace: default }
  spec:
    accessModes: [ReadWriteOnce]
    storageClassName: fixed
    volumeName: pv-1
    resources: { requests: { storage: 10Gi } }
  status: { phase: Bound, capacity: { storage: 10Gi } }
- apiVersion: v1
  kind: PersistentVolumeClaim
  metadata: { name: fresh, namespace: other }
  spec:
    accessModes: [ReadWriteOnce]
    storageClassName: grows
    resources: { requests: { storage: 1Gi } }
- apiVersion: v1
  kind: Node
  metadata: { name: node-1 }
- apiVersion: storage.k8s.io/v1
  kind: CSINode
  metadata: { name: node-1 }
  spec: { drivers: [{ name: csi.example, nodeID: id-1 }] }
";

fn request(size: &str) -> Value {
    json!({ "spec": { "resources": { "requests": { "storage": size } } } })
}

fn message(answer: &Answer) -> &str {
    answer.body["message"].as_str().unwrap_or_default()
}

#[test]
fn objects_are_listed_and_got_as_they_were_written() {
    let api = Api::start(OBJECTS);
    let volume = api.get(VOLUME).body;
    assert_eq!(volume["spec"]["csi"]["volumeAttributes"], json!({ "a": "b" }));
    assert_eq!(volume["spec"]["capacity"], json!({ "storage": "10Gi" }));
    assert_eq!(volume["status"], json!({ "phase": "Bound" }));
    assert_eq!(volume["metadata"]["finalizers"], json!(["kubernetes.io/pv-protection"]));
    let names = |path: &str| {
        let list = api.get(path).body;
        assert_eq!(list["kind"], "PersistentVolumeClaimList");
        let items = list["items"].as_array().unwrap().iter();
        items.map(|item| item["metadata"]["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names("/api/v1/persistentvolumeclaims"), ["data", "fixed", "fresh"]);
    assert_eq!(names(CLAIMS), ["data", "fixed"]);
    assert_eq!(
        names("/api/v1/persistentvolumeclaims?fieldSelector=metadata.name%3Dfresh"),
        ["fresh"]
    );
    let class = api.get("/apis/storage.k8s.io/v1/storageclasses/grows").body;
    assert_eq!(class["parameters"], json!({ "csi.storage.k8s.io/fstype": "ext4" }));
    assert_eq!(class["volumeBindingMode"], "Immediate");
}

#[test]
fn what_the_server_serves_is_what_it_says() {
    let api = Api::start("");
    let served = api.get("/apis/storage.k8s.io/v1").body["resources"].to_string();
    assert!(served.contains("volumeattachments/status"), "{served}");
    assert!(!served.contains("VolumeAttributesClass"), "{served}");
    assert_eq!(api.get("/readyz").body, "ok");
    assert_eq!(api.get("/apis").body["groups"][0]["name"], "storage.k8s.io");
    let config = std::fs::read_to_string(api.path("kubeconfig")).unwrap();
    let config: Value = serde_json::from_str(&config).unwrap();
    assert!(config["clusters"][0]["cluster"]["server"].as_str().unwrap().starts_with("http://127"));
}

#[rstest]
#[case::path(
    "GET",
    "/api/v1/secrets",
    404,
    "NotFound",
    "the server could not find the requested resource"
)]
#[case::object(
    "GET",
    "/api/v1/persistentvolumes/x",
    404,
    "NotFound",
    "persistentvolumes \"x\" not found"
)]
#[case::group(
    "GET",
    "/apis/storage.k8s.io/v1/volumeattachments/x",
    404,
    "NotFound",
    "volumeattachments.storage.k8s.io \"x\" not found"
)]
#[case::method("PUT", "/api/v1/nodes", 405, "MethodNotAllowed", "does not allow PUT")]
#[case::events("GET", "/api/v1/events?watch=true", 405, "MethodNotAllowed", "not watched")]
#[case::labels("GET", "/api/v1/pods?labelSelector=a%3Db", 400, "BadRequest", "label selectors")]
#[case::no_body("POST", "/api/v1/nodes", 415, "UnsupportedMediaType", "send a Node")]
#[case::no_patch(
    "PATCH",
    "/api/v1/nodes/node-1",
    415,
    "UnsupportedMediaType",
    "application/json-patch+json"
)]
fn what_cannot_be_done_is_a_status(
    #[case] method: &str,
    #[case] path: &str,
    #[case] code: u16,
    #[case] reason: &str,
    #[case] words: &str,
) {
    let answer = Api::start(OBJECTS).request(method, path, "", b"");
    assert_eq!(answer.code, code, "{}", answer.body);
    assert_eq!(answer.body["kind"], "Status");
    assert_eq!(answer.body["reason"], reason);
    assert!(message(&answer).contains(words), "{}", answer.body);
}

#[test]
fn a_new_object_gets_its_name_and_its_identity_once() {
    let api = Api::start(OBJECTS);
    let claim = json!({
        "metadata": { "generateName": "made-" },
        "spec": { "accessModes": ["ReadWriteMany"], "resources": { "requests": { "storage": "1G" } } },
        "status": { "phase": "Bound" },
    });
    let made = api.post(CLAIMS, &claim);
    assert_eq!(made.code, 201, "{}", made.body);
    let name = made.body["metadata"]["name"].as_str().unwrap();
    assert!(name.starts_with("made-") && name.len() > 5, "{name}");
    assert_eq!(made.body["status"]["phase"], "Pending", "a client cannot make a bound claim");
    assert_eq!(made.body["metadata"]["uid"].as_str().unwrap().len(), 36);
    let again = api.post(CLAIMS, &json!({ "metadata": { "name": "data" } }));
    assert_eq!((again.code, &again.body["reason"]), (409, &json!("AlreadyExists")));
    assert_eq!(message(&again), "persistentvolumeclaims \"data\" already exists");
    for (object, code) in [
        (json!({ "metadata": {} }), 422),
        (json!({ "metadata": { "name": "a", "namespace": "other" } }), 400),
        (json!({ "kind": "Pod", "metadata": { "name": "a" } }), 400),
        (json!({ "metadata": { "name": "a" }, "spec": { "accessModes": ["Any"] } }), 422),
        (json!({ "metadata": { "name": 1 } }), 422),
    ] {
        let answer = api.post(CLAIMS, &object);
        assert_eq!(answer.code, code, "{object}: {}", answer.body);
    }
}

#[test]
fn a_resizer_patches_the_status_under_a_lock() {
    let api = Api::start(OBJECTS);
    let version = api.get(CLAIM).body["metadata"]["resourceVersion"].clone();
    let begun = json!({
        "metadata": { "resourceVersion": version },
        "status": {
            "allocatedResources": { "storage": "20Gi" },
            "allocatedResourceStatuses": { "storage": "ControllerResizeInProgress" },
            "conditions": [{
                "type": "Resizing", "status": "True", "lastProbeTime": null,
                "lastTransitionTime": "2026-11-20T15:41:15Z",
            }],
        },
    });
    let status = format!("{CLAIM}/status");
    let done = api.patch(&status, STRATEGIC, &begun);
    assert_eq!(done.code, 200, "{}", done.body);
    assert_eq!(
        done.body["status"],
        json!({
            "phase": "Bound",
            "accessModes": ["ReadWriteOnce"],
            "capacity": { "storage": "10Gi" },
            "allocatedResources": { "storage": "20Gi" },
            "allocatedResourceStatuses": { "storage": "ControllerResizeInProgress" },
            "conditions": [{
                "type": "Resizing", "status": "True",
                "lastTransitionTime": "2026-11-20T15:41:15Z",
            }],
        })
    );
    let late = api.patch(&status, STRATEGIC, &begun);
    assert_eq!((late.code, &late.body["reason"]), (409, &json!("Conflict")));
    assert!(message(&late).ends_with("apply your changes to the latest version and try again"));
    let ended = json!({
        "metadata": { "annotations": { "volume.kubernetes.io/node-expansion-not-required": "true" } },
        "spec": { "volumeName": "other" },
        "status": {
            "allocatedResourceStatuses": null,
            "capacity": { "storage": "20Gi" },
            "conditions": [{ "$patch": "delete", "type": "Resizing" }],
        },
    });
    let done = api.patch(&status, STRATEGIC, &ended).body;
    assert_eq!(done["status"]["conditions"], Value::Null);
    assert_eq!(done["status"]["allocatedResourceStatuses"], Value::Null);
    assert_eq!(done["status"]["capacity"]["storage"], "20Gi");
    assert_eq!(done["spec"]["volumeName"], "pv-1", "a status is no way to the rest");
    assert_eq!(
        done["metadata"]["annotations"],
        json!({ "volume.kubernetes.io/node-expansion-not-required": "true" })
    );
}

#[test]
fn what_changes_nothing_makes_no_version() {
    let api = Api::start(OBJECTS);
    let before = api.get(CLAIM).body;
    assert_eq!(api.patch(&format!("{CLAIM}/status"), STRATEGIC, &json!({})).body, before);
    assert_eq!(api.patch(CLAIM, MERGE, &request("10Gi")).body, before);
    assert_eq!(api.put(CLAIM, &before).body, before);
    let status = json!({ "status": { "phase": "Lost" } });
    assert_eq!(
        api.patch(CLAIM, MERGE, &status).body,
        before,
        "a claim's status is not in the claim"
    );
}

#[rstest]
#[case::shrinks(
    "default/persistentvolumeclaims/data",
    request("5Gi"),
    422,
    "Invalid",
    "PersistentVolumeClaim \"data\" is invalid: spec.resources.requests.storage: Forbidden: field can \
     not be less than status.capacity"
)]
#[case::another_mode("default/persistentvolumeclaims/data", json!({"spec": {"accessModes": ["ReadWriteMany"]}}),
    422, "Invalid", "spec is immutable after creation")]
#[case::class_forbids(
    "default/persistentvolumeclaims/fixed",
    request("20Gi"),
    403,
    "Forbidden",
    "persistentvolumeclaims \"fixed\" is forbidden: only dynamically provisioned pvc can be resized and \
     the storageclass that provisions the pvc must support resize"
)]
#[case::unbound(
    "other/persistentvolumeclaims/fresh",
    request("2Gi"),
    422,
    "Invalid",
    "spec is immutable after creation"
)]
#[case::no_size(
    "default/persistentvolumeclaims/data",
    request("much"),
    422,
    "Invalid",
    "spec.resources.requests.storage: Invalid value"
)]
fn edits_that_the_rules_forbid(
    #[case] path: &str,
    #[case] patch: Value,
    #[case] code: u16,
    #[case] reason: &str,
    #[case] words: &str,
) {
    let api = Api::start(OBJECTS);
    let path = format!("/api/v1/namespaces/{path}");
    let before = api.get(&path).body;
    let answer = api.patch(&path, MERGE, &patch);
    assert_eq!((answer.code, &answer.body["reason"]), (code, &json!(reason)), "{}", answer.body);
    assert!(message(&answer).contains(words), "{}", answer.body);
    assert_eq!(api.get(&path).body, before);
}

#[test]
fn a_claim_grows_and_may_shrink_again_down_to_above_what_it_has() {
    let api = Api::start(OBJECTS);
    for size in ["20Gi", "15Gi", "16106127361"] {
        let answer = api.patch(CLAIM, MERGE, &request(size));
        assert_eq!(answer.code, 200, "{}", answer.body);
        assert_eq!(answer.body["spec"]["resources"]["requests"]["storage"], size);
    }
}

/// As csi-attacher does it.
#[test]
fn who_holds_an_object_keeps_it_until_he_lets_go() {
    let api = Api::start(OBJECTS);
    let source = json!({ "persistentVolumeName": "pv-1" });
    let spec = json!({ "attacher": "csi.example", "nodeName": "node-1", "source": source });
    let made = api.post(ATTACHMENTS, &json!({ "metadata": { "name": "va" }, "spec": spec }));
    assert_eq!(made.body["status"], json!({ "attached": false }));
    let path = format!("{ATTACHMENTS}/va");
    let add = json!([
        { "op": "test", "path": "/metadata/finalizers", "value": null },
        { "op": "add", "path": "/metadata/finalizers", "value": ["external-attacher/d"] },
    ]);
    assert_eq!(api.patch(&path, JSON_PATCH, &add).code, 200);
    assert_eq!(api.patch(&path, JSON_PATCH, &add).code, 422, "the test fails: it is there");
    let attached = json!({
        "metadata": { "annotations": { "not": "here" } },
        "status": { "attached": true, "attachmentMetadata": { "device": "sdb" } },
    });
    let body = api.patch(&format!("{path}/status"), MERGE, &attached).body;
    assert_eq!(body["status"]["attachmentMetadata"], json!({ "device": "sdb" }));
    assert_eq!(body["metadata"]["annotations"], Value::Null);
    let marked = api.delete(&path).body;
    assert!(marked["metadata"]["deletionTimestamp"].is_string(), "{marked}");
    assert_eq!(api.get(&path).code, 200);
    let change = json!({ "metadata": { "finalizers": null } });
    assert_eq!(api.patch(&path, MERGE, &change).code, 200);
    assert_eq!(api.get(&path).code, 404);
    assert_eq!(api.delete(&path).code, 404);
}

/// A pod stays until its kubelet is done with it.
#[test]
fn a_pod_has_its_time_of_grace() {
    let api = Api::start(OBJECTS);
    let pods = "/api/v1/namespaces/default/pods";
    let spec = json!({ "nodeName": "node-1" });
    assert_eq!(api.post(pods, &json!({ "metadata": { "name": "p" }, "spec": spec })).code, 201);
    let path = format!("{pods}/p");
    assert!(api.delete(&path).body["metadata"]["deletionTimestamp"].is_string());
    assert_eq!(api.get(&path).code, 200);
    let gone = api.request("DELETE", &path, rig::JSON, br#"{"gracePeriodSeconds":0}"#);
    assert_eq!((gone.code, api.get(&path).code), (200, 404), "{}", gone.body);
}

#[test]
fn a_csinode_is_a_part_of_its_node() {
    let api = Api::start(OBJECTS);
    let path = "/apis/storage.k8s.io/v1/csinodes";
    let drivers = json!([{ "name": "csi.example", "nodeID": "id-1" }]);
    assert_eq!(api.get(&format!("{path}/node-1")).body["spec"]["drivers"], drivers);
    assert_eq!(api.delete(&format!("{path}/node-1")).code, 200);
    assert_eq!(api.get(&format!("{path}/node-1")).code, 404);
    assert_eq!(api.get("/api/v1/nodes/node-1").code, 200);
    let again = json!({ "metadata": { "name": "node-1" }, "spec": { "drivers": drivers } });
    assert_eq!(api.post(path, &again).code, 201);
    assert_eq!(api.post(path, &again).code, 409);
    let other = json!({ "metadata": { "name": "node-2" }, "spec": { "drivers": drivers } });
    let answer = api.post(path, &other);
    assert!(answer.code == 422 && message(&answer).contains("make the Node"), "{}", answer.body);
}

/// What client-go sends once a program asks for protobuf: an event of a resizer.
#[test]
fn protobuf_is_read_and_what_is_asked_is_in_the_log() {
    let field =
        |number: u8, content: &[u8]| [&[number << 3 | 2, content.len() as u8], content].concat();
    let meta = [field(1, b"data.1"), field(3, b"default")].concat();
    let event =
        [field(1, &meta), field(3, b"Resizing"), field(4, b"working"), vec![0x40, 1]].concat();
    let types = [field(1, b"v1"), field(2, b"Event")].concat();
    let body = [b"k8s\0".to_vec(), field(1, &types), field(2, &event)].concat();
    let api = Api::start(OBJECTS);
    let path = "/api/v1/namespaces/default/events";
    let protobuf = "application/vnd.kubernetes.protobuf";
    let made = api.request("POST", path, protobuf, &body);
    assert_eq!(made.code, 201, "{}", made.body);
    let change = json!({ "count": 2 });
    let path = format!("{path}/data.1");
    assert_eq!(api.patch(&path, STRATEGIC, &change).body["count"], 2);
    assert_eq!(api.get(&path).body["reason"], "Resizing");
    assert_eq!(api.request("POST", "/api/v1/nodes", protobuf, b"k8s\0\xff").code, 400);
    let log = api.log();
    let lines: Vec<_> = log.iter().map(|line| (&line["method"], &line["code"])).collect();
    let expected = [("POST", 201), ("PATCH", 200), ("GET", 200), ("POST", 400)];
    assert_eq!(
        lines,
        expected.map(|(m, c)| (json!(m), json!(c))).iter().map(|(m, c)| (m, c)).collect::<Vec<_>>()
    );
    assert_eq!(log[0]["body"]["message"], "working");
    assert_eq!(log[0]["agent"], "test/1");
    assert!(log[3]["refusal"].is_string());
}

#[rstest]
#[case::yaml("a: [", &[], "--objects")]
#[case::kind("{ apiVersion: v1, kind: Secret }", &[], "object 1 (Secret): v1 Secret is not served; leave it out")]
#[case::name("{ apiVersion: v1, kind: Node }", &[], "object 1 (Node): metadata.name: Required value")]
#[case::twice("{ apiVersion: v1, kind: List, items: [&n { apiVersion: v1, kind: Node, metadata: { name: one } }, *n] }",
    &[], "object 2 (Node): nodes \"one\" already exists")]
#[case::address("", &["--listen", "192.0.2.1:1"], "cannot listen on 192.0.2.1:1")]
#[case::log("", &["--log", "/nowhere/log"], "--log /nowhere/log")]
#[case::config("", &["--kubeconfig", "/nowhere/config"], "--kubeconfig /nowhere/config")]
fn a_wrong_start_says_what_is_wrong(
    #[case] objects: &str,
    #[case] more: &[&str],
    #[case] words: &str,
) {
    let output = rig::refused(objects, more);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains(words), "{text}");
}
