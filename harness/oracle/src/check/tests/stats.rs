//! `stats`.

use rstest::rstest;

use super::super::testing::*;
use crate::{
    action::Rpc,
    history::{Reply, Usage},
};

const BREACH: &[&str] = &["stats node-get-volume-stats.reflects-expansion remark"];

/// Asked for statistics, and this total, MiB, was the answer.
fn asked(h: H, total: i64) -> H {
    let usage = Usage { unit: "BYTES".into(), total: total * MIB, used: 0, available: 0 };
    h.call(Rpc::NodeGetStats, |_| ()).says(Reply { usage: vec![usage], ..Reply::default() })
}

fn small() -> H {
    H::xfs().create(64).publish().see(64, 64)
}

fn grown(h: H) -> H {
    h.expand(128).reply(128, true).node_expand(128).size(128).see(128, 128)
}

#[rstest]
#[case::of_the_volume(asked(small(), 60), &[])]
#[case::the_whole_device(asked(small(), 64), &[])]
#[case::of_the_host(asked(small(), 65), BREACH)]
#[case::follows(asked(grown(asked(small(), 60)), 120), &[])]
#[case::as_before(asked(grown(asked(small(), 60)), 60), BREACH)]
#[case::not_grown_yet(asked(asked(small(), 60).expand(128).reply(128, true), 60), &[])]
#[case::of_a_shared_file_system(
    asked(H::xfs().create(64).publish().see_shared(9000), 9000), &[])]
#[case::never_measured(asked(H::xfs().create(64).publish(), 9000), &[])]
fn statistics(#[case] h: H, #[case] found: &[&str]) {
    let found_by = h.found();
    let own: Vec<&String> = found_by.iter().filter(|one| one.starts_with("stats ")).collect();
    assert_eq!(own, found);
}
