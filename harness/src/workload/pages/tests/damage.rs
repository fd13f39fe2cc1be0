//! Damage to a database that was shut down as it should is found, named, and located to the byte.

use rstest::rstest;

use super::sim::Rig;
use crate::workload::{
    engine::{Found, LOST_MAX, Lost, Met, Verified, load::Rows},
    pages::{page::BYTES, scan::scan},
};

const PAGES: u64 = 90;

fn at(page: usize) -> std::ops::Range<usize> {
    page * BYTES..(page + 1) * BYTES
}

/// What a harm to these pages looks like, and that it is told of just these.
fn told(rig: &Rig, verified: &Verified, pages: std::ops::Range<u64>) -> Found {
    let rows = rig.settings.shape().rows_per_page();
    let first = &verified.lost[0];
    let spot = |lost: &Lost| lost.spot.clone().unwrap();
    assert_eq!(spot(first).page, pages.start, "{verified:?}");
    assert_eq!(first.key / rows, pages.start);
    assert_eq!(spot(first).offset / BYTES as u64, pages.start);
    assert_eq!(spot(first).file, "pages.data");
    assert!(verified.lost.iter().all(|lost| pages.contains(&spot(lost).page)), "{verified:?}");
    let most = (pages.end - pages.start) * rows;
    assert!(verified.lost_total > most / 2 && verified.lost_total <= most, "{verified:?}");
    assert_eq!(verified.rows_intact, verified.rows - verified.lost_total);
    assert!(verified.lost.len() as u64 == verified.lost_total.min(LOST_MAX as u64));
    first.found.clone()
}

#[test]
fn a_zeroed_page_is_located() {
    let rig = Rig::filled(PAGES);
    rig.disk.damage(|data| data[at(17)].fill(0));
    assert_eq!(told(&rig, &rig.compare(), 17..18), Found::Zeros);
}

#[test]
fn a_dropped_last_extent_is_located() {
    let rig = Rig::filled(PAGES);
    let pages = rig.ledger().end().div_ceil(rig.settings.shape().rows_per_page());
    rig.disk.damage(|data| data.truncate((pages as usize - 8) * BYTES));
    assert_eq!(told(&rig, &rig.compare(), pages - 8..pages), Found::PastEnd);
}

#[rstest]
#[case::one_bit(|page: &mut [u8]| page[9000] ^= 1, Found::Checksum)]
#[case::second_half_lost(|page: &mut [u8]| page[8192..].fill(0), Found::Torn)]
#[case::first_sector_lost(|page: &mut [u8]| page[..512].fill(0), Found::Torn)]
#[case::other_data(|page: &mut [u8]| page.fill(0x5a), Found::Checksum)]
fn a_broken_page_is_located(#[case] harm: fn(&mut [u8]), #[case] found: Found) {
    let rig = Rig::filled(PAGES);
    rig.disk.damage(|data| harm(&mut data[at(3)]));
    assert_eq!(told(&rig, &rig.compare(), 3..4), found);
}

#[test]
fn a_page_in_the_wrong_place_is_told() {
    let rig = Rig::filled(PAGES);
    rig.disk.damage(|data| data.copy_within(at(5), 9 * BYTES));
    assert_eq!(told(&rig, &rig.compare(), 9..10), Found::Stray { page: 5, space: 7 });
}

#[test]
fn a_stale_page_shows_older_rows() {
    let rig = Rig::filled(PAGES);
    let mut stale = Vec::new();
    rig.disk.damage(|data| stale = data[at(2)].to_vec());
    let database = rig.open().unwrap();
    let rows = rig.settings.shape().rows_per_page();
    let before = rig.ledger().version(2 * rows + 4);
    assert_eq!(database.update(&mut vec![2 * rows + 4]), Ok(1));
    assert_eq!(database.update(&mut vec![2 * rows + 4]), Ok(1));
    assert!(database.close());
    assert_eq!(rig.compare().lost_total, 0);
    rig.disk.damage(|data| data[at(2)].copy_from_slice(&stale));
    let verified = rig.compare();
    assert_eq!(verified.lost_total, 1, "{verified:?}");
    let lost = &verified.lost[0];
    assert_eq!((lost.key, lost.version), (2 * rows + 4, before + 2));
    assert_eq!(lost.found, Found::Older(before));
    assert_eq!(
        lost.to_string(),
        format!(
            "row {}, version {}, page 2 at byte {} of pages.data: older version {before}",
            lost.key,
            lost.version,
            lost.spot.as_ref().unwrap().offset
        )
    );
    let offset = 2 * BYTES + rig.settings.shape().place(lost.key).1;
    assert_eq!(lost.spot.as_ref().unwrap().offset, offset as u64);
}

#[test]
fn a_lost_database_is_all_lost_and_not_made_anew() {
    let mut empty = Rig::filled(PAGES);
    empty.disk = super::sim::Disk::new();
    assert!(empty.open().is_err_and(|error| error.to_string().contains("redo log")));
    let verified = empty.compare();
    assert!(verified.unopened.is_some());
    assert_eq!(verified.lost_total, verified.rows);
    assert_eq!(verified.lost[0].found, Found::PastEnd);
}

/// While it runs, too: a query that meets damage tells it, and the others go on.
#[test]
fn damage_is_met_by_a_running_query() {
    let rig = Rig::filled(PAGES);
    rig.disk.damage(|data| data[at(17)].fill(0));
    let database = rig.open().unwrap();
    let rows = rig.settings.shape().rows_per_page();
    assert!(database.read(17 * rows).is_err());
    assert_eq!(database.read(18 * rows), Ok(true));
    let troubles = database.gate.troubles(0);
    assert_eq!((troubles.len(), troubles[0].page), (1, Some((17, 17 * BYTES as u64))));
    assert_eq!(troubles[0].met, Met::Damage("zeros".into()));
    assert!(database.close());
}

/// While it runs, a page is only what the volume has if memory has nothing newer.
#[test]
fn a_running_database_is_compared_with_what_the_volume_has() {
    let rig = Rig::filled(PAGES);
    let rows = rig.settings.shape().rows_per_page();
    let database = rig.open().unwrap();
    rig.disk.damage(|data| data[at(17)].fill(0));
    let verified = scan(&database).unwrap();
    assert_eq!(told(&rig, &verified, 17..18), Found::Zeros);
    // In memory and clean, it is no better.
    assert_eq!(database.read(18 * rows), Ok(true));
    rig.disk.damage(|data| data[at(18)].fill(0));
    let verified = scan(&database).unwrap();
    assert_eq!(told(&rig, &verified, 17..19), Found::Zeros);
    // Changed and not yet written, it will be.
    assert_eq!(database.update(&mut vec![18 * rows]), Ok(1));
    let verified = scan(&database).unwrap();
    assert_eq!(told(&rig, &verified, 17..18), Found::Zeros);
    assert!(database.close());
    assert_eq!(told(&rig, &rig.compare(), 17..18), Found::Zeros);
    assert!(scan(&database).is_none(), "it has ended");
}

#[test]
fn loads_and_a_comparison_go_on_beside_each_other() {
    let mut rig = Rig::filled(PAGES);
    rig.settings.data_bytes_max = Some(PAGES * BYTES as u64);
    let database = rig.open().unwrap();
    rig.load(&database, |_| {
        for _ in 0..super::sim::rounds(20) {
            let verified = scan(&database).unwrap();
            assert_eq!((verified.lost_total, &verified.lost), (0, &vec![]));
            assert!(verified.rows > 0 && verified.rows == verified.rows_intact);
        }
        database.gate.close();
    });
    assert!(database.close());
    assert_eq!(rig.compare().lost_total, 0);
}
