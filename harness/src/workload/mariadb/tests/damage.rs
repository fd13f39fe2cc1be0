//! What is not there as it was acknowledged is found and named; a place that is no good is refused.

use std::{fs, os::unix::fs::FileExt as _};

use super::rig::{Rig, until};
use crate::workload::engine::{self, Found, Leash, Place};

#[test]
fn lost_and_changed_rows_are_named() {
    let Some(mut rig) = Rig::new() else { return };
    let whole = rig.filled();
    rig.meddle(|client| {
        let mut say = |text: &str| client.say(text).unwrap();
        say("DELETE FROM stretch.kept WHERE id = 3");
        say("UPDATE stretch.kept SET contents = REVERSE(contents) WHERE id = 5");
        say("CREATE TEMPORARY TABLE stretch.other SELECT * FROM stretch.kept WHERE id = 8");
        say("UPDATE stretch.kept k, stretch.other o SET k.version = o.version, \
             k.contents = o.contents, k.crc = o.crc WHERE k.id = 7");
        say("UPDATE stretch.kept SET version = version + 5 WHERE id = 9");
    });
    let verified = rig.verify();
    let lost: Vec<(u64, &Found)> = verified.lost.iter().map(|it| (it.key, &it.found)).collect();
    assert_eq!(
        lost,
        [(3, &Found::Older(0)), (5, &Found::Checksum), (7, &Found::Garbage), (9, &Found::Garbage)]
    );
    assert!(verified.lost.iter().all(|it| it.version > 0 && it.spot.is_none()));
    assert_eq!((verified.rows, verified.rows_intact), (whole.rows, whole.rows - 4));
    assert_eq!((verified.lost_total, verified.unopened, verified.unsound), (4, None, None));

    // The queries meet it, too; rows that are inserted meanwhile would only hide it.
    rig.settings.bulk_threads = 0;
    let engine = rig.start();
    until("damage", &*engine, |tick| tick.errors > 0);
    let stopped = engine.stop();
    let damaged = ["row 3", "row 5", "row 7", "row 9"];
    let names_one = |text: &str| damaged.iter().any(|row| text.ends_with(row));
    assert!(stopped.troubles.iter().all(|trouble| names_one(&trouble.doing)), "{stopped:?}");
}

#[test]
fn pages_that_were_lost_are_lost_rows() {
    let Some(rig) = Rig::new() else { return };
    let whole = rig.filled();
    let path = rig.data().join("stretch/kept.ibd");
    let file = fs::File::options().write(true).open(&path).unwrap();
    // The first pages describe the table, then come its rows.
    let page = 16 << 10;
    for number in 8..12 {
        file.write_all_at(&vec![0; page], (number * page) as u64).unwrap();
    }
    let verified = rig.verify();
    assert_eq!(verified.rows, whole.rows);
    assert!(verified.lost_total >= 10, "{verified:?}");
    assert_eq!(verified.rows_intact + verified.lost_total, whole.rows);
    let what = &verified.lost[0].found;
    assert!(matches!(what, Found::Unreadable(_) | Found::Older(0)), "{what:?}");
}

#[test]
fn a_database_that_is_gone_lost_every_row() {
    let Some(rig) = Rig::new() else { return };
    let whole = rig.filled();
    fs::remove_dir_all(rig.data()).unwrap();
    let verified = rig.verify();
    assert_eq!((verified.lost_total, verified.rows_intact), (whole.rows, 0));
    assert!(verified.unopened.unwrap().starts_with("no folder"));
    assert!(rig.refused().starts_with("the database is gone"), "never made anew");
}

#[test]
fn what_cannot_be_is_refused() {
    let Some(mut rig) = Rig::new() else { return };
    assert!(engine::verify(&rig.kind(), &rig.place, &Leash::default()).is_err(), "no ledger");
    fs::create_dir(rig.data()).unwrap();
    fs::write(rig.data().join("precious"), "").unwrap();
    assert!(rig.refused().contains("no run made it"));
    assert!(rig.data().join("precious").exists());
    rig.settings.batch_rows = 20_000;
    assert!(rig.refused().starts_with("batch_rows is 20000: MariaDB takes 16383"));
    rig.settings.batch_rows = 1;
    rig.place = Place { block: true, ..rig.place.clone() };
    assert!(rig.refused().contains("take the engine `pages`"));
}
