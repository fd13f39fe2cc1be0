//! Objects written by hand as bytes, and bytes that are no objects.

use rstest::rstest;
use serde_json::json;

use super::{MAGIC, decode};

/// A field of bytes.
fn bytes(number: u8, content: &[u8]) -> Vec<u8> {
    let mut field = vec![number << 3 | 2];
    // Lengths above 127 take two bytes.
    let length = content.len();
    if length < 128 {
        field.push(length as u8);
    } else {
        field.extend([(length & 0x7f) as u8 | 0x80, (length >> 7) as u8]);
    }
    field.extend(content);
    field
}

fn entry(number: u8, key: &str, value: &[u8]) -> Vec<u8> {
    bytes(number, &[bytes(1, key.as_bytes()), bytes(2, value)].concat())
}

fn body(kind: &str, object: &[u8]) -> Vec<u8> {
    let types = [bytes(1, b"v1"), bytes(2, kind.as_bytes())].concat();
    [MAGIC.to_vec(), bytes(1, &types), bytes(2, object), bytes(3, b""), bytes(4, b"")].concat()
}

#[test]
fn a_volume() {
    let time = [0x08, 0x80, 0xe0, 0xfb, 0xcf, 0x06, 0x10, 0x00]; // 1778315264
    let meta = [
        bytes(1, b"pv-1"),
        bytes(2, b""),
        bytes(8, &time),
        entry(12, "pv.kubernetes.io/provisioned-by", b"d"),
        bytes(14, b"f"),
        bytes(14, b"g"),
    ];
    let csi = [bytes(1, b"d"), bytes(2, b"handle"), vec![0x18, 0], entry(5, "k", b"v")].concat();
    // Field 22 has a key of two bytes.
    let source = [vec![0xb2, 0x01, csi.len() as u8], csi].concat();
    let spec = [
        entry(1, "storage", &bytes(1, b"20Gi")),
        bytes(2, &source),
        bytes(3, b"ReadWriteOnce"),
        bytes(5, b"Delete"),
    ];
    let object = [bytes(1, &meta.concat()), bytes(2, &spec.concat()), bytes(3, b"")].concat();
    let expected = json!({
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {
            "name": "pv-1",
            "creationTimestamp": "2026-05-09T08:27:44Z",
            "annotations": { "pv.kubernetes.io/provisioned-by": "d" },
            "finalizers": ["f", "g"],
        },
        "spec": {
            "capacity": { "storage": "20Gi" },
            "csi": { "driver": "d", "volumeHandle": "handle", "volumeAttributes": { "k": "v" } },
            "accessModes": ["ReadWriteOnce"],
            "persistentVolumeReclaimPolicy": "Delete",
        },
        "status": {},
    });
    assert_eq!(decode(&body("PersistentVolume", &object)), Ok(expected));
}

#[rstest]
#[case::json(b"{}".to_vec(), 400, "magic")]
#[case::cut(body("Event", &bytes(3, b"reason"))[..20].to_vec(), 400, "too early")]
#[case::another_kind(body("Secret", b""), 415, "Secret is not read")]
#[case::another_source(body("PersistentVolume", &bytes(2, &bytes(2, &bytes(3, b"")))), 400, "field 3")]
#[case::a_text_for_a_number(body("Event", &bytes(8, b"1")), 400, "bytes in place")]
#[case::no_text(body("Event", &bytes(3, &[0xff])), 400, "UTF-8")]
fn refused(#[case] body: Vec<u8>, #[case] code: u16, #[case] words: &str) {
    let refusal = decode(&body).unwrap_err();
    assert_eq!(refusal.code, code, "{}", refusal.message);
    assert!(refusal.message.contains(words), "{}", refusal.message);
}
