//! Is our `csi.proto` the same wire as the official one?
//!
//! The official file is not kept here. `ci/test` takes it from the specification's own Go module,
//! at the pinned version and with its checksum, and says where it is in `CSI_OFFICIAL_PROTO`.

mod facts;

use facts::{Facts, differences, read};
use rstest::rstest;

const OURS: &str = include_str!("../../csi/v1/csi.proto");

#[test]
fn same_wire_as_the_official_file() {
    let Some(path) = std::env::var_os("CSI_OFFICIAL_PROTO") else {
        println!("skipped: needs CSI_OFFICIAL_PROTO (ci/test sets it where Go is present)");
        return;
    };
    let official = std::fs::read_to_string(&path).expect("CSI_OFFICIAL_PROTO can be read");
    let (ours, theirs) = (facts_of(OURS), facts_of(&official));
    assert!(theirs.len() > 300, "only {} facts in the official file", theirs.len());
    let found = differences(&ours, &theirs);
    assert!(found.is_empty(), "{} differences:\n{}", found.len(), found.join("\n"));
    println!("{} declarations are the same", theirs.len());
}

#[test]
fn every_kind_of_declaration_is_compared() {
    let facts = facts_of(OURS);
    let some = [
        ("file", "package csi.v1, proto3"),
        ("csi.v1.csi_secret", "extends google.protobuf.FieldOptions = 1059, Optional bool"),
        ("csi.v1.Identity.Probe", "csi.v1.ProbeRequest -> csi.v1.ProbeResponse"),
        (
            "csi.v1.SnapshotMetadata.GetMetadataAllocated",
            "csi.v1.GetMetadataAllocatedRequest -> stream csi.v1.GetMetadataAllocatedResponse",
        ),
        ("csi.v1.VolumeCapability.AccessMode.Mode.MULTI_NODE_MULTI_WRITER", "= 5"),
        ("csi.v1.VolumeCapability.access_type", "oneof"),
        (
            "csi.v1.ControllerExpandVolumeRequest.secrets",
            "= 3, Repeated csi.v1.ControllerExpandVolumeRequest.SecretsEntry, json secrets",
        ),
    ];
    for (path, start) in some {
        let fact = facts.get(path).unwrap_or_else(|| panic!("no fact about {path}"));
        assert!(fact.starts_with(start), "{path}: {fact}");
    }
    let secrets = facts.values().filter(|f| f.contains("csi_secret 1059) = true")).count();
    assert!(secrets >= 10, "only {secrets} secret fields seen");
}

/// One change in a copy, and the one line that the comparison has to give for it.
#[rstest]
#[case::number(
    "message CapacityRange",
    "int64 limit_bytes = 2",
    "int64 limit_bytes = 7",
    "csi.v1.CapacityRange.limit_bytes: ours: = 2"
)]
#[case::kind(
    "message CapacityRange",
    "int64 limit_bytes = 2",
    "uint64 limit_bytes = 2",
    "csi.v1.CapacityRange.limit_bytes: ours: = 2, Optional int64"
)]
#[case::label(
    "message CapacityRange",
    "int64 limit_bytes = 2",
    "repeated int64 limit_bytes = 2",
    "csi.v1.CapacityRange.limit_bytes: ours: = 2, Optional"
)]
#[case::secret(
    "message NodeExpandVolumeRequest",
    "(csi_secret) = true",
    "deprecated = true",
    "csi.v1.NodeExpandVolumeRequest.secrets: ours: = 6"
)]
#[case::value(
    "enum Mode",
    "MULTI_NODE_MULTI_WRITER = 5",
    "MULTI_NODE_MULTI_WRITER = 55",
    "csi.v1.VolumeCapability.AccessMode.Mode.MULTI_NODE_MULTI_WRITER: ours: = 5; official: = 55"
)]
#[case::output(
    "service Identity",
    "returns (ProbeResponse)",
    "returns (ProbeRequest)",
    "csi.v1.Identity.Probe: ours: csi.v1.ProbeRequest -> csi.v1.ProbeResponse"
)]
#[case::streaming(
    "service Identity",
    "rpc Probe(ProbeRequest)",
    "rpc Probe(stream ProbeRequest)",
    "csi.v1.Identity.Probe: ours: csi.v1.ProbeRequest"
)]
fn one_change_is_one_line(
    #[case] place: &str,
    #[case] from: &str,
    #[case] to: &str,
    #[case] expected: &str,
) {
    let found = differences(&facts_of(OURS), &facts_of(&change(place, from, to)));
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].starts_with(expected), "{found:#?}");
}

/// Changes that other declarations depend on: more lines, this one among them.
#[rstest]
#[case::presence(
    "message NodeExpandVolumeResponse",
    "int64 capacity_bytes = 1",
    "oneof one { int64 capacity_bytes = 1; }",
    "csi.v1.NodeExpandVolumeResponse.capacity_bytes: ours: = 1"
)]
#[case::extension(
    "extend google.protobuf.FieldOptions",
    "csi_secret = 1059",
    "csi_secret = 1061",
    "csi.v1.csi_secret: ours: extends google.protobuf.FieldOptions = 1059"
)]
#[case::package("package", " csi.v1", " csi.v2", "file: ours: package csi.v1")]
fn a_change_that_spreads_is_seen(
    #[case] place: &str,
    #[case] from: &str,
    #[case] to: &str,
    #[case] expected: &str,
) {
    let found = differences(&facts_of(OURS), &facts_of(&change(place, from, to)));
    assert!(found.len() > 1, "{found:#?}");
    assert!(found.iter().any(|line| line.starts_with(expected)), "{found:#?}");
}

#[rstest]
#[case::renamed("message CapacityRange", "limit_bytes = 2", "max_bytes = 2", 2)]
#[case::dropped("message CapacityRange", "int64 limit_bytes = 2;", "", 1)]
#[case::comment(
    "message CapacityRange",
    "int64 limit_bytes = 2;",
    "/* x */ int64 limit_bytes=2;",
    0
)]
#[case::empty_options(
    "service Identity",
    "returns (ProbeResponse);",
    "returns (ProbeResponse) {}",
    0
)]
#[case::moved_option(
    "message NodeExpandVolumeRequest",
    "(csi_secret) = true, (alpha_field) = true",
    "(alpha_field) = true, (csi_secret) = true",
    0
)]
fn so_many_lines_differ(
    #[case] place: &str,
    #[case] from: &str,
    #[case] to: &str,
    #[case] lines: usize,
) {
    let found = differences(&facts_of(OURS), &facts_of(&change(place, from, to)));
    assert_eq!(found.len(), lines, "{found:#?}");
}

fn facts_of(source: &str) -> Facts {
    read(source).unwrap_or_else(|e| panic!("{e:?}"))
}

/// A copy of our file with the first `from` after `place` replaced.
fn change(place: &str, from: &str, to: &str) -> String {
    let start = OURS.find(&format!("\n{place}")).or_else(|| OURS.find(place));
    let start = start.unwrap_or_else(|| panic!("no `{place}` in the file"));
    let (head, tail) = OURS.split_at(start);
    assert!(tail.contains(from), "no `{from}` after `{place}`");
    format!("{head}{}", tail.replacen(from, to, 1))
}
