//! Power cuts at any moment: nothing acknowledged is lost, and nothing else is thought to be.

use super::sim::{Rig, rounds};
use crate::workload::engine::rows::mix;

#[test]
fn nothing_acknowledged_is_lost_in_a_power_cut() {
    let rig = Rig::new();
    let (mut restored, mut replayed, mut in_recovery) = (0, 0, 0);
    for round in 0..rounds(40) {
        rig.disk.cut_after(200 + mix(round) % 3000);
        // The cut may come while it is being opened, too.
        if let Ok(database) = rig.open() {
            rig.load(&database, |_| {
                while !database.gate.has_ended() {
                    std::thread::sleep(std::time::Duration::from_millis(1));
                }
            });
            assert!(!database.close());
        }
        rig.disk.come_back(round);
        if round % 4 == 1 {
            rig.disk.cut_after(mix(round) % 100);
            in_recovery += u64::from(rig.compare().unopened.is_some());
            rig.disk.come_back(round);
        }
        let verified = rig.compare();
        assert_eq!(verified.unopened, None, "round {round}");
        assert_eq!(verified.lost_total, 0, "round {round}: {verified:?}");
        assert!(verified.recovery.broken.is_empty(), "round {round}: {verified:?}");
        assert_eq!(verified.rows, verified.rows_intact);
        restored += verified.recovery.restored;
        replayed += verified.recovery.records;
    }
    // Or the cuts came at moments that prove nothing.
    assert!(
        restored > 0 && replayed > 1000 && in_recovery > 0,
        "{restored} {replayed} {in_recovery}"
    );
}

/// The proof that the test above can fail: without the doublewrite area, pages are torn for good.
#[test]
fn without_the_doublewrite_area_pages_are_torn() {
    let mut rig = Rig::new();
    rig.settings.doublewrite = false;
    for round in 0..100 {
        rig.disk.cut_after(1000 + mix(round) % 3000);
        let Ok(database) = rig.open() else { panic!("round {round}") };
        rig.load(&database, |_| {
            while !database.gate.has_ended() {
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
        });
        database.close();
        rig.disk.come_back(round);
        let verified = rig.compare();
        if verified.lost_total > 0 {
            assert!(!verified.recovery.broken.is_empty(), "{verified:?}");
            return;
        }
    }
    panic!("no cut tore a page");
}
