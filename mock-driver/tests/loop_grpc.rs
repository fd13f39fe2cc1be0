//! The whole driver over its socket, on real devices: what a client is told, and what the kernel
//! has. The driver is a process of its own here, so that it can be killed.

#![cfg(feature = "loop")]

mod loop_support;
mod support;

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use csi_stretch_mock::{BackingKind, Dialect, Options, Profile, serve};
use csi_stretch_proto::csi::v1 as csi;
use loop_support::{Lab, device_bytes, may_grow_mounted_ext4, pattern, statvfs_bytes};
use rstest::rstest;
use support::{
    Call, Clients, MIB, Rig, Way, block, code, connect, create, endpoint, expand, from_snapshot,
    from_volume, mount, snap,
};
use tonic::Code;

const SMALL: i64 = 320 * MIB;
const LARGE: i64 = 640 * MIB;
const VICTIM: &str = "LOOP_GRPC_VICTIM";
const KILLS: &str = "LOOP_KILLS";

#[rstest]
#[case::ext4("ext4")]
#[case::xfs("xfs")]
#[case::btrfs("btrfs")]
#[tokio::test(flavor = "multi_thread")]
async fn loop_grpc_a_volume_lives_grows_and_is_restored_larger(#[case] fs_type: &str) {
    if Lab::new().is_none() {
        return;
    }
    let mut rig = Rig::start_on(BackingKind::Loop, "").await;
    let id = rig.c.make(create("v", mount(fs_type), SMALL)).await;
    let way = rig.c.way(&id, mount(fs_type));
    rig.c.bring_up(&way).await;
    let target = Path::new(&way.target).to_owned();
    fs::write(target.join("data"), pattern(1, 1_000_000)).unwrap();
    let usable = statvfs_bytes(&target);

    let reply = rig.c.clone().controller.controller_expand_volume(expand(&id, LARGE)).await;
    assert!(reply.unwrap().into_inner().node_expansion_required);
    assert_eq!(statvfs_bytes(&target), usable, "the controller grew the file system");
    let grown = rig.c.clone().node.node_expand_volume(way.node_expand()).await;
    if fs_type == "ext4" && !may_grow_mounted_ext4() {
        let status = grown.unwrap_err();
        assert_eq!(status.code(), Code::FailedPrecondition);
        assert!(status.message().contains("CAP_SYS_RESOURCE"), "{}", status.message());
        rig.c.take_down(&way).await;
        rig.c.bring_up(&way).await;
    } else {
        assert_eq!(grown.unwrap().into_inner().capacity_bytes, LARGE);
    }
    assert!(statvfs_bytes(&target) > usable + 250 * MIB as u64, "OK without growth");

    // The driver goes and comes: volumes stay in use meanwhile.
    rig.restart().await;
    let again = rig.c.send(Call::NodeExpand(way.node_expand())).await;
    assert_eq!(code(&again), Code::Ok);
    let snapshot = rig.c.clone().controller.create_snapshot(snap("s", &id)).await.unwrap();
    let snapshot = snapshot.into_inner().snapshot.unwrap();
    assert_eq!(snapshot.size_bytes, LARGE);
    for (name, source) in
        [("restored", from_snapshot(&snapshot.snapshot_id)), ("cloned", from_volume(&id))]
    {
        let mut request = create(name, mount(fs_type), 2 * LARGE);
        request.volume_content_source = source;
        let copy = rig.c.make(request).await;
        let copy = rig.c.way(&copy, mount(fs_type));
        rig.c.bring_up(&copy).await;
        let copy = Path::new(&copy.target);
        assert!(statvfs_bytes(copy) > usable + 900 * MIB as u64, "{name} is not larger");
        assert!(fs::read(copy.join("data")).unwrap() == pattern(1, 1_000_000), "{name} differs");
    }
    let folder = rig.folder.path().to_owned();
    // Everything is still mounted: removing it all is the driver's own work.
    rig.clear().await;
    assert_eq!(loop_support::traces(&folder), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn loop_grpc_a_block_volume_grows_under_its_user() {
    if Lab::new().is_none() {
        return;
    }
    let rig = Rig::start_on(BackingKind::Loop, "").await;
    let id = rig.c.make(create("v", block(), 16 * MIB)).await;
    let way = rig.c.way(&id, block());
    rig.c.bring_up(&way).await;
    let target = Path::new(&way.target);
    fs::write(target, pattern(2, 16 << 20)).unwrap();
    rig.c.send(Call::Expand(expand(&id, 64 * MIB))).await.unwrap();
    rig.c.send(Call::NodeExpand(way.node_expand())).await.unwrap();
    assert_eq!(device_bytes(target), 64 << 20);
    assert!(fs::read(target).unwrap()[..16 << 20] == pattern(2, 16 << 20), "content changed");
    rig.c.take_down(&way).await;
    let delete = csi::DeleteVolumeRequest { volume_id: id, ..Default::default() };
    rig.c.send(Call::Delete(delete)).await.unwrap();
    assert_eq!(loop_support::traces(rig.folder.path()), Vec::<String>::new());
    rig.clear().await;
}

/// Not a test of its own: the driver that gets killed.
#[tokio::test(flavor = "multi_thread")]
async fn loop_grpc_victim() {
    let Ok(folder) = std::env::var(VICTIM) else { return };
    let options = Options {
        listen: endpoint(Path::new(&folder)),
        state_dir: Path::new(&folder).join("state"),
        backing: BackingKind::Loop,
        dialect: Dialect::V1,
        profile: Profile::default(),
        tls: None,
        remove_on_exit: false,
        defect: None,
    };
    serve(options, std::future::pending()).await.unwrap();
}

fn start(folder: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "loop_grpc_victim", "--nocapture"])
        .env(VICTIM, folder)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

#[rstest]
#[case::ext4("ext4", 11)]
#[case::xfs("xfs", 12)]
#[case::btrfs("btrfs", 13)]
#[tokio::test(flavor = "multi_thread")]
async fn loop_grpc_a_killed_driver_is_retried_until_all_is_done(
    #[case] fs_type: &str,
    #[case] seed: u64,
) {
    let Some(lab) = Lab::new() else { return };
    let folder = lab.dir.path();
    let lives: u64 =
        std::env::var(KILLS).map_or(1, |text| text.parse::<u64>().unwrap().div_ceil(6));
    let mut driver = Driver { child: start(folder), seed, kills: 0 };
    for life in 0..lives {
        let name = format!("v{life}");
        let mut c = connect(folder).await;
        let request = create(&name, mount(fs_type), SMALL);
        driver.insist(folder, &mut c, &Call::Create(request.clone())).await;
        let id = c.make(request).await;
        let way = c.way(&id, mount(fs_type));
        let target = Path::new(&way.target).to_owned();
        for call in way.up() {
            driver.insist(folder, &mut c, &call).await;
        }
        fs::write(target.join("data"), pattern(4, 500_000)).unwrap();
        driver.insist(folder, &mut c, &Call::Expand(expand(&id, LARGE))).await;
        let calls = match fs_type {
            "ext4" => way.down().into_iter().chain(way.up()).collect(),
            _ => vec![Call::NodeExpand(way.node_expand())],
        };
        for call in &calls {
            driver.insist(folder, &mut c, call).await;
        }
        assert!(statvfs_bytes(&target) > SMALL as u64 + 200 * MIB as u64, "not grown");
        assert!(fs::read(target.join("data")).unwrap() == pattern(4, 500_000), "content changed");
        let copied = copy_and_back(folder, &mut c, &mut driver, &way, fs_type).await;
        assert!(copied == pattern(4, 500_000), "the copy differs");
        for call in way.down() {
            driver.insist(folder, &mut c, &call).await;
        }
        let delete = csi::DeleteVolumeRequest { volume_id: id, ..Default::default() };
        driver.insist(folder, &mut c, &Call::Delete(delete)).await;
        assert_eq!(lab.traces(), Vec::<String>::new(), "life {life}");
    }
    println!("{fs_type}: {} kills in {lives} lives", driver.kills);
    assert!(driver.kills > 0, "no call was ever interrupted");
    driver.child.kill().unwrap();
    driver.child.wait().unwrap();
}

/// Clones a volume to a larger one, reads the data there, and deletes it again.
async fn copy_and_back(
    folder: &Path,
    c: &mut Clients,
    driver: &mut Driver,
    of: &Way,
    fs_type: &str,
) -> Vec<u8> {
    let mut request = create(&format!("copy-of-{}", of.id), mount(fs_type), 2 * LARGE);
    request.volume_content_source = from_volume(&of.id);
    driver.insist(folder, c, &Call::Create(request.clone())).await;
    let id = c.make(request).await;
    let copy = c.way(&id, mount(fs_type));
    for call in copy.up() {
        driver.insist(folder, c, &call).await;
    }
    let data = fs::read(Path::new(&copy.target).join("data")).unwrap();
    for call in copy.down() {
        driver.insist(folder, c, &call).await;
    }
    let delete = csi::DeleteVolumeRequest { volume_id: id, ..Default::default() };
    driver.insist(folder, c, &Call::Delete(delete)).await;
    data
}

struct Driver {
    child: Child,
    seed: u64,
    kills: u32,
}

impl Driver {
    /// Sends a call, kills the driver in the middle of it once, starts it again and retries.
    async fn insist(&mut self, folder: &Path, c: &mut Clients, call: &Call) {
        let (busy, sent) = (c.clone(), call.clone());
        let flight = tokio::spawn(async move { busy.send(sent).await });
        tokio::time::sleep(Duration::from_millis(self.random() % 60)).await;
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        match flight.await.unwrap() {
            Ok(()) => {}
            Err(status) => {
                self.kills += 1;
                let gone =
                    matches!(status.code(), Code::Unavailable | Code::Unknown | Code::Cancelled);
                assert!(gone, "{call:?}: {status}");
            }
        }
        self.child = start(folder);
        *c = connect(folder).await;
        let retried = c.send(call.clone()).await;
        assert!(retried.is_ok(), "{call:?} after a kill: {retried:?}");
    }

    fn random(&mut self) -> u64 {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(99_991);
        self.seed >> 33
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
