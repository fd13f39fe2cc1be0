//! From an endpoint as people write it to a connection, or to one sentence that says what is
//! wrong and what to do. Knows addresses and sockets, and nothing of what is said over them.

use std::{error::Error, io, path::PathBuf, time::Duration};

use tonic::transport::{Channel, Endpoint};

/// Longest path that the kernel takes for a Unix socket, bytes (`sun_path` without its NUL).
const UNIX_PATH_BYTES_MAX: usize = 107;

/// The contents of simulated volumes come in messages of 1 MiB: without these, HTTP/2 would cut
/// each into 64 frames and wait for room after every fourth.
const FRAME_BYTES: u32 = 1 << 20;
const WINDOW_BYTES: u32 = 4 << 20;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Not an address.
    #[error(
        "cannot read endpoint `{0}`: write unix:///path/csi.sock, /path/csi.sock or tcp://host:port"
    )]
    Syntax(String),
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
    /// Anything else.
    #[error("cannot connect to {endpoint}: {why}")]
    Other {
        /// As given.
        endpoint: String,
        /// The kernel's or resolver's words.
        why: String,
    },
}

/// Connects within `timeout`. The channel connects anew by itself, once per call, after the
/// driver went away.
pub async fn connect(endpoint: &str, timeout: Duration) -> Result<Channel, ConnectError> {
    let address = parse(endpoint)?;
    if let Address::Unix(path) = &address {
        check_socket(path)?;
    }
    let tonic = address.endpoint(endpoint)?.connect_timeout(timeout);
    match tokio::time::timeout(timeout, tonic.connect()).await {
        Ok(Ok(channel)) => Ok(channel),
        Ok(Err(error)) => Err(explain(endpoint, timeout, &error)),
        Err(_) => Err(ConnectError::Timeout { endpoint: endpoint.to_owned(), timeout }),
    }
}

/// Whether a text can be an endpoint at all; nothing is opened.
pub fn check(endpoint: &str) -> Result<(), ConnectError> {
    let address = parse(endpoint)?;
    address.endpoint(endpoint).map(|_| ())
}

#[derive(Debug, PartialEq, Eq)]
enum Address {
    Unix(PathBuf),
    Tcp(String),
}

impl Address {
    fn endpoint(&self, written: &str) -> Result<Endpoint, ConnectError> {
        let uri = match self {
            Self::Unix(path) => format!("unix:{}", path.display()),
            Self::Tcp(authority) => format!("http://{authority}"),
        };
        let endpoint = Endpoint::from_shared(uri)
            .map_err(|_| ConnectError::Syntax(written.to_owned()))?
            .max_frame_size(FRAME_BYTES)
            .initial_stream_window_size(WINDOW_BYTES)
            .initial_connection_window_size(WINDOW_BYTES);
        Ok(endpoint)
    }
}

fn parse(endpoint: &str) -> Result<Address, ConnectError> {
    let syntax = || ConnectError::Syntax(endpoint.to_owned());
    let unix = endpoint.strip_prefix("unix://").or_else(|| endpoint.strip_prefix("unix:"));
    if let Some(path) = unix.or_else(|| endpoint.starts_with('/').then_some(endpoint)) {
        return unix_path(path).ok_or_else(syntax)?;
    }
    let authority = endpoint.strip_prefix("tcp://").unwrap_or(endpoint);
    let (host, port) = authority.rsplit_once(':').ok_or_else(syntax)?;
    let bare_v6 = host.contains(':') && !(host.starts_with('[') && host.ends_with(']'));
    let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '/' | '@' | '?' | '#');
    if host.is_empty() || bare_v6 || host.contains(odd) || !port.parse().is_ok_and(|p: u16| p > 0) {
        return Err(syntax());
    }
    Ok(Address::Tcp(authority.to_owned()))
}

fn unix_path(path: &str) -> Option<Result<Address, ConnectError>> {
    if path.is_empty() || path.contains('\0') {
        return None;
    }
    let path = PathBuf::from(path);
    if path.as_os_str().len() > UNIX_PATH_BYTES_MAX {
        return Some(Err(ConnectError::LongPath(path)));
    }
    Some(Ok(Address::Unix(path)))
}

/// A look before the jump: connecting to a plain file is refused with the same errno as
/// connecting to a dead socket.
fn check_socket(path: &std::path::Path) -> Result<(), ConnectError> {
    use std::os::unix::fs::FileTypeExt;
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.file_type().is_socket() => Ok(()),
        Ok(_) => Err(ConnectError::NotASocket(path.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            Err(ConnectError::Permission(path.display().to_string()))
        }
        Err(_) => Err(ConnectError::Missing(path.to_owned())),
    }
}

fn explain(endpoint: &str, timeout: Duration, error: &(dyn Error + 'static)) -> ConnectError {
    let chain =
        std::iter::successors(Some(error), |&error: &&(dyn Error + 'static)| error.source());
    let kind = chain.clone().find_map(|e| e.downcast_ref::<io::Error>()).map(io::Error::kind);
    let endpoint = endpoint.to_owned();
    match kind {
        Some(io::ErrorKind::ConnectionRefused) => ConnectError::Refused(endpoint),
        Some(io::ErrorKind::PermissionDenied) => ConnectError::Permission(endpoint),
        Some(io::ErrorKind::NotFound) => ConnectError::Missing(endpoint.into()),
        Some(io::ErrorKind::TimedOut) => ConnectError::Timeout { endpoint, timeout },
        _ => {
            let why = chain.last().map_or_else(String::new, ToString::to_string);
            ConnectError::Other { endpoint, why: crate::words::clean(&why) }
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("unix:///run/csi.sock", Address::Unix("/run/csi.sock".into()))]
    #[case("unix:/run/csi.sock", Address::Unix("/run/csi.sock".into()))]
    #[case("unix:run/csi.sock", Address::Unix("run/csi.sock".into()))]
    #[case("/run/with space/csi.sock", Address::Unix("/run/with space/csi.sock".into()))]
    #[case("tcp://127.0.0.1:9000", Address::Tcp("127.0.0.1:9000".into()))]
    #[case("localhost:9000", Address::Tcp("localhost:9000".into()))]
    #[case("tcp://[::1]:9000", Address::Tcp("[::1]:9000".into()))]
    fn endpoints_are_read(#[case] text: &str, #[case] want: Address) {
        assert_eq!(parse(text).unwrap(), want);
        check(text).unwrap();
    }

    #[rstest]
    #[case("")]
    #[case("unix://")]
    #[case("csi.sock")]
    #[case("tcp://host")]
    #[case("host:99999")]
    #[case("host:0")]
    #[case(":9000")]
    #[case("::1:9000")]
    #[case("http://host:9000")]
    #[case("user@host:9000")]
    fn nonsense_is_refused_with_the_way_out(#[case] text: &str) {
        let said = check(text).unwrap_err().to_string();
        assert!(said.contains("unix:///path/csi.sock"), "{said}");
    }

    #[tokio::test]
    async fn each_dead_end_has_its_own_sentence() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name).display().to_string();
        std::fs::write(at("file"), "").unwrap();
        drop(std::os::unix::net::UnixListener::bind(at("dead")).unwrap());
        let port = {
            let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            free.local_addr().unwrap().port()
        };
        for (endpoint, want) in [
            (at("none"), "no socket at"),
            (at("file"), "is not a socket"),
            (at("file/below"), "no socket at"),
            (at("dead"), "nobody listens at"),
            (at(&"x".repeat(120)), "bytes and the kernel takes 107"),
            (format!("tcp://127.0.0.1:{port}"), "nobody listens at"),
            ("tcp://no-such-host.invalid:1".to_owned(), "cannot connect to"),
        ] {
            let said = connect(&endpoint, Duration::from_secs(5)).await.unwrap_err().to_string();
            assert!(said.contains(want), "{endpoint}: {said}");
            assert!(!said.contains('\n'), "{said}");
        }
    }
}
