//! `access-type`, `declared`, `identity`, `reply-fields`, `field-limits`, `context`, `listing`, `implemented` and
//! `error-text`.

use std::collections::BTreeMap;

use rstest::rstest;

use super::{super::testing::*, clean};
use crate::{
    action::{Action, Call, PathRef, Ref, Rpc, Source},
    history::{
        Code, Completion, Entry, Failure, FsGeometry, Observation, Reply, SnapshotInfo, Stated,
        Usage, VolumeInfo,
    },
};

const NOTHING: &[&str] = &[];

fn names(list: &[&str]) -> Vec<String> {
    list.iter().map(|name| (*name).to_owned()).collect()
}

/// A target that declares these: plugin, controller, node.
fn declaring(plugin: &[&str], controller: &[&str], node: &[&str]) -> H {
    let lists = [("plugin", plugin), ("controller", controller), ("node", node)];
    let lists = lists.map(|(service, list)| (service.to_owned(), names(list)));
    H::xfs().run(|run| run.target.offers.declared = BTreeMap::from(lists))
}

fn asks(h: H, rpc: Rpc) -> H {
    h.invoke(Action::Call(Box::new(Call::new(rpc))))
}

/// Asks for one of the lists, and gets it.
fn lists(h: H, rpc: Rpc, list: &[&str]) -> H {
    asks(h, rpc).says(Reply { capabilities: Some(names(list)), ..Reply::default() })
}

fn plugin(plugin: &[&str], controller: &[&str], node: &[&str]) -> H {
    lists(declaring(plugin, controller, node), Rpc::GetPluginCapabilities, plugin)
}

const EXPAND: &[&str] = &["EXPAND_VOLUME"];

#[rstest]
#[case::online_alone(
    plugin(&["CONTROLLER_SERVICE", "ONLINE"], &[], &[]),
    &["declared get-plugin-capabilities.expansion-online-needs-rpc"])]
#[case::offline_alone(
    plugin(&["CONTROLLER_SERVICE", "OFFLINE"], &[], &[]),
    &["declared get-plugin-capabilities.expansion-offline-needs-controller"])]
#[case::offline_with_the_node_only(
    plugin(&["OFFLINE"], &[], EXPAND),
    &["declared get-plugin-capabilities.expansion-offline-needs-controller"])]
#[case::unknown_mode(
    plugin(&["EXPANSION_UNKNOWN"], &[], &[]),
    &["declared get-plugin-capabilities.expansion-known-type"])]
#[case::unknown_value(
    plugin(&["UNKNOWN"], &[], &[]), &["declared get-plugin-capabilities.known-values"])]
#[case::younger_value(
    plugin(&["UNKNOWN(99)"], &[], &[]), &["declared get-plugin-capabilities.known-values remark"])]
#[case::controller_without_mode(
    lists(declaring(&[], EXPAND, EXPAND), Rpc::ControllerGetCapabilities, EXPAND),
    &["declared controller-get-capabilities.expand-volume remark"])]
#[case::node_without_mode(
    lists(declaring(&[], &[], EXPAND), Rpc::NodeGetCapabilities, EXPAND),
    &["declared node-get-capabilities.expand-volume remark"])]
#[case::nodes_without_publication(
    lists(declaring(&[], &["LIST_VOLUMES_PUBLISHED_NODES"], &[]),
        Rpc::ControllerGetCapabilities, &["LIST_VOLUMES_PUBLISHED_NODES"]),
    &["declared controller-get-capabilities.published-nodes-needs-publish"])]
#[case::plugin_changes(
    lists(declaring(&["ONLINE"], EXPAND, &[]), Rpc::GetPluginCapabilities, &[]),
    &["declared get-plugin-capabilities.same-everywhere"])]
#[case::controller_changes(
    lists(declaring(&[], &[], &[]), Rpc::ControllerGetCapabilities, &["LIST_VOLUMES"]),
    &["declared controller-get-capabilities.stable remark"])]
#[case::node_changes(
    lists(declaring(&[], &[], &["GET_VOLUME_STATS"]), Rpc::NodeGetCapabilities, &[]),
    &["declared node-get-capabilities.stable remark"])]
#[case::service_that_does_not_answer(
    plugin(&["CONTROLLER_SERVICE"], &[], &[]).without("controller").without("node"),
    &["declared get-plugin-capabilities.controller-service-serves"])]
fn declared_finds(#[case] h: H, #[case] found: &[&str]) {
    assert_eq!(h.found(), found);
}

/// Notes 7, 8: legal.
#[rstest]
#[case::online(plugin(&["CONTROLLER_SERVICE", "ONLINE"], EXPAND, &[]))]
#[case::online_on_the_node(plugin(&["ONLINE"], &[], EXPAND))]
#[case::offline(plugin(&["OFFLINE"], EXPAND, EXPAND))]
#[case::both(plugin(&["ONLINE", "OFFLINE"], &[], EXPAND))]
#[case::no_growth_at_all(plugin(&["CONTROLLER_SERVICE"], &["LIST_VOLUMES"], &[]))]
#[case::another_order(
    lists(declaring(&[], &["A", "B"], &[]), Rpc::ControllerGetCapabilities, &["B", "A", "A"]))]
#[case::a_node_endpoint(plugin(&["CONTROLLER_SERVICE", "ONLINE"], &[], &[]).without("controller"))]
#[case::the_node_is_elsewhere(plugin(&["ONLINE"], &[], &[]).without("node"))]
#[case::second_remark_is_spared(
    lists(declaring(&[], EXPAND, EXPAND), Rpc::NodeGetCapabilities, EXPAND))]
#[case::lists_not_known(lists(H::xfs(), Rpc::GetPluginCapabilities, &["ONLINE"]))]
fn declared_accepts(#[case] h: H) {
    assert_eq!(h.found(), NOTHING);
}

fn info(name: &str, version: &str) -> H {
    let h = H::xfs().run(|run| run.target.name = name.to_owned());
    asks(h, Rpc::GetPluginInfo).says(Reply {
        text: Some(name.into()),
        vendor_version: Some(version.into()),
        ..Reply::default()
    })
}

fn node(id: &str, max_volumes: i64) -> H {
    let reply = Reply { text: Some(id.into()), max_volumes: Some(max_volumes), ..Reply::default() };
    asks(H::xfs(), Rpc::NodeGetInfo).says(reply)
}

#[rstest]
#[case::nameless(info("", "1"), "get-plugin-info.name-required")]
#[case::long(info(&"a".repeat(64), "1"), "get-plugin-info.name-length")]
#[case::underscore(info("a_b.example", "1"), "get-plugin-info.name-charset")]
#[case::ends_in_a_dot(info("a.example.", "1"), "get-plugin-info.name-charset")]
#[case::empty_label(info("a..example", "1"), "get-plugin-info.name-format")]
#[case::no_version(info("a.example", ""), "get-plugin-info.vendor-version")]
#[case::renamed(
    info("a.example", "1").run(|run| run.target.name = "b.example".into()),
    "get-plugin-info.stable")]
#[case::node_without_id(node("", 0), "node-get-info.node-id")]
#[case::node_id_too_long(node(&"n".repeat(257), 0), "node-get-info.node-id-size")]
#[case::negative_limit(node("n", -1), "node-get-info.max-volumes")]
#[case::another_node(
    asks(node("a", 0), Rpc::NodeGetInfo)
        .says(Reply { text: Some("b".into()), ..Reply::default() }),
    "node-get-info.node-id")]
fn identity_finds(#[case] h: H, #[case] clause: &str) {
    assert_eq!(h.found(), [format!("identity {clause}")]);
}

#[rstest]
#[case::plain(info("csi.example.com", "v1"), NOTHING)]
#[case::digits_and_capitals(info("9P-Store.example", "v1"), NOTHING)]
#[case::longest_name(info(&"a".repeat(63), "1"), NOTHING)]
#[case::node(node("n", 0), NOTHING)]
#[case::long_node_id(node(&"n".repeat(200), 0), &["identity node-get-info.node-id-size remark"])]
fn identity_accepts(#[case] h: H, #[case] found: &[&str]) {
    assert_eq!(h.found(), found);
}

fn reply(rpc: Rpc, reply: Reply) -> H {
    H::xfs().create(64).call(rpc, |_| ()).says(reply)
}

fn copy_of(source: &str, told: Option<&str>) -> H {
    let source = Source::Volume(Ref::Handle(source.into()));
    let volume = VolumeInfo {
        id: "id-copy".into(),
        capacity_bytes: 64 * MIB,
        context: BTreeMap::new(),
        content_source: told.map(str::to_owned),
    };
    H::xfs()
        .create(64)
        .on("copy")
        .call(Rpc::CreateVolume, |call| call.source = Some(source))
        .says(Reply { volume: Some(volume), ..Reply::default() })
}

fn snapshot(id: &str, source: &str, creation_time: bool) -> H {
    let snapshot = SnapshotInfo {
        id: id.into(),
        source_volume_id: source.into(),
        size_bytes: 0,
        ready_to_use: true,
    };
    let reply =
        Reply { snapshot: Some(snapshot), creation_time: Some(creation_time), ..Reply::default() };
    let handle = |call: &mut Call| call.snapshot = Some(Ref::Handle("s".into()));
    H::xfs().create(64).call(Rpc::CreateSnapshot, handle).says(reply)
}

fn entry(id: &str) -> Entry {
    Entry { id: id.into(), bytes: 0, nodes: vec![] }
}

/// A listing of the volume that is there, with these facts.
fn listed(h: H, change: impl FnOnce(&mut Reply)) -> H {
    let mut reply = Reply { entries: Some(vec![entry("id-vol")]), ..Reply::default() };
    change(&mut reply);
    asks(h.create(64), Rpc::ListVolumes).says(reply)
}

fn with_condition() -> H {
    declaring(&[], &["VOLUME_CONDITION", "LIST_VOLUMES_PUBLISHED_NODES"], &["VOLUME_CONDITION"])
}

fn stats(h: H, condition: Stated) -> H {
    h.create(64)
        .call(Rpc::NodeGetStats, |_| ())
        .says(Reply { condition: Some(condition), ..Reply::default() })
}

#[rstest]
#[case::another_source(
    copy_of("vol", Some("volume id-x")),
    "create-volume.response-content-source"
)]
#[case::another_kind(
    copy_of("vol", Some("snapshot id-vol")),
    "create-volume.response-content-source"
)]
#[case::no_snapshot(
    reply(Rpc::CreateSnapshot, Reply::default()),
    "create-snapshot.response-fields"
)]
#[case::snapshot_without_id(snapshot("", "id-vol", true), "create-snapshot.response-fields")]
#[case::snapshot_without_source(snapshot("s", "", true), "create-snapshot.response-fields")]
#[case::snapshot_of_another(snapshot("s", "id-x", true), "create-snapshot.response-fields")]
#[case::snapshot_without_time(snapshot("s", "id-vol", false), "create-snapshot.response-fields")]
#[case::unit(
    reply(Rpc::NodeGetStats, Reply {
        usage: vec![Usage { unit: "UNKNOWN".into(), total: 9, used: 1, available: 8 }],
        ..Reply::default()
    }),
    "node-get-volume-stats.total-and-unit")]
#[case::no_volume(
    reply(Rpc::ControllerGetVolume, Reply { status: Some(true), ..Reply::default() }),
    "controller-get-volume.fields")]
#[case::entry_without_id(
    listed(H::xfs(), |r| r.entries.get_or_insert_default().push(entry(""))),
    "list-volumes.entry-volume")]
#[case::entry_without_status(
    listed(with_condition(), |r| r.status = Some(false)), "list-volumes.entry-status")]
#[case::entry_without_condition(
    listed(with_condition(), |r| r.condition = Some(Stated::Missing)), "list-volumes.condition")]
#[case::stats_without_condition(
    stats(with_condition(), Stated::Missing),
    "node-get-volume-stats.condition"
)]
#[case::topology_without_capability(
    listed(declaring(&[], &[], &[]), |r| r.topology = Some(true)),
    "general.volume.topology-needs-capability")]
fn reply_fields_finds(#[case] h: H, #[case] clause: &str) {
    assert_eq!(h.found(), [format!("reply-fields {clause}")]);
}

/// Optional, but csi-provisioner does not take a copy without it.
#[test]
fn a_source_that_is_not_told_is_a_remark() {
    let found = copy_of("vol", None).found();
    assert_eq!(found, ["reply-fields create-volume.response-content-source remark"]);
}

/// Required, but an empty scalar is not told from one that is not set.
#[test]
fn a_condition_without_a_message_is_a_remark() {
    let found = stats(H::xfs(), Stated::Partly).found();
    assert_eq!(found, ["reply-fields node-get-volume-stats.condition-fields remark"]);
}

#[rstest]
#[case::source(copy_of("vol", Some("volume id-vol")))]
#[case::snapshot(snapshot("s", "id-vol", true))]
#[case::no_status_promised(listed(declaring(&[], &[], &[]), |r| r.status = Some(false)))]
#[case::no_condition_promised(stats(declaring(&[], &[], &[]), Stated::Missing))]
#[case::condition(stats(with_condition(), Stated::Fully))]
#[case::topology(
    listed(declaring(&["VOLUME_ACCESSIBILITY_CONSTRAINTS"], &[], &[]),
        |r| r.topology = Some(true)))]
#[case::lists_not_known(listed(H::xfs(), |r| r.topology = Some(true)))]
fn reply_fields_accepts(#[case] h: H) {
    assert_eq!(h.found(), NOTHING);
}

fn context(bytes: usize) -> BTreeMap<String, String> {
    BTreeMap::from([("k".to_owned(), "v".repeat(bytes))])
}

fn attach(h: H, context: BTreeMap<String, String>) -> H {
    h.call(Rpc::ControllerPublish, |_| ())
        .says(Reply { publish_context: Some(context), ..Reply::default() })
}

#[rstest]
#[case::id(H::xfs().creates(64, 0).volume(&"i".repeat(129), 64), "string-128-sp")]
#[case::map(attach(H::xfs().create(64), context(4096)), "map-4kib-sp")]
#[case::token(
    listed(H::xfs(), |r| r.next_token = Some("t".repeat(129))), "string-128-sp")]
fn field_limits_finds(#[case] h: H, #[case] clause: &str) {
    assert_eq!(h.found(), [format!("field-limits general.size.{clause}")]);
}

#[rstest]
#[case::id(H::xfs().creates(64, 0).volume(&"i".repeat(128), 64))]
#[case::map(attach(H::xfs().create(64), context(4095)))]
fn field_limits_accepts(#[case] h: H) {
    assert_eq!(h.found(), NOTHING);
}

fn created(h: H, rpc: Rpc, context: BTreeMap<String, String>) -> H {
    let id = "id-vol".to_owned();
    let volume = VolumeInfo { id, capacity_bytes: 0, context, content_source: None };
    h.call(rpc, |_| ()).says(Reply { volume: Some(volume), status: Some(true), ..Reply::default() })
}

fn detach(h: H) -> H {
    h.call(Rpc::ControllerUnpublish, |_| ()).ok()
}

fn grown(h: H) -> H {
    h.expand(128).reply(128, false)
}

#[rstest]
#[case::created_again(
    created(created(H::xfs(), Rpc::CreateVolume, context(1)), Rpc::CreateVolume, context(2)),
    "general.volume.context-immutable"
)]
#[case::told_otherwise(
    created(
        created(H::xfs(), Rpc::CreateVolume, context(1)),
        Rpc::ControllerGetVolume,
        context(2)
    ),
    "general.volume.context-stable"
)]
#[case::attached_again(
    attach(attach(H::xfs().create(64), context(1)), context(2)),
    "controller-publish.publish-context-immutable")]
#[case::attached_again_after_growth(
    attach(grown(attach(H::xfs().create(64), context(1))), context(2)),
    "controller-publish.publish-context-immutable")]
fn context_finds(#[case] h: H, #[case] clause: &str) {
    assert_eq!(h.found(), [format!("context {clause}")]);
}

#[rstest]
#[case::same(created(
    created(H::xfs(), Rpc::CreateVolume, context(1)),
    Rpc::ControllerGetVolume,
    context(1)
))]
#[case::attached_anew(attach(detach(attach(H::xfs().create(64), context(1))), context(2)))]
#[case::another_volume_of_that_name(
    created(
        created(H::xfs(), Rpc::CreateVolume, context(1)).call(Rpc::DeleteVolume, |_| ()).ok(),
        Rpc::CreateVolume, context(2)))]
fn context_accepts(#[case] h: H) {
    assert_eq!(h.found(), NOTHING);
}

fn page(h: H, most: i32, ids: &[&str], token: &str) -> H {
    let mut call = Call::new(Rpc::ListVolumes);
    call.max_entries = Some(most);
    let entries = Some(ids.iter().map(|id| entry(id)).collect());
    let reply = Reply { entries, next_token: Some(token.into()), ..Reply::default() };
    h.invoke(Action::Call(Box::new(call))).says(reply)
}

fn two() -> H {
    H::xfs().create(64).on("other").create(64)
}

fn deleted(h: H) -> H {
    h.call(Rpc::DeleteVolume, |_| ()).ok()
}

#[rstest]
#[case::missing(page(two(), 0, &["id-vol"], ""), "list-volumes.all")]
#[case::still_there(page(deleted(two()), 0, &["id-vol", "id-other"], ""), "list-volumes.all")]
#[case::too_many(page(two(), 1, &["id-vol", "id-other"], ""), "list-volumes.max-entries")]
#[case::no_token(page(two(), 1, &["id-vol"], ""), "list-volumes.next-token")]
fn listing_finds(#[case] h: H, #[case] clause: &str) {
    assert_eq!(h.found(), [format!("listing {clause}")]);
}

#[rstest]
#[case::all(page(two(), 0, &["id-vol", "id-other", "id-of-another-run"], ""))]
#[case::a_page(page(two(), 1, &["id-of-another-run"], "more"))]
#[case::after_a_deletion(page(deleted(two()), 0, &["id-vol"], ""))]
#[case::deletion_lost(
    page(two().call(Rpc::DeleteVolume, |_| ()).lost(Code::Unavailable), 0, &["id-vol"], ""))]
#[case::creation_refused(
    page(H::xfs().creates(64, 0).fails(Code::Internal), 0, &[], ""))]
fn listing_accepts(#[case] h: H) {
    let found = h.found();
    assert!(!found.iter().any(|line| line.starts_with("listing")), "{found:?}");
}

#[rstest]
#[case::declared(
    H::xfs().create(64).expect(&[Code::Ok]).expand(128).fails(Code::Unimplemented),
    &["implemented controller-expand.implemented"])]
#[case::twice_is_one(
    H::xfs().create(64).expect(&[Code::Ok]).expand(128).fails(Code::Unimplemented)
        .expect(&[Code::Ok]).expand(192).fails(Code::Unimplemented),
    &["implemented controller-expand.implemented"])]
#[case::not_declared(
    H::xfs().without("controller.expand").create(64).expect(&[Code::Unimplemented]).expand(128)
        .fails(Code::Unimplemented), &[])]
#[case::something_else_is_wrong(
    H::xfs().create(64).expect(&[Code::InvalidArgument]).clause("general.error.invalid-field")
        .expand(-1).fails(Code::Unimplemented),
    &["code-expected general.error.invalid-field"])]
fn implemented(#[case] h: H, #[case] found: &[&str]) {
    assert_eq!(h.found(), found);
}

fn silent(code: Code) -> Completion {
    Completion::Fail(Failure { code, message: String::new() })
}

#[rstest]
#[case::no_words(
    clean().expand(-1).complete(silent(Code::InvalidArgument)),
    &["error-text general.error.message-non-empty"])]
#[case::said_once(
    clean().expand(-1).complete(silent(Code::InvalidArgument)).expand(-1)
        .complete(silent(Code::InvalidArgument)),
    &["error-text general.error.message-non-empty"])]
#[case::words(clean().expand(-1).fails(Code::InvalidArgument), &[])]
#[case::the_servers_own(clean().expand(-1).complete(silent(Code::Unimplemented)), &[])]
fn error_text(#[case] h: H, #[case] found: &[&str]) {
    assert_eq!(h.found(), found);
}

/// Measured: a device with that file system.
fn see_kind(h: H, kind: &str) -> H {
    let fs = FsGeometry { kind: kind.into(), bytes: 64 << 20, slack_bytes: 1 << 20 };
    h.probe(Observation { device_bytes: Some(64 << 20), fs: Some(fs), ..Observation::default() })
}

#[rstest]
#[case::another_file_system(
    see_kind(H::xfs().create(64).publish(), "ext4"),
    &["access-type general.volume-capability.fs-type-honored"])]
#[case::a_file_for_a_device(
    H::block().create(64).publish().see_shared(1000),
    &["access-type node-publish.block-device-at-target"])]
#[case::the_file_system(see_kind(H::xfs().create(64).publish(), "xfs"), &[])]
#[case::one_that_is_not_known(see_kind(H::xfs().create(64).publish(), "nfs"), &[])]
#[case::a_directory(H::xfs().create(64).publish().see_shared(1000), &[])]
#[case::a_device(H::block().create(64).publish().see_device(64), &[])]
#[case::the_staging_path_of_a_block_volume(
    H::block().create(64).publish().at(PathRef::Staging).see_shared(1000), &[])]
fn access_type(#[case] h: H, #[case] found: &[&str]) {
    assert_eq!(h.found(), found);
}
