//! Two dialects share a Rust type only where the wire is the same: each field of csi.v0 is csi.v1's
//! field of that number, of the same kind, whatever its name.

use csi_stretch_proto::{DESCRIPTORS, SHARED};
use prost_reflect::{DescriptorPool, FieldDescriptor, Kind, MessageDescriptor};

fn message(pool: &DescriptorPool, package: &str, name: &str) -> MessageDescriptor {
    let full = format!("{package}.{name}");
    pool.get_message_by_name(&full).unwrap_or_else(|| panic!("no {full}"))
}

/// What is different for whoever reads bytes.
fn differences(old: &MessageDescriptor, new: &MessageDescriptor) -> Vec<String> {
    let mut found = Vec::new();
    for field in old.fields() {
        let name = field.full_name().to_owned();
        match new.get_field(field.number()) {
            None => found.push(format!("{name}: csi.v1 has no {}", field.number())),
            Some(other) if shape(&field) != shape(&other) => {
                found.push(format!("{name}: {} and {}", shape(&field), shape(&other)));
            }
            Some(other) => {
                if let (Kind::Message(old), Kind::Message(new)) = (field.kind(), other.kind()) {
                    found.extend(differences(&old, &new));
                }
            }
        }
    }
    found
}

/// Enums are numbers on the wire, and messages bytes; a map is a list of messages.
fn shape(field: &FieldDescriptor) -> String {
    let kind = match field.kind() {
        Kind::Message(_) => "message".to_owned(),
        Kind::Enum(_) => "enum".to_owned(),
        scalar => format!("{scalar:?}"),
    };
    let one_of = field.containing_oneof().map(|one_of| one_of.name().to_owned());
    format!("{:?} {kind} in {one_of:?}", field.cardinality())
}

#[test]
fn shared_messages_are_the_same_on_the_wire() {
    let pool = DescriptorPool::decode(DESCRIPTORS).unwrap();
    assert!(SHARED.len() > 30);
    for name in SHARED {
        let (old, new) = (message(&pool, "csi.v0", name), message(&pool, "csi.v1", name));
        let found = differences(&old, &new);
        assert!(found.is_empty(), "{name}:\n{}", found.join("\n"));
    }
}

/// The traps: read as the other dialect's, these messages lose or mix up what they say.
#[rstest::rstest]
#[case("GetPluginCapabilitiesResponse")]
#[case("ControllerGetCapabilitiesResponse")]
#[case("ValidateVolumeCapabilitiesRequest")]
#[case("ValidateVolumeCapabilitiesResponse")]
#[case("Snapshot")]
fn what_differs_is_not_shared(#[case] name: &str) {
    let pool = DescriptorPool::decode(DESCRIPTORS).unwrap();
    let (old, new) = (message(&pool, "csi.v0", name), message(&pool, "csi.v1", name));
    assert!(!SHARED.contains(&name));
    assert!(!differences(&old, &new).is_empty(), "{name} could be shared");
}

#[rstest::rstest]
#[case("ControllerResizeVolume", "ControllerExpandVolume", &["volume_attributes"])]
#[case("NodeResizeVolume", "NodeExpandVolume", &["volume_attributes", "publish_info"])]
fn growth_has_the_numbers_of_its_successor(
    #[case] old: &str,
    #[case] new: &str,
    #[case] own: &[&str],
) {
    let pool = DescriptorPool::decode(DESCRIPTORS).unwrap();
    for (part, own) in [("Request", own), ("Response", &[])] {
        let old = message(&pool, "csi.v0", &format!("{old}{part}"));
        let new = message(&pool, "csi.v1", &format!("{new}{part}"));
        let found = differences(&old, &new);
        assert_eq!(found.len(), own.len(), "{found:?}");
        for (line, name) in found.iter().zip(own) {
            assert!(line.contains(name), "{line}");
        }
    }
}
