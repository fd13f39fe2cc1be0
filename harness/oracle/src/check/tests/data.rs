//! `data-kept`.

use rstest::rstest;

use super::{super::testing::*, clean};
use crate::{
    action::{Load, PathRef, Place},
    history::Code,
    report::Class,
};

fn write(h: H) -> H {
    let (volume, path) = ("vol".to_owned(), PathRef::Target(0));
    let bytes = MIB as u64;
    h.invoke(crate::action::Action::Load(Load::Write {
        volume,
        path,
        bytes,
        place: Place::default(),
        like: None,
    }))
}

#[rstest]
#[case::after_the_node_step(clean().verify(3), &["data-kept node-expand.data-kept"])]
#[case::after_the_controllers(
    clean().expand(192).reply(192, true).verify(1), &["data-kept controller-expand.data-kept"])]
#[case::block_content(
    H::block().create(64).publish().expand(128).reply(128, true).node_expand(128).ok()
        .see_device(128).verify(1), &["data-kept node-expand.block-content-untouched"])]
#[case::in_a_clone(
    H::xfs().create(64).on("copy").clone_of("vol", 64).publish().verify(1),
    &["data-kept create-volume.larger-than-source"])]
#[case::before_any_growth(
    H::xfs().create(64).publish().verify(1), &["data-kept node-publish.capability-usable"])]
#[case::writer_stopped_by_an_error(
    H::xfs().create(64).publish().writer().expand(128).reply(128, true).node_expand(128).ok()
        .writer_met(&[Code::NoSpace, Code::Io]).see(128, 128),
    &["data-kept node-publish.capability-usable"])]
#[case::writer_during_a_restart(
    clean().writer().restart().writer_met(&[Code::Io]),
    &["data-kept controller-expand.online-no-downtime remark"])]
#[case::write_fails(write(clean()).fails(Code::Io), &["data-kept node-publish.capability-usable"])]
#[case::writer_on_a_full_volume(clean().writer().writer_met(&[Code::NoSpace]), &[])]
#[case::write_on_a_full_volume(write(clean()).fails(Code::NoSpace), &[])]
#[case::no_room_for_want_of_growth(
    write(H::xfs().create(64).publish().see(64, 64).expand(128).fails(Code::FailedPrecondition)
        .expect(&[Code::Ok]).clause("node-publish.capability-usable")).fails(Code::NoSpace), &[])]
#[case::no_room_though_it_has_grown(
    write(clean().expect(&[Code::Ok]).clause("node-publish.capability-usable"))
        .fails(Code::NoSpace), &["code-expected node-publish.capability-usable"])]
#[case::write_where_nothing_is_published(write(clean().unpublish()).fails(Code::Io), &[])]
#[case::whole(clean().writer().writer_met(&[]).verify(0), &[])]
fn data_kept(#[case] h: H, #[case] found: &[&str]) {
    assert_eq!(h.found(), found);
}

#[test]
fn damage_is_the_worst_class_and_gives_numbers() {
    let report = clean().verify(3).report();
    let finding = &report.findings[0].finding;
    assert_eq!(finding.class, Class::DataLoss);
    assert_eq!(
        finding.what,
        "3 blocks are not what was acknowledged on vol, the first at byte 0: zeros"
    );
}

#[rstest]
#[case::rows_with_pages(
    clean().verify_rows(50, 3, true),
    "3 rows are not what was acknowledged on vol, the first at page 0 at byte 64: row 0, \
     acknowledged in version 1: found zeros")]
#[case::one_row_that_only_the_server_can_locate(
    clean().verify_rows(50, 1, false),
    "1 row is not what was acknowledged on vol, the first: row 0, acknowledged in version 1: \
     found zeros")]
#[case::a_file_beside_them(
    clean().verify_block_beside_rows(50),
    "1 block is not what was acknowledged on vol, the first at byte 4096: zeros")]
fn damage_is_told_by_its_own_name(#[case] h: H, #[case] what: &str) {
    let report = h.report();
    assert_eq!(report.findings[0].finding.what, what);
}
