//! Why there is no connection: one sentence that says what is wrong and what to do.

use std::{error::Error, io, path::PathBuf, time::Duration};

use super::address::{Address, UNIX_PATH_BYTES_MAX};

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Not an address.
    #[error(
        "cannot read endpoint `{0}`: write unix:///path/csi.sock, /path/csi.sock, \
         unix-abstract:NAME or tcp://host:port"
    )]
    Syntax(String),
    /// Windows.
    #[error(
        "`{0}` is a named pipe of Windows, which csi-stretch cannot open: it runs on Linux; let \
         the driver listen on tcp://host:port"
    )]
    Pipe(String),
    /// The kernel would refuse the path.
    #[error(
        "socket path {0:?} has {bytes} bytes and the kernel takes {UNIX_PATH_BYTES_MAX}: use a \
         shorter path or a symbolic link",
        bytes = .0.as_os_str().len()
    )]
    LongPath(PathBuf),
    /// Nothing there.
    #[error("no socket at {0:?}: start the driver first, or correct the endpoint")]
    Missing(PathBuf),
    /// A file, but no socket.
    #[error("{0:?} is not a socket: correct the endpoint")]
    NotASocket(PathBuf),
    /// A socket or port without a server.
    #[error(
        "nobody listens at {0}: the driver is not running, or left its socket behind when it died"
    )]
    Refused(String),
    /// Not for this user.
    #[error("may not open {0}: run as root, or as a user who may write to the socket")]
    Permission(String),
    /// No answer.
    #[error(
        "no connection to {endpoint} within {timeout:?}: is the driver alive, the address right?"
    )]
    Timeout {
        /// As given.
        endpoint: String,
        /// How long it was tried.
        timeout: Duration,
    },
    /// No agreement on TLS.
    #[error("no TLS with {endpoint}: {why}{hint}")]
    Tls {
        /// As given.
        endpoint: String,
        /// The library's words.
        why: String,
        /// What to look at.
        hint: &'static str,
    },
    /// TLS where there is none.
    #[error("TLS is for tcp://host:port, and {0} is a socket of this machine: leave out TLS")]
    NoTlsThere(String),
    /// Certificates or keys that are none.
    #[error("the files of TLS cannot be used: {0}")]
    TlsFiles(String),
    /// A token that anybody could read on its way.
    #[error(
        "a bearer token would cross the network in the open to {0}: use TLS (--tls-ca), or an \
         address of this machine"
    )]
    TokenInTheOpen(String),
    /// Not metadata of gRPC.
    #[error("the metadata `{0}` cannot be sent: its name is lower-case ASCII, its value printable")]
    Metadata(String),
    /// Anything else.
    #[error("cannot connect to {endpoint}: {why}")]
    Other {
        /// As given.
        endpoint: String,
        /// The kernel's or resolver's words.
        why: String,
    },
}

impl ConnectError {
    /// The address or the settings are wrong, whatever the driver does.
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::Syntax(_)
                | Self::Pipe(_)
                | Self::NoTlsThere(_)
                | Self::TlsFiles(_)
                | Self::TokenInTheOpen(_)
                | Self::Metadata(_)
        )
    }

    /// Puts a transport's error into words. `tls`: the connection was to be encrypted.
    pub(super) fn explain(
        endpoint: &str,
        address: &Address,
        tls: bool,
        timeout: Duration,
        error: &(dyn Error + 'static),
    ) -> Self {
        let chain =
            std::iter::successors(Some(error), |&error: &&(dyn Error + 'static)| error.source());
        let kind = chain.clone().find_map(|e| e.downcast_ref::<io::Error>()).map(io::Error::kind);
        let why = chain.last().map_or_else(String::new, ToString::to_string);
        let why = crate::words::clean(&why);
        let endpoint = endpoint.to_owned();
        match (kind, address.file()) {
            (Some(io::ErrorKind::ConnectionRefused), _) => Self::Refused(endpoint),
            (Some(io::ErrorKind::PermissionDenied), _) => Self::Permission(endpoint),
            (Some(io::ErrorKind::NotFound), Some(path)) => Self::Missing(path.to_owned()),
            (Some(io::ErrorKind::TimedOut), _) => Self::Timeout { endpoint, timeout },
            _ if tls => Self::Tls { endpoint, hint: hint(&why), why },
            _ => Self::Other { endpoint, why },
        }
    }
}

/// What to look at, by the words of rustls.
fn hint(why: &str) -> &'static str {
    if why.contains("not valid for name") || why.contains("NotValidForName") {
        " (--tls-server-name has to be a name in the driver's certificate)"
    } else if why.contains("certificate") {
        " (--tls-ca has to be the authority that signed the driver's certificate)"
    } else {
        " (does the driver speak TLS there?)"
    }
}
