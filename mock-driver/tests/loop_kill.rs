//! A driver that is killed at any instant: what is left is found again, finished or removed.

#![cfg(feature = "loop")]

mod loop_support;

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use csi_stretch_mock::backing::loops::LoopBacking;
use csi_stretch_mock::backing::{Backing, BackingError, FsType, Known, KnownVolume, Shown, Source};
use csi_stretch_mock::fs::freeze;
use loop_support::{Lab, MIB, SMALL, mounted, mounting, pattern, traces};
use rstest::rstest;

const LARGE: u64 = 2 * SMALL;
/// Tells the process that is to be killed where to work, and with which file system.
const VICTIM: &str = "LOOP_KILL_VICTIM";
/// How many kills each file system gets; more for a longer hunt.
const KILLS: &str = "LOOP_KILLS";

/// A life of two volumes and a snapshot, cut into steps that may each be repeated.
struct Life {
    backing: LoopBacking,
    dir: PathBuf,
    fs_type: FsType,
}

type Step = (&'static str, fn(&Life) -> Result<(), BackingError>);

const STEPS: &[Step] = &[
    ("create", |life| life.backing.create("v1", SMALL, None)),
    ("attach", |life| life.backing.attach("v1")),
    ("stage", |life| life.stage("v1")),
    ("publish", Life::publish),
    ("write", |life| {
        life.write("before");
        Ok(())
    }),
    ("grow device", |life| life.backing.grow_device("v1", LARGE)),
    ("unpublish to grow", |life| life.if_ext4(|it| it.backing.unpublish("v1", &it.target()))),
    ("unstage to grow", |life| life.if_ext4(|it| it.unstage("v1"))),
    ("grow", |life| match life.fs_type {
        FsType::Ext4 => life.stage("v1"),
        _ => life.backing.grow_fs("v1").map(drop),
    }),
    ("publish again", Life::publish),
    ("write more", |life| {
        life.write("after");
        Ok(())
    }),
    ("snapshot", |life| life.backing.snapshot("v1", "s1").map(drop)),
    ("restore larger", |life| {
        life.backing.create("v2", LARGE + SMALL, Some(Source::Snapshot("s1")))
    }),
    ("stage copy", |life| life.stage("v2")),
    ("check", |life| {
        life.check_content();
        Ok(())
    }),
    ("unstage copy", |life| life.unstage("v2")),
    ("detach copy", |life| life.backing.detach("v2")),
    ("delete copy", |life| life.backing.delete("v2")),
    ("delete snapshot", |life| life.backing.delete_snapshot("s1")),
    ("unpublish", |life| life.backing.unpublish("v1", &life.target())),
    ("unstage", |life| life.unstage("v1")),
    ("detach", |life| life.backing.detach("v1")),
    ("delete", |life| life.backing.delete("v1")),
];

impl Life {
    fn new(dir: &Path, fs_type: FsType) -> Self {
        let backing = LoopBacking::open(&dir.join("state")).unwrap();
        Self { backing, dir: dir.to_owned(), fs_type }
    }

    fn target(&self) -> PathBuf {
        self.dir.join("target")
    }

    fn stage_path(&self, id: &str) -> PathBuf {
        self.dir.join(format!("{id}-stage"))
    }

    fn stage(&self, id: &str) -> Result<(), BackingError> {
        self.backing.stage(id, &self.stage_path(id), &mounting(self.fs_type))
    }

    fn unstage(&self, id: &str) -> Result<(), BackingError> {
        self.backing.unstage(id, &self.stage_path(id))
    }

    fn publish(&self) -> Result<(), BackingError> {
        let stage = self.stage_path("v1");
        self.backing.publish("v1", Some(&stage), &self.target(), false, &mounted(self.fs_type))
    }

    fn if_ext4(
        &self,
        step: impl FnOnce(&Self) -> Result<(), BackingError>,
    ) -> Result<(), BackingError> {
        if self.fs_type == FsType::Ext4 { step(self) } else { Ok(()) }
    }

    fn write(&self, name: &str) {
        let mut file = File::create(self.target().join(name)).unwrap();
        file.write_all(&pattern(name.len() as u8, 2_000_000)).unwrap();
        file.sync_all().unwrap();
    }

    fn check_content(&self) {
        for place in [self.target(), self.stage_path("v2")] {
            for name in ["before", "after"] {
                let data = fs::read(place.join(name)).unwrap();
                assert!(
                    data == pattern(name.len() as u8, 2_000_000),
                    "{name} at {} differs",
                    place.display()
                );
            }
        }
        for (id, bytes) in [("v1", LARGE), ("v2", LARGE + SMALL)] {
            let now = self.backing.file_system(id).unwrap().unwrap();
            assert!(now.fills_device && now.bytes > bytes - 8 * MIB, "{id}: {now:?}");
        }
    }

    /// What a service's records would say: everything whose making was finished.
    fn known(&self) -> Known {
        let state = self.dir.join("state");
        let size = |path: &Path| Some(fs::metadata(path.join("disk.img")).ok()?.len());
        let volume = |id: &str| {
            let bytes = size(&state.join("volumes").join(id))?;
            let paths = vec![self.stage_path(id), self.target()];
            Some(KnownVolume { id: id.to_owned(), bytes, paths })
        };
        Known {
            volumes: ["v1", "v2"].into_iter().filter_map(volume).collect(),
            snapshots: size(&state.join("snapshots/s1"))
                .map(|_| "s1".to_owned())
                .into_iter()
                .collect(),
        }
    }
}

/// Not a test of its own: the process that gets killed.
#[test]
fn loop_victim() {
    let Ok(what) = std::env::var(VICTIM) else { return };
    let (fs_type, dir) = what.split_once(':').unwrap();
    let life = Life::new(Path::new(dir), FsType::from_name(fs_type).unwrap());
    for (at, (_, step)) in STEPS.iter().enumerate() {
        println!("\nstep {at}");
        step(&life).unwrap();
    }
    println!("\nstep {}", STEPS.len());
}

/// Starts the victim, kills it after `delay`, and says in which step that was.
fn kill_after(dir: &Path, fs_type: FsType, delay: Duration) -> usize {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "loop_victim", "--nocapture"])
        .env(VICTIM, format!("{fs_type}:{}", dir.display()))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    std::thread::sleep(delay);
    child.kill().unwrap();
    child.wait().unwrap();
    let lines = output.lines().map_while(Result::ok);
    lines.filter_map(|line| line.strip_prefix("step ")?.parse().ok()).last().unwrap_or(0)
}

#[rstest]
#[case::ext4(FsType::Ext4, 1)]
#[case::xfs(FsType::Xfs, 2)]
#[case::btrfs(FsType::Btrfs, 3)]
fn loop_a_kill_at_any_instant_converges(#[case] fs_type: FsType, #[case] seed: u64) {
    let Some(lab) = Lab::new() else { return };
    let kills = std::env::var(KILLS).map_or(6, |text| text.parse().unwrap());
    let whole = std::time::Instant::now();
    assert_eq!(kill_after(lab.dir.path(), fs_type, Duration::ZERO), 0);
    let life = Life::new(lab.dir.path(), fs_type);
    life.backing.reconcile(&Known::default()).unwrap();
    for (name, step) in STEPS {
        step(&life).unwrap_or_else(|e| panic!("{name}: {e}"));
    }
    let span = whole.elapsed().as_millis() as u64;
    let mut random = seed;
    for _ in 0..kills {
        random =
            random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let delay = Duration::from_millis((random >> 33) % span);
        let at = kill_after(lab.dir.path(), fs_type, delay);
        let name = STEPS.get(at).map_or("the end", |(name, _)| name);
        println!("{fs_type}: killed after {delay:?} in step `{name}`");
        let life = Life::new(lab.dir.path(), fs_type);
        if random & 1 << 40 == 0 {
            life.backing.reconcile(&Known::default()).unwrap();
            assert_eq!(lab.traces(), Vec::<String>::new(), "killed in `{name}`");
            continue;
        }
        life.backing.reconcile(&life.known()).unwrap();
        for (next, step) in STEPS.get(at..).unwrap_or_default() {
            step(&life).unwrap_or_else(|e| panic!("killed in `{name}`, then `{next}`: {e}"));
        }
        assert_eq!(lab.traces(), Vec::<String>::new(), "killed in `{name}`");
    }
}

#[rstest]
fn loop_reconcile_thaws_what_a_killed_copy_froze(
    #[values(FsType::Ext4, FsType::Xfs, FsType::Btrfs)] fs_type: FsType,
) {
    let Some(lab) = Lab::new() else { return };
    let stage = lab.staged("v1", SMALL, fs_type);
    freeze(&File::open(&stage).unwrap()).unwrap();
    lab.backing.reconcile(&known(&lab, &[&stage])).unwrap();
    let (done, wait) = std::sync::mpsc::channel();
    let file = stage.join("file");
    std::thread::spawn(move || done.send(fs::write(file, b"x")));
    wait.recv_timeout(Duration::from_secs(10)).expect("still frozen").unwrap();
    lab.retire("v1");
}

#[test]
fn loop_reconcile_keeps_what_is_promised_and_nothing_else() {
    let Some(lab) = Lab::new() else { return };
    let stage = lab.staged("v1", SMALL, FsType::Ext4);
    let stray = lab.path("stray");
    lab.backing.publish("v1", Some(&stage), &stray, false, &mounted(FsType::Ext4)).unwrap();
    let other = lab.staged("v2", SMALL, FsType::Ext4);
    lab.backing.snapshot("v1", "s1").unwrap();
    fs::create_dir_all(lab.path("state/volumes/v3.new")).unwrap();
    let mut promised = known(&lab, &[&stage]);
    promised.volumes[0].bytes = LARGE;
    lab.backing.reconcile(&promised).unwrap();
    assert_eq!(lab.backing.shows("v1", &stage).unwrap(), Some(Shown::FileSystem));
    assert_eq!(lab.backing.device_bytes("v1").unwrap(), LARGE, "smaller than promised");
    for gone in [&stray, &other] {
        assert_eq!(fs::read_dir(gone).unwrap().count(), 0, "{gone:?} is still mounted");
    }
    for gone in ["volumes/v2", "volumes/v3.new", "snapshots/s1"] {
        assert!(!lab.path("state").join(gone).exists(), "{gone} is still there");
    }
    assert!(!lab.traces().iter().any(|line| line.contains("v2")), "{:?}", lab.traces());
    lab.retire("v1");
}

#[test]
fn loop_reconcile_detaches_a_device_whose_image_is_gone() {
    let Some(lab) = Lab::new() else { return };
    lab.staged("v1", SMALL, FsType::Ext4);
    fs::remove_dir_all(lab.path("state/volumes/v1")).unwrap();
    assert!(lab.traces().iter().any(|line| line.contains("(deleted)")), "{:?}", lab.traces());
    lab.backing.reconcile(&Known::default()).unwrap();
    assert_eq!(lab.traces(), Vec::<String>::new());
}

#[rstest]
#[case::stage(true)]
#[case::block(false)]
fn loop_a_half_made_file_system_is_nobodys_data(#[case] as_mount: bool) {
    let Some(lab) = Lab::new() else { return };
    lab.backing.create("v1", SMALL, None).unwrap();
    lab.backing.attach("v1").unwrap();
    let folder = lab.path("state/volumes/v1");
    File::create(folder.join("formatting")).unwrap();
    let image = File::options().write(true).open(folder.join("disk.img")).unwrap();
    image.write_all_at(&pattern(1, 200_000), 0).unwrap();
    assert_eq!(lab.backing.file_system("v1").unwrap(), None);
    if as_mount {
        let stage = lab.path("v1-stage");
        lab.backing.stage("v1", &stage, &mounting(FsType::Btrfs)).unwrap();
        lab.backing.unstage("v1", &stage).unwrap();
    } else {
        let target = lab.path("dev");
        let access = csi_stretch_mock::backing::Access::Block;
        lab.backing.publish("v1", None, &target, false, &access).unwrap();
        assert!(fs::read(&target).unwrap().iter().all(|byte| *byte == 0), "rubbish shows");
        lab.backing.unpublish("v1", &target).unwrap();
    }
    assert!(!folder.join("formatting").exists());
    lab.backing.detach("v1").unwrap();
}

#[test]
fn loop_devices_of_others_are_never_touched() {
    let (Some(ours), Some(theirs)) = (Lab::new(), Lab::new()) else { return };
    let stage = theirs.staged("v1", SMALL, FsType::Ext4);
    ours.staged("v1", SMALL, FsType::Ext4);
    ours.backing.remove_everything().unwrap();
    assert_eq!(traces(ours.dir.path()), Vec::<String>::new());
    assert_eq!(theirs.backing.shows("v1", &stage).unwrap(), Some(Shown::FileSystem));
    // What a removed folder's backing does next starts from nothing.
    assert!(matches!(ours.backing.attach("v1"), Err(BackingError::Missing(_))));
    fs::create_dir_all(ours.path("state/volumes")).unwrap();
    fs::create_dir_all(ours.path("state/snapshots")).unwrap();
    fs::create_dir_all(ours.path("state/mnt")).unwrap();
    theirs.retire("v1");
}

fn known(lab: &Lab, paths: &[&Path]) -> Known {
    let paths = paths.iter().map(|path| path.to_path_buf()).collect();
    let bytes = lab.backing.device_bytes("v1").unwrap();
    let volumes = vec![KnownVolume { id: "v1".into(), bytes, paths }];
    Known { volumes, snapshots: vec![] }
}
