//! The control client against a node made of one map, with the workload on top of it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use csi_stretch_oracle::action::{Load, PathRef, Place};
use tempfile::TempDir;
use tokio::net::UnixListener;
use tokio_stream::wrappers::UnixListenerStream;
use tonic::{Request, Response, Status};

use super::*;
use crate::{
    client::channel::{Options, connect},
    workload::{Ledgers, Workload},
};

const SIZE: usize = 1 << 20;

/// Files by name; every path but `/gone` shows a volume of [`SIZE`] bytes.
#[derive(Clone, Default)]
struct Node(Arc<Mutex<HashMap<String, Vec<u8>>>>);

fn known(path: &str) -> Result<(), Status> {
    if path == "/gone" { Err(Status::not_found("nothing is mounted here")) } else { Ok(()) }
}

#[tonic::async_trait]
impl control::control_server::Control for Node {
    async fn observe(
        &self,
        request: Request<control::ObserveRequest>,
    ) -> Result<Response<control::ObserveResponse>, Status> {
        let path = request.into_inner().path;
        known(&path)?;
        let block = path == "/block";
        let or_zero = |bytes: i64| if block { 0 } else { bytes };
        Ok(Response::new(control::ObserveResponse {
            device_bytes: SIZE as i64,
            fs_type: if block { String::new() } else { "xfs".into() },
            fs_bytes: or_zero(1000 << 10),
            total_bytes: or_zero(900 << 10),
            available_bytes: or_zero(800 << 10),
            read_only: false,
            device_id: "mem-1".into(),
        }))
    }

    async fn write(
        &self,
        request: Request<control::WriteRequest>,
    ) -> Result<Response<control::WriteResponse>, Status> {
        let asked = request.into_inner();
        known(&asked.path)?;
        let end = asked.offset as usize + asked.data.len();
        if end > SIZE {
            return Err(Status::resource_exhausted("no room"));
        }
        let mut files = self.0.lock().unwrap();
        let file = files.entry(asked.file).or_default();
        file.resize(file.len().max(end), 0);
        file[asked.offset as usize..end].copy_from_slice(&asked.data);
        Ok(Response::new(control::WriteResponse {}))
    }

    async fn read(
        &self,
        request: Request<control::ReadRequest>,
    ) -> Result<Response<control::ReadResponse>, Status> {
        let asked = request.into_inner();
        let files = self.0.lock().unwrap();
        let file = files.get(&asked.file).ok_or_else(|| Status::not_found("no such file"))?;
        let range = asked.offset as usize..(asked.offset + asked.length) as usize;
        let data = file.get(range).ok_or_else(|| Status::out_of_range("past the end"))?.to_vec();
        Ok(Response::new(control::ReadResponse { data }))
    }
}

async fn lab() -> (TempDir, Node, Control) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("control.sock");
    let incoming = UnixListenerStream::new(UnixListener::bind(&path).unwrap());
    let node = Node::default();
    let service = control::control_server::ControlServer::new(node.clone());
    let server = tonic::transport::Server::builder().add_service(service);
    tokio::spawn(server.serve_with_incoming(incoming));
    let endpoint = path.display().to_string();
    let channel = connect(&endpoint, &Options::default(), Duration::from_secs(5)).await.unwrap();
    (dir, node, Control::new(channel))
}

#[tokio::test]
async fn the_simulated_node_is_observed_like_a_real_one() {
    let (_dir, _node, control) = lab().await;
    let mounted = control.observe(Path::new("/mnt")).await;
    let seen = mounted.observation().unwrap();
    assert_eq!((seen.device_bytes, seen.device.as_deref()), (Some(SIZE as u64), Some("mem-1")));
    let fs = seen.fs.as_ref().unwrap();
    assert_eq!((fs.kind.as_str(), fs.bytes, fs.slack_bytes), ("xfs", 1000 << 10, 0));
    assert_eq!(seen.statfs.as_ref().unwrap().available_bytes, 800 << 10);

    let block = control.observe(Path::new("/block")).await;
    let seen = block.observation().unwrap();
    assert!(seen.fs.is_none() && seen.statfs.is_none() && seen.device_bytes.is_some(), "{seen:?}");

    let gone = control.observe(Path::new("/gone")).await;
    assert_eq!(gone.code(), Code::Unobservable);
    assert!(format!("{gone:?}").contains("nothing is mounted here"), "{gone:?}");
}

fn write(bytes: u64, place: Place) -> Load {
    Load::Write { volume: "v".into(), path: PathRef::Target(0), bytes, place, like: None }
}

#[tokio::test]
async fn the_workload_runs_on_the_simulated_node() {
    let (_dir, node, control) = lab().await;
    let ledgers = Ledgers::new(1, Arc::new(control));
    let verify = Load::Verify { volume: "v".into(), path: PathRef::Target(0) };
    let start = Load::Start { volume: "v".into(), path: PathRef::Target(0) };
    let path = Path::new("/mnt");
    let done = ledgers.perform(&write(128 << 10, Place::Append), path, false).await;
    assert_eq!(done.code(), Code::Ok, "{done:?}");
    assert_eq!(ledgers.perform(&start, path, false).await.code(), Code::Ok);
    tokio::time::sleep(Duration::from_millis(100)).await;
    let stopped = ledgers.perform(&Load::Stop { volume: "v".into() }, path, false).await;
    assert_eq!(stopped.code(), Code::Ok, "{stopped:?}");
    let full = ledgers.perform(&write(2 << 20, Place::Append), path, false).await;
    assert_eq!(full.code(), Code::NoSpace, "{full:?}");
    let gone = ledgers.perform(&write(1, Place::Append), Path::new("/gone"), false).await;
    assert_eq!(gone.code(), Code::Io, "{gone:?}");

    let clean = ledgers.perform(&verify, path, false).await;
    assert!(
        matches!(&clean, Completion::Ok(Outcome::Loaded(r)) if r.mismatches_total == 0
        && r.bytes_verified > 128 << 10),
        "{clean:?}"
    );
    node.0.lock().unwrap().get_mut("stretch-ledger-0.dat").unwrap()[70_000] ^= 1;
    let hurt = ledgers.perform(&verify, path, false).await;
    assert!(
        matches!(&hurt, Completion::Ok(Outcome::Loaded(r)) if r.mismatches_total == 1
        && r.mismatches[0].offset == 70_000 / 512 * 512),
        "{hurt:?}"
    );
}

#[tokio::test]
async fn the_end_of_a_simulated_device_is_its_end() {
    let (_dir, node, control) = lab().await;
    let ledgers = Ledgers::new(1, Arc::new(control));
    let done = ledgers.perform(&write(1, Place::End), Path::new("/block"), true).await;
    assert_eq!(done.code(), Code::Ok, "{done:?}");
    assert_eq!(node.0.lock().unwrap()[""].len(), SIZE);
}

#[tokio::test]
async fn a_driver_without_the_service_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("none.sock");
    let incoming = UnixListenerStream::new(UnixListener::bind(&path).unwrap());
    let router = tonic::transport::Server::builder().add_routes(tonic::service::Routes::default());
    tokio::spawn(router.serve_with_incoming(incoming));
    let endpoint = path.display().to_string();
    let control = Control::new(
        connect(&endpoint, &Options::default(), Duration::from_secs(5)).await.unwrap(),
    );
    let completion = control.observe(Path::new("/mnt")).await;
    assert_eq!(completion.code(), Code::Unobservable, "{completion:?}");
}
