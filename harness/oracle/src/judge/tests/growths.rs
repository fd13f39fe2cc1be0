//! Rows of growth.

use super::clean;
use crate::{check::testing::H, history::Code};

#[test]
fn a_growth_row_keeps_the_sources_apart() {
    let mib = |n: u64| n << 20;
    let report = clean().report();
    assert_eq!(report.growths.len(), 1);
    let row = &report.growths[0];
    assert_eq!((row.volume.as_str(), row.access.as_str(), row.online), ("vol", "xfs", true));
    assert_eq!((row.before, row.required, row.limit), (Some(64 << 20), 128 << 20, 0));
    assert_eq!((row.controller, row.node), (Some(128 << 20), Some(128 << 20)));
    assert_eq!((row.device_before, row.device_after), (Some(mib(64)), Some(mib(128))));
    assert_eq!((row.fs_before, row.fs_after), (Some(mib(64)), Some(mib(128))));
    assert_eq!((row.controller_us, row.node_us), (Some(100), Some(100)));
    assert_eq!(row.verified, Some(mib(1)));
}

#[test]
fn growth_rows_are_one_for_each_growth_asked_for() {
    let h = H::block()
        .create(64)
        .expand(128)
        .fails(Code::OutOfRange)
        .expand(100)
        .reply(100, true)
        .publish()
        .node_expand(100)
        .ok()
        .see_device(100)
        .expand(160)
        .reply(160, false)
        .see_device(160);
    let rows = h.report().growths;
    let seen: Vec<_> = rows
        .iter()
        .map(|row| (row.required >> 20, row.online, row.node_code.as_deref(), row.device_after))
        .collect();
    let device = |mib: u64| Some(mib << 20);
    let expected = [
        (128, false, None, None),
        (100, false, Some("OK"), device(100)),
        (160, true, None, device(160)),
    ];
    assert_eq!(seen, expected);
    assert_eq!(rows[0].controller_code.as_deref(), Some("OUT_OF_RANGE"));
    assert!(rows.iter().all(|row| row.access == "block"));
}
