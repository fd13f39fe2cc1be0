//! From options to a serving driver, and to its end.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use nix::fcntl::{Flock, FlockArg};
use tracing::{info, warn};

use crate::{
    backing::{Backing, BackingError, memory::MemoryBacking},
    defect::{Defect, Flaw, Flawed, Sound},
    driver::Driver,
    listen::{ListenError, bind},
    profile::{Profile, ProfileError},
    router::router,
    rpc::Services,
    state::{self, Durability, Store},
    tls::Tls,
};

/// How long calls in flight may take to end after the shutdown signal.
const GRACE: Duration = Duration::from_secs(5);

/// What a driver is started with.
#[derive(Debug, Clone)]
pub struct Options {
    /// `unix:///path`, `unix:path`, `unix-abstract:NAME` or `tcp://host:port`.
    pub listen: String,
    /// Encrypts connections; for `tcp://`.
    pub tls: Option<Tls>,
    /// Where records and volumes live; one driver at a time.
    pub state_dir: PathBuf,
    /// What volumes are made of.
    pub backing: BackingKind,
    /// The CSI that it speaks.
    pub dialect: Dialect,
    /// What the driver declares and how it behaves.
    pub profile: Profile,
    /// Whether everything it made (mounts, devices, files) is removed at the end. A driver
    /// normally leaves it all in place, for its next start.
    pub remove_on_exit: bool,
    /// What it does wrong.
    pub defect: Option<&'static Defect>,
}

/// What volumes are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum BackingKind {
    /// Sparse files on real loop devices, with real file systems; needs root
    Loop,
    /// A simulation that needs nothing; sizes, contents and mounts are data
    Memory,
}

/// A CSI that people have spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Dialect {
    /// csi.v0: CSI 0.3, and the resize calls of 2018
    V0,
    /// csi.v1: CSI 1.12
    V1,
}

/// Why a driver did not start or ended badly.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The socket or port cannot be used.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The profile contradicts itself or CSI.
    #[error("profile: {0}")]
    Profile(#[from] ProfileError),
    /// The state folder cannot be used.
    #[error("state folder {}: {source}", path.display())]
    State {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it.
        source: io::Error,
    },
    /// Another driver works in the state folder.
    #[error("state folder {} is in use by another driver: give another --state-dir", .0.display())]
    StateInUse(PathBuf),
    /// The backing cannot work here.
    #[error("{0}")]
    Backing(#[from] BackingError),
    /// The crate was built without the backing.
    #[error("built without the loop backing: build with the feature `loop`, or use `memory`")]
    NoLoop,
    /// Records and reality could not be brought together.
    #[error("cannot recover: {0}")]
    Recover(String),
    /// The gRPC server failed.
    #[error("server: {}", reason(.0))]
    Transport(#[from] tonic::transport::Error),
    /// TLS without a network.
    #[error("TLS is for tcp://host:port, and {0} is none: leave out --tls-cert")]
    NoTlsThere(String),
    /// A file of TLS cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    TlsFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: io::Error,
    },
    /// What reflection tells of the services makes no sense.
    #[error("reflection: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// `remove_on_exit` could not remove everything.
    #[error("left behind: {}", .0.join("; "))]
    LeftBehind(Vec<String>),
}

/// Serves a driver until `shutdown` completes. The socket accepts connections only when the
/// records agree with the backing, so a driver that answers is ready.
pub async fn serve(options: Options, shutdown: impl Future<Output = ()>) -> Result<(), ServeError> {
    let flaw = options.defect.map_or_else(|| Arc::new(Sound) as Arc<dyn Flaw>, Defect::flaw);
    let mut profile = options.profile.clone();
    flaw.profile(&mut profile);
    profile.check()?;
    if options.backing == BackingKind::Loop {
        profile.check_for_devices()?;
    }
    if options.tls.is_some() && !options.listen.starts_with("tcp://") {
        return Err(ServeError::NoTlsThere(options.listen));
    }
    let lock = lock_state(&options.state_dir)?;
    let (backing, durability) = open_backing(options.backing, &options.state_dir)?;
    let store = Store::open(&options.state_dir, durability)
        .map_err(|source| ServeError::State { path: options.state_dir.clone(), source })?;
    let backing = Box::new(Flawed { good: backing, flaw: Arc::clone(&flaw) });
    let started = tokio::task::spawn_blocking(move || Driver::start(profile, store, backing)).await;
    let driver = started
        .map_err(|e| ServeError::Recover(e.to_string()))?
        .map_err(|status| ServeError::Recover(status.message().to_owned()))?;
    let driver = Arc::new(driver);

    // What may wait: a slow profile, a defect that hangs on purpose, loop devices and their tools.
    let quick = options.defect.is_none() && driver.profile().latency.is_empty();
    let at_once = quick && options.backing == BackingKind::Memory;
    let services = Services::new(Arc::clone(&driver), flaw, at_once);
    let result = answer(&options, services, shutdown).await;
    let cleared =
        if options.remove_on_exit { clear(driver, &options.state_dir).await } else { Ok(()) };
    drop(lock);
    result.and(cleared)
}

/// Answers calls until `shutdown`, then lets the calls in flight end.
async fn answer(
    options: &Options,
    services: Services,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let tls = options.tls.as_ref().map(Tls::load).transpose()?;
    let router = router(&services, options.dialect, tls).await?;
    let incoming = bind(&options.listen).await?;
    info!(listen = %incoming.address(), "driver is ready");
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let stopped = async {
        // An error means that the sender is gone, which is a stop as well.
        let _ = stopped.await;
    };
    let guard = incoming.socket_guard();
    let mut server = tokio::spawn(incoming.serve(router, stopped));
    let ended = tokio::select! {
        ended = &mut server => Some(ended),
        () = shutdown => None,
    };
    drop(stop);
    let ended = match ended {
        Some(ended) => Some(ended),
        None => tokio::time::timeout(GRACE, &mut server).await.ok(),
    };
    drop(guard);
    let Some(ended) = ended else {
        warn!("calls are still in flight; they are carried through, but not answered");
        server.abort();
        return Ok(());
    };
    Ok(ended.map_err(|panic| ServeError::Recover(panic.to_string()))??)
}

/// Takes the state folder for this process; the kernel frees it however the process ends.
fn lock_state(folder: &Path) -> Result<Flock<File>, ServeError> {
    let state = |source| ServeError::State { path: folder.into(), source };
    std::fs::create_dir_all(folder).map_err(state)?;
    let file = File::create(folder.join("lock")).map_err(state)?;
    Flock::lock(file, FlockArg::LockExclusiveNonblock)
        .map_err(|_| ServeError::StateInUse(folder.into()))
}

fn open_backing(
    kind: BackingKind,
    folder: &Path,
) -> Result<(Box<dyn Backing>, Durability), ServeError> {
    match kind {
        BackingKind::Memory => {
            Ok((Box::new(MemoryBacking::open(&folder.join("memory"))?), Durability::Process))
        }
        #[cfg(feature = "loop")]
        BackingKind::Loop => {
            let backing = crate::backing::loops::LoopBacking::open(&folder.join("loop"))?;
            Ok((Box::new(backing), Durability::Machine))
        }
        #[cfg(not(feature = "loop"))]
        BackingKind::Loop => Err(ServeError::NoLoop),
    }
}

/// Removes everything that the driver made.
async fn clear(driver: Arc<Driver>, folder: &Path) -> Result<(), ServeError> {
    let removed = tokio::task::spawn_blocking(move || driver.remove_all()).await;
    let left = removed.map_err(|e| ServeError::Recover(e.to_string()))?;
    if !left.is_empty() {
        return Err(ServeError::LeftBehind(left));
    }
    let state = |source| ServeError::State { path: folder.into(), source };
    for ours in [state::FOLDER, "memory", "loop"] {
        match std::fs::remove_dir_all(folder.join(ours)) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(state(e)),
            _ => {}
        }
    }
    std::fs::remove_file(folder.join("lock")).map_err(state)?;
    // The folder may hold things that are not ours; then it stays.
    let _ = std::fs::remove_dir(folder);
    Ok(())
}

/// The innermost reason; the outer ones say no more than that there is one.
fn reason(error: &tonic::transport::Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
