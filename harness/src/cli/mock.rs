//! `csi-stretch mock`: serves the reference driver until SIGINT or SIGTERM.

use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::{EnvFilter, fmt, prelude::*};

use super::{
    Exit,
    outcome::{Failure, Outcome},
};

#[derive(Debug, clap::Args)]
#[group(skip)]
pub struct Args {
    #[command(flatten)]
    mock: csi_stretch_mock::Args,
    /// Log as JSON lines (level by RUST_LOG, default info).
    #[arg(long)]
    log_json: bool,
}

pub fn main(args: Args) -> Outcome {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let layer = fmt::layer().with_writer(std::io::stderr);
    let layer = if args.log_json { layer.json().boxed() } else { layer.with_ansi(false).boxed() };
    tracing_subscriber::registry().with(filter).with(layer).init();
    let options = args.mock.into_options().map_err(Failure::usage)?;
    // One thread answers; calls that wait for something have threads of their own.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::internal)?;
    runtime
        .block_on(async {
            let mut interrupt = signal(SignalKind::interrupt())?;
            let mut terminate = signal(SignalKind::terminate())?;
            let shutdown = async move {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
            };
            csi_stretch_mock::serve(options, shutdown).await.map_err(std::io::Error::other)
        })
        .map_err(Failure::lab)?;
    Ok(Exit::Passed)
}
