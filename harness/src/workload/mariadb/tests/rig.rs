//! A folder for the database, a ledger beside it, and a server to run there.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::{
    host::facts,
    workload::{
        engine::{self, Engine, Kind, Leash, Place, Settings, Tick, Verified},
        mariadb::{client::Client, home::Home, server::Server, verify::Unwatched},
    },
};

pub struct Rig {
    pub settings: Settings,
    pub place: Place,
    _dir: TempDir,
}

impl Rig {
    /// `None` after saying what is missing.
    pub fn new() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("volume");
        std::fs::create_dir(&path).unwrap();
        Self::over(dir, path)
    }

    /// On a volume; the ledger is in a folder of its own.
    pub fn on(path: &str) -> Option<Self> {
        Self::over(tempfile::tempdir().unwrap(), path.into())
    }

    fn over(dir: TempDir, path: PathBuf) -> Option<Self> {
        for tool in ["tool.mariadbd", "tool.mariadb-install-db"] {
            if let Err(missing) = facts::tool(tool) {
                println!("skipped: {}", missing.why);
                return None;
            }
        }
        let ledger = dir.path().join("ledger");
        let place = Place { path, block: false, ledger, copied: false, program: PathBuf::new() };
        let settings = Settings {
            seed: 5,
            bulk_threads: 2,
            query_threads: 2,
            update_percent: 50,
            pool_bytes: 16 << 20,
            log_bytes: 8 << 20,
            ..Settings::default()
        };
        Some(Self { settings, place, _dir: dir })
    }

    pub fn kind(&self) -> Kind {
        Kind::Mariadb(self.settings.clone())
    }

    pub fn start(&self) -> Box<dyn Engine> {
        engine::start(&self.kind(), &self.place, &Leash::default()).unwrap()
    }

    pub fn refused(&self) -> String {
        engine::start(&self.kind(), &self.place, &Leash::default()).err().unwrap().to_string()
    }

    pub fn verify(&self) -> Verified {
        engine::verify(&self.kind(), &self.place, &Leash::default()).unwrap()
    }

    /// Verifies that nothing is lost.
    pub fn verify_whole(&self) -> Verified {
        let verified = self.verify();
        assert_eq!((&verified.unopened, &verified.unsound), (&None, &None));
        assert_eq!((verified.lost_total, &verified.lost), (0, &vec![]));
        assert!(verified.rows > 0 && verified.rows == verified.rows_intact, "{verified:?}");
        verified
    }

    /// A database with some rows, shut down as it should.
    pub fn filled(&self) -> Verified {
        let engine = self.start();
        until("some rows", &*engine, |tick| tick.inserted > 300 && tick.updated > 50);
        let stopped = engine.stop();
        assert!(stopped.clean, "{stopped:?}");
        self.verify_whole()
    }

    /// Works on the database behind the engine's back.
    pub fn meddle(&self, act: impl FnOnce(&mut Client)) {
        let home = Arc::new(Home::new(&self.place).unwrap());
        let (server, mut client) =
            Server::start(&self.settings, home, Arc::new(Unwatched), &Leash::default()).unwrap();
        act(&mut client);
        drop(client);
        assert!(server.stop());
    }

    pub fn data(&self) -> PathBuf {
        self.place.path.join("mariadb")
    }
}

/// Polls the counters, 60 s at most.
pub fn until(what: &str, engine: &dyn Engine, mut done: impl FnMut(&Tick) -> bool) -> Tick {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let tick = engine.tick();
        if done(&tick) {
            return tick;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}: {tick:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Processes that serve this data directory.
pub fn servers(data: &Path) -> Vec<i32> {
    let flag = format!("--datadir={}", data.display());
    let serves = |pid: &i32| {
        let words = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        words.split(|byte| *byte == 0).any(|word| word == flag.as_bytes())
    };
    let names = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = names.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(serves).collect()
}
