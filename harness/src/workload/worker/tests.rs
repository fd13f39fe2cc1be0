//! The workload on real files: what it writes it finds again, and each kind of damage by name.

use std::{fs::File, io, os::unix::fs::FileExt, path::PathBuf, time::Instant};

use csi_stretch_oracle::{
    action::{Guise, PathRef, Place},
    history::{LoadReport, Mismatch},
};
use rstest::rstest;
use tempfile::TempDir;

use super::*;
use crate::{
    host::lab::{Lab, run},
    workload::Files,
};

const LEN: u64 = BLOCK_BYTES as u64;
const FILE: &str = "stretch-ledger-0.dat";

fn at() -> PathRef {
    PathRef::Target(0)
}

fn write(volume: &str, blocks: u64) -> Load {
    Load::Write {
        volume: volume.into(),
        path: at(),
        bytes: blocks * LEN,
        place: Place::Append,
        like: None,
    }
}

fn verify(volume: &str) -> Load {
    Load::Verify { volume: volume.into(), path: at() }
}

fn ledgers() -> Ledgers {
    let pace = Pace { interval: Duration::from_millis(1), ..Pace::default() };
    Ledgers::new(7, Arc::new(Files)).with_pace(pace)
}

#[track_caller]
fn loaded(completion: Completion) -> LoadReport {
    match completion {
        Completion::Ok(Outcome::Loaded(report)) => report,
        other => panic!("not loaded: {other:?}"),
    }
}

/// A folder with three blocks of `v` in it.
async fn written() -> (TempDir, Ledgers) {
    let dir = tempfile::tempdir().unwrap();
    let ledgers = ledgers();
    let report = loaded(ledgers.perform(&write("v", 3), dir.path(), false).await);
    assert_eq!((report.bytes_written, report.bytes_in_ledger), (3 * LEN, 3 * LEN));
    (dir, ledgers)
}

fn open(dir: &TempDir) -> File {
    File::options().read(true).write(true).open(dir.path().join(FILE)).unwrap()
}

fn copy_block(from: &File, to: &File, source: u64, target: u64) {
    let mut block = vec![0; BLOCK_BYTES];
    from.read_exact_at(&mut block, source).unwrap();
    to.write_all_at(&block, target).unwrap();
}

#[tokio::test]
async fn what_was_written_is_found_again() {
    let (dir, ledgers) = written().await;
    loaded(ledgers.perform(&write("v", 40), dir.path(), false).await);
    let report = loaded(ledgers.perform(&verify("v"), dir.path(), false).await);
    assert_eq!((report.bytes_verified, report.mismatches_total), (43 * LEN, 0));
    assert_eq!(open(&dir).metadata().unwrap().len(), 43 * LEN);
}

#[tokio::test]
async fn odd_sizes_are_rounded_up_to_blocks() {
    let dir = tempfile::tempdir().unwrap();
    let load = Load::Write {
        volume: "v".into(),
        path: at(),
        bytes: LEN + 1,
        place: Place::Append,
        like: None,
    };
    let report = loaded(ledgers().perform(&load, dir.path(), false).await);
    assert_eq!(report.bytes_written, 2 * LEN);
}

#[rstest]
#[case::whole(|_: &File| (), &[])]
#[case::made_anew(|f: &File| f.write_all_at(&[0; 64], 1024).unwrap(), &[0])]
#[case::elsewhere(|f: &File| f.write_all_at(&[0; 64], LEN).unwrap(), &[LEN])]
#[tokio::test]
async fn loop_device_in_a_guise_is_verified(#[case] harm: fn(&File), #[case] at_bytes: &[u64]) {
    let Some(lab) = Lab::new("", 4 << 20) else { return };
    let path = PathBuf::from(lab.device.clone());
    let disk = File::options().read(true).write(true).open(&path).unwrap();
    let ledgers = ledgers();
    let (volume, like) = ("v".to_owned(), Some(Guise::Ext4));
    let load = Load::Write { volume, path: at(), bytes: 2 * LEN, place: Place::Append, like };
    loaded(ledgers.perform(&load, &path, true).await);
    let mut magic = [0; 2];
    disk.read_exact_at(&mut magic, 1024 + 0x38).unwrap();
    assert_eq!(magic, [0x53, 0xef]);
    harm(&disk);
    disk.sync_all().unwrap();
    let report = loaded(ledgers.perform(&verify("v"), &path, true).await);
    let found: Vec<u64> = report.mismatches.iter().map(|m| m.offset / LEN * LEN).collect();
    assert_eq!(found, at_bytes);
}

#[rstest]
#[case::zeros(|f: &File| f.write_all_at(&vec![0; BLOCK_BYTES], LEN).unwrap(), LEN, LEN, "zeros")]
#[case::misplaced(|f: &File| copy_block(f, f, 0, 2 * LEN), 2 * LEN, LEN, "block of v at 0")]
#[case::torn(|f: &File| f.write_all_at(&[0; 4096], LEN + 8192).unwrap(), LEN + 8192, 4096, "torn: 8 of 128 sectors are wrong, the first: zeros")]
#[case::one_byte(|f: &File| f.write_all_at(b"!", 2 * LEN + 600).unwrap(), 2 * LEN + 512, 512, "torn: 1 of 128 sectors are wrong, the first: garbage")]
#[case::noise(|f: &File| f.write_all_at(&vec![0x5a; BLOCK_BYTES], 0).unwrap(), 0, LEN, "garbage")]
#[case::cut(|f: &File| f.set_len(2 * LEN).unwrap(), 2 * LEN, LEN, "unreadable: past the end")]
#[tokio::test]
async fn damage_is_found_where_it_is(
    #[case] harm: fn(&File),
    #[case] offset: u64,
    #[case] length: u64,
    #[case] what: &str,
) {
    let (dir, ledgers) = written().await;
    harm(&open(&dir));
    let report = loaded(ledgers.perform(&verify("v"), dir.path(), false).await);
    assert_eq!(report.mismatches, [Mismatch { offset, length, page: None, what: what.into() }]);
    assert_eq!((report.mismatches_total, report.bytes_verified), (1, 2 * LEN));
}

#[tokio::test]
async fn a_block_of_another_volume_is_called_by_its_name() {
    let (dir, ledgers) = written().await;
    let other = tempfile::tempdir().unwrap();
    loaded(ledgers.perform(&write("w", 2), other.path(), false).await);
    copy_block(&open(&other), &open(&dir), LEN, LEN);
    let report = loaded(ledgers.perform(&verify("v"), dir.path(), false).await);
    assert_eq!(report.mismatches[0].what, "block of w at 65536");

    let stranger = Ledgers::new(8, Arc::new(Files));
    loaded(stranger.perform(&write("v", 2), other.path(), false).await);
    copy_block(&open(&other), &open(&dir), LEN, LEN);
    let report = loaded(ledgers.perform(&verify("v"), dir.path(), false).await);
    assert_eq!(report.mismatches[0].what, "block of an unknown volume at 65536");
}

#[tokio::test]
async fn a_lost_rewrite_is_stale() {
    let (dir, ledgers) = written().await;
    let volume = ledgers.shared.volume("v");
    let old = std::fs::read(dir.path().join(FILE)).unwrap();
    for _ in 0..3 {
        volume.write_blocks(&Files, dir.path(), false, (0, LEN), 1).unwrap();
    }
    let report = loaded(ledgers.perform(&verify("v"), dir.path(), false).await);
    assert_eq!(report.mismatches_total, 0);
    std::fs::write(dir.path().join(FILE), old).unwrap();
    let report = loaded(ledgers.perform(&verify("v"), dir.path(), false).await);
    let mismatch = &report.mismatches[0];
    assert_eq!((mismatch.offset, mismatch.what.as_str()), (LEN, "stale (write 1, want 4)"));
}

/// A driver that publishes a link could have the harness, as root, write anywhere.
#[tokio::test]
async fn nothing_is_written_or_read_through_a_link() {
    let (dir, ledgers) = written().await;
    let link = dir.path().join("link");
    let elsewhere = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(elsewhere.path(), &link).unwrap();
    let start = Load::Start { volume: "v".into(), path: PathRef::Target(0) };
    for load in [write("v", 1), verify("v"), start] {
        for block in [false, true] {
            let completion = ledgers.perform(&load, &link, block).await;
            assert_eq!(completion.code(), Code::Unobservable, "{load:?}: {completion:?}");
        }
    }
    assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_lost_file_is_many_mismatches_and_a_lost_path_a_failure() {
    let (dir, ledgers) = written().await;
    loaded(ledgers.perform(&write("v", 20), dir.path(), false).await);
    std::fs::remove_file(dir.path().join(FILE)).unwrap();
    let report = loaded(ledgers.perform(&verify("v"), dir.path(), false).await);
    assert_eq!((report.mismatches_total, report.mismatches.len()), (23, 23));
    assert_eq!(report.mismatches[0].what, "unreadable: ENOENT");

    let gone = dir.path().join("gone");
    let completion = ledgers.perform(&verify("v"), &gone, false).await;
    assert!(matches!(&completion, Completion::Fail(f) if f.code == Code::Io), "{completion:?}");
    // Nothing is made anew where the volume was.
    let completion = ledgers.perform(&write("v", 1), dir.path(), false).await;
    assert_eq!(completion.code(), Code::Io, "{completion:?}");
}

#[tokio::test]
async fn a_copy_inherits_and_goes_its_own_way() {
    let (dir, ledgers) = written().await;
    ledgers.fork("v", "snapshot s").unwrap();
    loaded(ledgers.perform(&write("v", 1), dir.path(), false).await);
    ledgers.fork("snapshot s", "copy").unwrap();
    let copied = tempfile::tempdir().unwrap();
    std::fs::copy(dir.path().join(FILE), copied.path().join(FILE)).unwrap();
    let report = loaded(ledgers.perform(&verify("copy"), copied.path(), false).await);
    assert_eq!((report.bytes_verified, report.mismatches_total), (3 * LEN, 0));
    loaded(ledgers.perform(&write("copy", 2), copied.path(), false).await);
    let report = loaded(ledgers.perform(&verify("copy"), copied.path(), false).await);
    assert_eq!((report.bytes_verified, report.mismatches_total), (5 * LEN, 0));

    ledgers.forget("copy");
    let report = loaded(ledgers.perform(&verify("copy"), copied.path(), false).await);
    assert_eq!(report.bytes_in_ledger, 0);
}

/// Files, with things that happen between the ledger's look and each of the next reads.
struct Interrupted(Mutex<Vec<Box<dyn FnOnce() + Send>>>);

impl Medium for Interrupted {
    fn write(&self, path: &Path, file: &str, offset: u64, data: &[u8]) -> io::Result<()> {
        Files.write(path, file, offset, data)
    }

    fn read(&self, path: &Path, file: &str, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let next = lock(&self.0).pop();
        if let Some(interruption) = next {
            interruption();
        }
        Files.read(path, file, offset, length)
    }

    fn device_bytes(&self, path: &Path) -> io::Result<u64> {
        Files.device_bytes(path)
    }

    fn free_bytes(&self, path: &Path) -> io::Result<u64> {
        Files.free_bytes(path)
    }
}

#[tokio::test]
async fn a_block_rewritten_while_it_is_verified_is_no_damage() {
    let dir = tempfile::tempdir().unwrap();
    let medium = Arc::new(Interrupted(Mutex::default()));
    let ledgers = Ledgers::new(7, medium.clone());
    loaded(ledgers.perform(&write("v", 3), dir.path(), false).await);
    let (volume, path) = (ledgers.shared.volume("v"), dir.path().to_owned());
    for _ in 0..3 {
        let (volume, path) = (volume.clone(), path.clone());
        lock(&medium.0).push(Box::new(move || {
            volume.write_blocks(&Files, &path, false, (0, LEN), 1).unwrap();
        }));
    }
    let report = loaded(ledgers.perform(&verify("v"), dir.path(), false).await);
    assert!(lock(&medium.0).is_empty());
    assert_eq!((report.bytes_verified, report.mismatches_total), (3 * LEN, 0), "{report:?}");
}

#[rstest]
#[case::link(|dir: &TempDir| std::os::unix::fs::symlink("/etc/passwd", dir.path().join(FILE)).unwrap())]
#[case::folder(|dir: &TempDir| std::fs::create_dir(dir.path().join(FILE)).unwrap())]
#[case::pipe(|dir: &TempDir| nix::unistd::mkfifo(&dir.path().join(FILE), nix::sys::stat::Mode::S_IRWXU).unwrap())]
#[tokio::test]
async fn traps_in_the_volume_are_not_stepped_into(#[case] trap: fn(&TempDir)) {
    let dir = tempfile::tempdir().unwrap();
    trap(&dir);
    let completion = ledgers().perform(&write("v", 1), dir.path(), false).await;
    assert_eq!(completion.code(), Code::Io, "{completion:?}");
}

async fn eventually(mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(20), "never happened");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn start() -> Load {
    Load::Start { volume: "v".into(), path: at() }
}

fn stop() -> Load {
    Load::Stop { volume: "v".into() }
}

#[tokio::test]
async fn the_background_writer_appends_beside_the_foreground() {
    let (dir, ledgers) = written().await;
    assert!(matches!(ledgers.perform(&start(), dir.path(), false).await, Completion::Ok(_)));
    let twice = ledgers.perform(&start(), dir.path(), false).await;
    assert_eq!(twice.code(), Code::Harness);
    for _ in 0..10 {
        loaded(ledgers.perform(&write("v", 2), dir.path(), false).await);
        let report = loaded(ledgers.perform(&verify("v"), dir.path(), false).await);
        assert_eq!(report.mismatches_total, 0, "{:?}", report.mismatches);
    }
    let report = loaded(ledgers.perform(&stop(), Path::new(""), false).await);
    assert!(report.bytes_written >= LEN && report.errors.is_empty(), "{report:?}");
    assert_eq!(report.bytes_in_ledger, 23 * LEN + report.bytes_written);
    let report = loaded(ledgers.perform(&verify("v"), dir.path(), false).await);
    assert_eq!(report.bytes_verified, report.bytes_in_ledger);
    let again = ledgers.perform(&stop(), Path::new(""), false).await;
    assert_eq!(again.code(), Code::Unbound);
}

#[tokio::test]
async fn a_writer_at_its_bound_goes_round_its_own_blocks() {
    let dir = tempfile::tempdir().unwrap();
    let pace = Pace { interval: Duration::from_millis(1), bytes_max: 4 * LEN, free_part: 4 };
    let ledgers = Ledgers::new(7, Arc::new(Files)).with_pace(pace);
    ledgers.perform(&start(), dir.path(), false).await;
    let volume = ledgers.shared.volume("v");
    eventually(|| volume.ledger().entry((1, LEN)).is_some_and(|entry| entry.count > 3)).await;
    ledgers.fork("v", "copy").unwrap();
    let report = loaded(ledgers.perform(&stop(), Path::new(""), false).await);
    assert_eq!(report.bytes_in_ledger, 4 * LEN);
    assert!(report.bytes_written > 8 * LEN, "{report:?}");
    for name in ["v", "copy"] {
        let report = loaded(ledgers.perform(&verify(name), dir.path(), false).await);
        assert_eq!((report.bytes_verified, report.mismatches_total), (4 * LEN, 0), "{name}");
    }
}

#[tokio::test]
async fn a_writer_stops_when_its_path_goes_and_when_it_is_dropped() {
    let (dir, ledgers) = written().await;
    ledgers.perform(&start(), dir.path(), false).await;
    let path: PathBuf = dir.path().to_owned();
    dir.close().unwrap();
    let volume = ledgers.shared.volume("v");
    // The thread holds the volume until it ends.
    eventually(|| Arc::strong_count(&volume) == 2).await;
    let report = loaded(ledgers.perform(&stop(), &path, false).await);
    assert!(report.errors[0].message.contains("No such file"), "{report:?}");

    let (dir, ledgers) = written().await;
    ledgers.perform(&start(), dir.path(), false).await;
    let volume = ledgers.shared.volume("v");
    drop(ledgers);
    eventually(|| Arc::strong_count(&volume) == 1).await;
}

#[tokio::test]
async fn loop_full_volume_is_said_to_be_full() {
    let Some(mut lab) = Lab::new("ext4", 16 << 20) else { return };
    lab.mount(&["-t", "ext4"], "mnt");
    let path = PathBuf::from(lab.at("mnt"));
    let ledgers = ledgers();
    ledgers.perform(&start(), &path, false).await;
    let completion = ledgers.perform(&write("v", 400), &path, false).await;
    assert!(
        matches!(&completion, Completion::Fail(f) if f.code == Code::NoSpace),
        "{completion:?}"
    );
    tokio::time::sleep(Duration::from_millis(200)).await;
    let report = loaded(ledgers.perform(&stop(), &path, false).await);
    assert!(report.bytes_written > 0, "{report:?}");
    let report = loaded(ledgers.perform(&verify("v"), &path, false).await);
    assert_eq!(report.mismatches_total, 0, "{report:?}");
    assert!(report.bytes_verified > 8 << 20 && report.bytes_verified == report.bytes_in_ledger);
}

#[tokio::test]
async fn loop_writer_keeps_a_volume_busy_and_leaves_room() {
    let Some(mut lab) = Lab::new("ext4", 16 << 20) else { return };
    lab.mount(&["-t", "ext4"], "mnt");
    let path = PathBuf::from(lab.at("mnt"));
    // So slow that between two writes only the file it holds keeps the volume busy.
    let pace = Pace { interval: Duration::from_millis(150), ..Pace::default() };
    let ledgers = Ledgers::new(7, Arc::new(Files)).with_pace(pace);
    let free = Files.free_bytes(&path).unwrap();
    ledgers.perform(&start(), &path, false).await;
    let busy = std::process::Command::new("umount").arg(&path).output().unwrap();
    assert!(!busy.status.success(), "{busy:?}");
    tokio::time::sleep(Duration::from_millis(500)).await;
    loaded(ledgers.perform(&stop(), &path, false).await);
    assert!(Files.free_bytes(&path).unwrap() > free / 2);
    lab.unmount("mnt");
}

/// The image is changed behind the file system's back: only a read that reaches the device sees it.
#[tokio::test]
async fn loop_verification_reads_the_device_and_not_the_cache() {
    let Some(mut lab) = Lab::new("ext4", 32 << 20) else { return };
    lab.mount(&["-t", "ext4"], "mnt");
    let path = PathBuf::from(lab.at("mnt"));
    let ledgers = ledgers();
    loaded(ledgers.perform(&write("v", 8), &path, false).await);
    let report = loaded(ledgers.perform(&verify("v"), &path, false).await);
    assert_eq!(report.mismatches_total, 0);

    run("sync", &["--file-system", &lab.at("mnt")]);
    let image = File::options().read(true).write(true).open(lab.at("image")).unwrap();
    let bytes = std::fs::read(lab.at("image")).unwrap();
    let hit = bytes.chunks(512).position(|sector| sector.starts_with(b"STRETCH1")).unwrap();
    image.write_all_at(b"?", hit as u64 * 512 + 100).unwrap();
    let report = loaded(ledgers.perform(&verify("v"), &path, false).await);
    assert_eq!(report.mismatches_total, 1, "{report:?}");
    assert!(report.mismatches[0].what.contains("garbage"), "{report:?}");
}

#[tokio::test]
async fn loop_block_device_holds_its_first_and_last_bytes() {
    let size = (4 << 20) + 512;
    let Some(lab) = Lab::new("", size) else { return };
    let device = PathBuf::from(lab.device.clone());
    let ledgers = ledgers();
    let end =
        Load::Write { volume: "v".into(), path: at(), bytes: 1, place: Place::End, like: None };
    assert_eq!(Files.device_bytes(&device).unwrap(), size);
    loaded(ledgers.perform(&write("v", 3), &device, true).await);
    loaded(ledgers.perform(&end, &device, true).await);
    let report = loaded(ledgers.perform(&verify("v"), &device, true).await);
    assert_eq!((report.bytes_verified, report.mismatches_total), (4 * LEN, 0));

    lab.resize(8 << 20);
    loaded(ledgers.perform(&end, &device, true).await);
    let report = loaded(ledgers.perform(&verify("v"), &device, true).await);
    assert_eq!((report.bytes_verified, report.mismatches_total), (5 * LEN, 0));

    ledgers.perform(&start(), &device, true).await;
    let full = ledgers.perform(&write("v", 1000), &device, true).await;
    assert!(matches!(&full, Completion::Fail(f) if f.code == Code::NoSpace), "{full:?}");
    loaded(ledgers.perform(&stop(), &device, true).await);
    let report = loaded(ledgers.perform(&verify("v"), &device, true).await);
    assert_eq!(report.mismatches_total, 0, "{:?}", report.mismatches);
}

#[tokio::test]
async fn loop_block_device_that_shrank_is_noticed() {
    let Some(lab) = Lab::new("", 4 << 20) else { return };
    let device = PathBuf::from(lab.device.clone());
    let ledgers = ledgers();
    let end =
        Load::Write { volume: "v".into(), path: at(), bytes: 1, place: Place::End, like: None };
    loaded(ledgers.perform(&end, &device, true).await);
    lab.resize(2 << 20);
    let report = loaded(ledgers.perform(&verify("v"), &device, true).await);
    assert_eq!(report.mismatches[0].what, "unreadable: past the end");
}
