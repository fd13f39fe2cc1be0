//! Watches: nothing is missed and nothing told twice.

use serde_json::json;

use super::{
    CLAIM, CLAIMS, OBJECTS, VOLUME, request,
    rig::{Api, MERGE},
};

fn pair(kind: &str, name: &str) -> (String, String) {
    (kind.to_owned(), name.to_owned())
}

#[test]
fn a_watch_goes_on_where_the_list_ended() {
    let api = Api::start(OBJECTS);
    let list = api.get(CLAIMS).body;
    let version = list["metadata"]["resourceVersion"].as_str().unwrap();
    // What happens between list and watch is told, too.
    api.patch(CLAIM, MERGE, &request("11Gi"));
    let mut watch = api.watch(&format!("{CLAIMS}?watch=true&resourceVersion={version}"));
    assert_eq!(watch.told(), pair("MODIFIED", "data"));
    api.patch(VOLUME, MERGE, &json!({ "metadata": { "labels": { "not": "told" } } }));
    api.post(
        "/api/v1/namespaces/other/persistentvolumeclaims",
        &json!({ "metadata": { "name": "x" } }),
    );
    api.post(CLAIMS, &json!({ "metadata": { "name": "new" } }));
    assert_eq!(watch.told(), pair("ADDED", "new"));
    api.delete(&format!("{CLAIMS}/new"));
    assert_eq!(watch.told(), pair("DELETED", "new"));
}

#[test]
fn a_watch_list_tells_what_is_there_and_when_that_is_all() {
    let api = Api::start(OBJECTS);
    let path = "/api/v1/persistentvolumeclaims?allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan\
                &sendInitialEvents=true&watch=true";
    let mut watch = api.watch(path);
    for name in ["data", "fixed", "fresh"] {
        assert_eq!(watch.told(), pair("ADDED", name));
    }
    let (kind, object) = watch.next().unwrap();
    assert_eq!((kind.as_str(), &object["kind"]), ("BOOKMARK", &json!("PersistentVolumeClaim")));
    assert_eq!(object["metadata"]["annotations"], json!({ "k8s.io/initial-events-end": "true" }));
    let version = object["metadata"]["resourceVersion"].as_str().unwrap().to_owned();
    api.patch(CLAIM, MERGE, &request("11Gi"));
    let (kind, claim) = watch.next().unwrap();
    assert_eq!(kind, "MODIFIED");
    let newer: u64 = claim["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap();
    assert_eq!(newer, version.parse::<u64>().unwrap() + 1);
}

#[test]
fn a_watch_without_a_version_begins_with_what_is_there_and_ends_in_time() {
    let api = Api::start(OBJECTS);
    let mut watch = api.watch(&format!("{CLAIMS}?watch=1&resourceVersion=0&timeoutSeconds=1"));
    assert_eq!(watch.told(), pair("ADDED", "data"));
    assert_eq!(watch.told(), pair("ADDED", "fixed"));
    assert!(watch.next().is_none());
    let one = format!("{CLAIMS}?watch=1&fieldSelector=metadata.name%3Dfixed&timeoutSeconds=1");
    let mut watch = api.watch(&one);
    assert_eq!(watch.told(), pair("ADDED", "fixed"));
    assert!(watch.next().is_none());
}

#[test]
fn a_csinode_comes_and_goes_with_its_drivers() {
    let api = Api::start(OBJECTS);
    let path = "/apis/storage.k8s.io/v1/csinodes";
    let mut watch = api.watch(&format!("{path}?watch=true"));
    assert_eq!(watch.told(), pair("ADDED", "node-1"));
    api.delete(&format!("{path}/node-1"));
    assert_eq!(watch.told(), pair("DELETED", "node-1"));
}

#[test]
fn a_stream_is_chunked_json() {
    let head = Api::start(OBJECTS).head(&format!("{CLAIMS}?watch=true"));
    assert!(head.contains("transfer-encoding: chunked"), "{head}");
    assert!(head.contains("content-type: application/json"), "{head}");
}
