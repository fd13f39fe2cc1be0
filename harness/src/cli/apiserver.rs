//! `apiserver`: a Kubernetes API server for storage sidecars, over the simulator's objects.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use serde_json::json;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};

use super::{
    Exit,
    outcome::{Failure, Outcome, print},
};
use crate::apiserver::{Journal, Shared, cluster::Cluster, objects, serve};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Serves persistentvolumes, persistentvolumeclaims, pods, nodes, events, csinodes, csidrivers,
storageclasses and volumeattachments over HTTP, without users or TLS: for tests on one machine.
Point csi-provisioner, csi-attacher, csi-resizer or kubectl at it with --kubeconfig.")]
pub struct Args {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// YAML of the objects that there are at the beginning
    #[arg(long, value_name = "FILE")]
    objects: Option<PathBuf>,
    /// Write a line of JSON here for each request
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// Write a kubeconfig here that names this server, once it listens
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
}

pub fn main(args: &Args) -> Outcome {
    let mut cluster = Cluster::default();
    if let Some(path) = &args.objects {
        let told = |error: &dyn std::fmt::Display| {
            Failure::usage(format!("--objects {}: {error}", path.display()))
        };
        let text = fs::read_to_string(path).map_err(|error| told(&error))?;
        objects::load(&mut cluster, &text).map_err(|error| told(&error))?;
    }
    let journal = args.log.as_deref().map(|path| {
        let told = |error| Failure::usage(format!("--log {}: {error}", path.display()));
        Journal::create(path).map_err(told)
    });
    let shared = Shared::new(cluster, journal.transpose()?);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(Failure::internal)?;
    runtime.block_on(async {
        let cannot = |error| Failure::usage(format!("cannot listen on {}: {error}", args.listen));
        let listener = TcpListener::bind(args.listen).await.map_err(cannot)?;
        let url = format!("http://{}", listener.local_addr().map_err(cannot)?);
        if let Some(path) = &args.kubeconfig {
            write_kubeconfig(path, &url)?;
        }
        print(&format!("{url}\n"))?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(Failure::internal)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(Failure::internal)?;
        tokio::select! {
            ended = serve(listener, shared) => ended.map_err(Failure::lab)?,
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        Ok(Exit::Passed)
    })
}

/// JSON is YAML, too.
fn write_kubeconfig(path: &Path, url: &str) -> Result<(), Failure> {
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{ "name": "csi-stretch", "cluster": { "server": url } }],
        "users": [{ "name": "anybody", "user": {} }],
        "contexts": [{
            "name": "csi-stretch",
            "context": { "cluster": "csi-stretch", "user": "anybody" },
        }],
        "current-context": "csi-stretch",
    });
    fs::write(path, format!("{config:#}\n"))
        .map_err(|error| Failure::usage(format!("--kubeconfig {}: {error}", path.display())))
}
