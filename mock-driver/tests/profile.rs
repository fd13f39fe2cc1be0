//! Profiles: what is understood, and what is refused with a way out.

use std::time::Duration;

use csi_stretch_mock::{FsType, Profile, ProfileError};
use rstest::rstest;

#[test]
fn every_key_is_understood() {
    let text = "
name: a.example
version: '2'
node_id: n9
controller_service: true
expansion: [online, offline]
controller: [create_delete_volume, publish_unpublish_volume, list_volumes, get_capacity,
  create_delete_snapshot, list_snapshots, clone_volume, publish_readonly, expand_volume,
  list_volumes_published_nodes, volume_condition, get_volume, single_node_multi_writer,
  modify_volume, get_snapshot]
node: [stage_unstage_volume, get_volume_stats, expand_volume, volume_condition,
  single_node_multi_writer]
granularity: 4MiB
minimum: 8388608
maximum: 1 GiB
pool: 10GiB
fs_types: [xfs, btrfs]
block: false
grow_fs_at: [stage, publish, node_expand, controller]
mutable_parameters: [iops]
latency: {controller_expand: 5ms, node_stage_volume: 1s}
";
    let profile = Profile::parse(text).unwrap();
    assert_eq!(profile.controller.len(), 15);
    assert_eq!(profile.node.len(), 5);
    let sizes = [profile.granularity.0, profile.minimum.0, profile.maximum.0, profile.pool.0];
    assert_eq!(sizes, [4 << 20, 8 << 20, 1 << 30, 10 << 30]);
    assert_eq!(profile.fs_types, [FsType::Xfs, FsType::Btrfs]);
    assert_eq!(profile.latency("controller_expand_volume"), Duration::from_millis(5));
    assert_eq!(profile.latency("node_stage_volume"), Duration::from_secs(1));
    assert_eq!(profile.latency("probe"), Duration::ZERO);
}

#[rstest]
#[case::empty("")]
#[case::comment("# nothing\n")]
#[case::one_key("pool: 0")]
fn what_is_left_out_has_its_default(#[case] text: &str) {
    assert_eq!(Profile::parse(text).unwrap(), Profile::default());
}

#[rstest]
#[case::unknown_key("granulrity: 1MiB", "granulrity")]
#[case::unknown_capability("node: [mount_group]", "mount_group")]
#[case::bad_size("pool: 4 MoB", "4 MoB")]
#[case::huge_size("maximum: 9000PiB", "bytes")]
#[case::negative_size("pool: -1", "-1")]
#[case::no_granularity("granularity: 0", "above 0")]
#[case::minimum_above_maximum("{minimum: 2GiB, maximum: 1GiB}", "minimum")]
#[case::no_size_possible("{granularity: 4MiB, minimum: 5MiB, maximum: 6MiB}", "granularity")]
#[case::no_name("name: ''", "63 characters")]
#[case::no_node_id("node_id: ''", "node_id")]
#[case::nothing_on_offer("{fs_types: [], block: false}", "fs_types")]
#[case::unknown_rpc("latency: {grow: 1s}", "grow")]
#[case::bad_latency("latency: {probe: soon}", "soon")]
#[case::growth_by_nobody("{controller: [], node: []}", "expand_volume")]
#[case::offline_by_the_node("{expansion: [offline], controller: []}", "offline")]
#[case::list_without_publish(
    "controller: [expand_volume, list_volumes_published_nodes]",
    "goes with"
)]
#[case::node_step_without_effect("grow_fs_at: [stage]", "lie")]
#[case::flag_that_lies("{node: [], grow_fs_at: [stage]}", "controller")]
fn what_cannot_be_kept_is_refused(#[case] text: &str, #[case] hint: &str) {
    let error: ProfileError = Profile::parse(text).unwrap_err();
    assert!(error.to_string().contains(hint), "{error}");
}
