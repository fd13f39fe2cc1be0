//! Endpoints: where the driver listens.

use std::{
    io,
    os::unix::fs::FileTypeExt,
    path::{Path, PathBuf},
};

use tokio::net::{TcpListener, UnixListener, UnixStream};
use tokio_stream::wrappers::{TcpListenerStream, UnixListenerStream};
use tonic::transport::server::Router;

/// A bound endpoint.
#[derive(Debug)]
pub enum Incoming {
    /// A UNIX domain socket.
    Unix {
        /// Its connections.
        stream: UnixListenerStream,
        /// Its file.
        path: PathBuf,
    },
    /// A UNIX domain socket with a name and no file.
    Abstract {
        /// Its connections.
        stream: UnixListenerStream,
        /// Its name.
        name: String,
    },
    /// A TCP port, for tests; CSI itself wants UNIX domain sockets.
    Tcp {
        /// Its connections.
        stream: TcpListenerStream,
        /// Where it listens, the port chosen if 0 was asked for.
        address: String,
    },
}

/// Why an endpoint cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Not the form of an endpoint.
    #[error(
        "`{0}` is no endpoint: write unix:///path, unix:path, unix-abstract:NAME or tcp://host:port"
    )]
    Form(String),
    /// A driver answers there already.
    #[error("a driver already listens on {}", .0.display())]
    Live(PathBuf),
    /// Something that is no socket is in the way.
    #[error("{} exists and is no socket", .0.display())]
    NoSocket(PathBuf),
    /// The kernel refuses.
    #[error("cannot listen on {endpoint}: {source}")]
    Bind {
        /// The endpoint as given.
        endpoint: String,
        /// What the kernel said.
        source: io::Error,
    },
}

/// Removes the socket's file when dropped.
#[derive(Debug)]
pub struct SocketGuard(PathBuf);

impl Drop for SocketGuard {
    fn drop(&mut self) {
        // Gone already is as good.
        let _ = std::fs::remove_file(&self.0);
    }
}

impl Incoming {
    /// The endpoint in the form that a client takes.
    pub fn address(&self) -> String {
        match self {
            Self::Unix { path, .. } => format!("unix:{}", path.display()),
            Self::Abstract { name, .. } => format!("unix-abstract:{name}"),
            Self::Tcp { address, .. } => format!("tcp://{address}"),
        }
    }

    /// Serves until `stopped`, and lets the calls in flight end.
    pub async fn serve(
        self,
        router: Router,
        stopped: impl Future<Output = ()>,
    ) -> Result<(), tonic::transport::Error> {
        match self {
            Self::Unix { stream, .. } | Self::Abstract { stream, .. } => {
                router.serve_with_incoming_shutdown(stream, stopped).await
            }
            Self::Tcp { stream, .. } => router.serve_with_incoming_shutdown(stream, stopped).await,
        }
    }

    /// What removes the socket's file at the end.
    pub fn socket_guard(&self) -> Option<SocketGuard> {
        match self {
            Self::Unix { path, .. } => Some(SocketGuard(path.clone())),
            Self::Abstract { .. } | Self::Tcp { .. } => None,
        }
    }
}

/// Listens on an endpoint. A socket file that nobody answers on any more is replaced.
pub async fn bind(endpoint: &str) -> Result<Incoming, ListenError> {
    let fault = |source| ListenError::Bind { endpoint: endpoint.into(), source };
    if let Some(address) = endpoint.strip_prefix("tcp://") {
        let listener = TcpListener::bind(address).await.map_err(fault)?;
        let address = listener.local_addr().map_err(fault)?.to_string();
        return Ok(Incoming::Tcp { stream: TcpListenerStream::new(listener), address });
    }
    let form = || ListenError::Form(endpoint.into());
    let unix = endpoint.strip_prefix("unix://").or_else(|| endpoint.strip_prefix("unix:"));
    let name = endpoint
        .strip_prefix("unix-abstract:")
        .or_else(|| unix.and_then(|path| path.strip_prefix('@')));
    if let Some(name) = name {
        if name.is_empty() {
            return Err(form());
        }
        // A leading NUL is the kernel's mark of such a name.
        let listener = UnixListener::bind(format!("\0{name}")).map_err(fault)?;
        return Ok(Incoming::Abstract {
            stream: UnixListenerStream::new(listener),
            name: name.to_owned(),
        });
    }
    let path = PathBuf::from(unix.filter(|path| !path.is_empty()).ok_or_else(form)?);
    clear_stale(&path).await?;
    let listener = UnixListener::bind(&path).map_err(fault)?;
    Ok(Incoming::Unix { stream: UnixListenerStream::new(listener), path })
}

async fn clear_stale(path: &Path) -> Result<(), ListenError> {
    let Ok(found) = std::fs::symlink_metadata(path) else { return Ok(()) };
    if !found.file_type().is_socket() {
        return Err(ListenError::NoSocket(path.into()));
    }
    match UnixStream::connect(path).await {
        Err(e) if e.kind() == io::ErrorKind::ConnectionRefused => std::fs::remove_file(path)
            .map_err(|source| ListenError::Bind { endpoint: path.display().to_string(), source }),
        // Also when it cannot be asked: only a socket known to be dead is removed.
        _ => Err(ListenError::Live(path.into())),
    }
}
