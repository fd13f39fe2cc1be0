//! A folder for the database, a ledger beside it, and an engine to run there.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use csi_stretch::workload::{
    engine::{self, Engine, Kind, Leash, Place, Tick, Verified},
    pages::Settings,
};
use nix::unistd::Pid;

pub struct Rig {
    pub dir: tempfile::TempDir,
    pub settings: Settings,
    pub place: Place,
}

impl Rig {
    /// Not in memory: `TMPDIR` is on a disk, or the test is about nothing.
    pub fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("pages").tempdir().unwrap();
        let path = dir.path().join("volume");
        std::fs::create_dir(&path).unwrap();
        let place = Place {
            copied: false,
            path,
            block: false,
            ledger: dir.path().join("ledger"),
            program: PathBuf::from(env!("CARGO_BIN_EXE_csi-stretch")),
        };
        let settings = Settings {
            seed: 11,
            bulk_threads: 2,
            query_threads: 2,
            update_percent: 50,
            pool_bytes: 4 << 20,
            log_bytes: 1 << 20,
            ..Settings::default()
        };
        Self { dir, settings, place }
    }

    pub fn kind(&self) -> Kind {
        Kind::Pages(self.settings.clone())
    }

    pub fn start(&self) -> Box<dyn Engine> {
        engine::start(&self.kind(), &self.place, &Leash::default()).unwrap()
    }

    pub fn verify(&self) -> Verified {
        engine::verify(&self.kind(), &self.place, &Leash::default()).unwrap()
    }

    /// The process that has the ledger open.
    pub fn process(&self) -> Pid {
        let ledger = self.place.ledger.canonicalize().unwrap();
        let of_process = |entry: std::fs::DirEntry| {
            let number = entry.file_name().to_str()?.parse().ok()?;
            let mut files = std::fs::read_dir(entry.path().join("fd")).ok()?.flatten();
            let has =
                files.any(|file| std::fs::read_link(file.path()).is_ok_and(|to| to == ledger));
            has.then(|| Pid::from_raw(number))
        };
        std::fs::read_dir("/proc").unwrap().flatten().find_map(of_process).unwrap()
    }

    /// Verifies that nothing is lost.
    pub fn verify_whole(&self) -> Verified {
        let verified = self.verify();
        assert_eq!(verified.unopened, None);
        assert_eq!(verified.lost_total, 0, "{verified:?}");
        assert!(verified.recovery.broken.is_empty(), "{verified:?}");
        assert!(verified.rows > 0 && verified.rows == verified.rows_intact);
        verified
    }
}

/// Polls the counters, 30 s at most.
pub fn until(what: &str, engine: &dyn Engine, mut done: impl FnMut(&Tick) -> bool) -> Tick {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let tick = engine.tick();
        if done(&tick) {
            return tick;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}: {tick:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
