//! `csi-stretch flex-adapter`: serves a FlexVolume driver as a CSI v1 driver until SIGINT or SIGTERM.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::{EnvFilter, fmt, prelude::*};

use super::{
    Exit,
    outcome::{Failure, Outcome},
};
use crate::{
    adapter::Adapter,
    client::flexvolume::{ExecError, Trouble},
};

/// How long calls in flight may take to end.
const GRACE: Duration = Duration::from_secs(5);

/// The longest name of a plugin that CSI allows, bytes.
const NAME_MAX: usize = 63;

#[derive(Debug, clap::Args)]
#[group(skip)]
pub struct Args {
    /// The driver's executable.
    #[arg(long, value_name = "PATH")]
    driver: PathBuf,
    /// Where to listen: unix:///path, unix-abstract:NAME or tcp://host:port.
    #[arg(long, value_name = "ENDPOINT", env = "CSI_ENDPOINT")]
    listen: String,
    /// Name of the CSI driver, as a domain: flex.example.org.
    #[arg(long, value_name = "NAME", value_parser = name)]
    name: String,
    /// Id of this node.
    #[arg(long, value_name = "ID", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    node_id: String,
    /// Longest wait for one answer of the driver; then it is killed.
    #[arg(long, value_name = "TIME", default_value = "2m", value_parser = humantime::parse_duration)]
    deadline: Duration,
}

pub fn main(args: Args) -> Outcome {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let layer = fmt::layer().with_writer(std::io::stderr).with_ansi(false);
    tracing_subscriber::registry().with(filter).with(layer).init();
    // One thread: it waits for the driver's processes, which end with the thread that starts them.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::internal)?;
    runtime.block_on(serve(args))
}

async fn serve(args: Args) -> Outcome {
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Failure::internal)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(Failure::internal)?;
    let adapter =
        Adapter::start(&args.driver, BTreeMap::new(), args.deadline, args.name, args.node_id)
            .await
            .map_err(|trouble| not_started(&trouble))?;
    let incoming = csi_stretch_mock::bind(&args.listen).await.map_err(Failure::lab)?;
    let _guard = incoming.socket_guard();
    tracing::info!(listen = %incoming.address(), "the adapter is ready");
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    // An error means that the sender is gone, which is a stop as well.
    let stopped = async move { drop(stopped.await) };
    let mut server = tokio::spawn(incoming.serve(adapter.router(), stopped));
    let ended = tokio::select! {
        ended = &mut server => ended,
        () = async {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        } => {
            drop(stop);
            match tokio::time::timeout(GRACE, server).await {
                Ok(ended) => ended,
                Err(_) => return Ok(Exit::Passed),
            }
        }
    };
    ended.map_err(Failure::internal)?.map_err(Failure::lab)?;
    Ok(Exit::Passed)
}

/// A wrong path is the command line's fault, anything else the driver's or the host's.
fn not_started(trouble: &Trouble) -> Failure {
    match trouble {
        Trouble::Exec(ExecError::Missing(_) | ExecError::NotExecutable { .. }) => {
            Failure::usage(format!("--driver: {trouble}"))
        }
        _ => Failure::lab(format!("init of the FlexVolume driver: {trouble}")),
    }
}

/// CSI's rule for the name of a plugin.
fn name(text: &str) -> Result<String, String> {
    let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let inner = text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.'));
    if text.len() <= NAME_MAX && inner && ends(text.chars().next()) && ends(text.chars().last()) {
        return Ok(text.to_owned());
    }
    Err(format!(
        "letters, digits, dots and dashes, {NAME_MAX} at most, that begin and end with a letter or \
         digit: flex.example.org"
    ))
}
