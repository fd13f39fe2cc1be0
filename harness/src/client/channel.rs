//! From an endpoint as people write it to a connection, or to one sentence that says what is
//! wrong and what to do. Knows addresses and sockets, and nothing of what is said over them.

use std::{fmt, io, path::Path, time::Duration};

use tonic::{
    metadata::{AsciiMetadataKey, AsciiMetadataValue, MetadataMap},
    transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity},
};

pub use super::connect_error::ConnectError;
use super::{address::Address, wire};

/// The contents of simulated volumes come in messages of 1 MiB: without these, HTTP/2 would cut
/// each into 64 frames and wait for room after every fourth.
const FRAME_BYTES: u32 = 1 << 20;
const WINDOW_BYTES: u32 = 4 << 20;

/// The kernel asks after a silent peer; no driver sees it.
const TCP_KEEP_ALIVE: Duration = Duration::from_secs(30);

/// How a connection is made besides its address. It holds keys and tokens, and shows none.
#[derive(Clone, Default)]
pub struct Options {
    /// Encrypts connections to `tcp://` addresses.
    pub tls: Option<Tls>,
    /// Goes with every call as `authorization: Bearer …`.
    pub bearer: Option<String>,
    /// Goes with every call as it is.
    pub metadata: Vec<(String, String)>,
    /// Longest message that is read, bytes; default [`wire::REPLY_BYTES_MAX`].
    pub message_max: Option<usize>,
    /// Asks over HTTP/2 whether the peer is there, this often. Servers may refuse to be asked
    /// (Go's do below 5 minutes), so without it nobody asks.
    pub keep_alive: Option<Duration>,
}

/// The contents of PEM files.
#[derive(Clone)]
pub struct Tls {
    /// Authorities that the driver's certificate may be signed by.
    pub ca: Vec<u8>,
    /// Own certificate chain and its key.
    pub identity: Option<(Vec<u8>, Vec<u8>)>,
    /// Name in the driver's certificate, if it is not the address's host.
    pub server_name: Option<String>,
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("tls", &self.tls.is_some())
            .field("bearer", &self.bearer.is_some())
            .field("metadata", &self.metadata.iter().map(|(key, _)| key).collect::<Vec<_>>())
            .field("message_max", &self.message_max)
            .field("keep_alive", &self.keep_alive)
            .finish()
    }
}

/// A connection, and what goes with every call over it.
#[derive(Clone, Debug)]
pub struct Connection {
    pub(super) channel: Channel,
    pub(super) metadata: MetadataMap,
    pub(super) message_max: usize,
}

impl Connection {
    /// The bare channel, for a client that is not of this module.
    pub fn channel(&self) -> Channel {
        self.channel.clone()
    }
}

/// Connects within `timeout`. The channel connects anew by itself, once per call, after the
/// driver went away.
pub async fn connect(
    endpoint: &str,
    options: &Options,
    timeout: Duration,
) -> Result<Connection, ConnectError> {
    let (address, tonic) = prepare(endpoint, options)?;
    let metadata = metadata(options)?;
    if let Some(path) = address.file() {
        check_socket(path)?;
    }
    let tls = matches!(address, Address::Tcp(_)) && options.tls.is_some();
    match tokio::time::timeout(timeout, tonic.connect_timeout(timeout).connect()).await {
        Ok(Ok(channel)) => Ok(Connection {
            channel,
            metadata,
            message_max: options.message_max.unwrap_or(wire::REPLY_BYTES_MAX),
        }),
        Ok(Err(error)) => Err(ConnectError::explain(endpoint, &address, tls, timeout, &error)),
        Err(_) => Err(ConnectError::Timeout { endpoint: endpoint.to_owned(), timeout }),
    }
}

/// Whether these can be the endpoints of one driver at all; nothing is opened.
pub fn check(endpoints: &[&str], options: &Options) -> Result<(), ConnectError> {
    let mut tcp = false;
    for endpoint in endpoints {
        let (address, _) = prepare(endpoint, options)?;
        tcp |= matches!(address, Address::Tcp(_));
    }
    match endpoints.first() {
        Some(first) if options.tls.is_some() && !tcp => {
            Err(ConnectError::NoTlsThere((*first).to_owned()))
        }
        _ => metadata(options).map(drop),
    }
}

fn prepare(endpoint: &str, options: &Options) -> Result<(Address, Endpoint), ConnectError> {
    let address = Address::parse(endpoint)?;
    let tls = options.tls.as_ref().filter(|_| matches!(address, Address::Tcp(_)));
    if options.bearer.is_some() && tls.is_none() && !address.is_local() {
        return Err(ConnectError::TokenInTheOpen(endpoint.to_owned()));
    }
    let uri = match &address {
        Address::Unix(path) => format!("unix:{}", path.display()),
        // As tokio writes it.
        Address::Abstract(name) => format!("unix:\0{name}"),
        Address::Tcp(authority) if tls.is_some() => format!("https://{authority}"),
        Address::Tcp(authority) => format!("http://{authority}"),
    };
    let mut tonic = Endpoint::from_shared(uri)
        .map_err(|_| ConnectError::Syntax(endpoint.to_owned()))?
        .max_frame_size(FRAME_BYTES)
        .initial_stream_window_size(WINDOW_BYTES)
        .initial_connection_window_size(WINDOW_BYTES)
        .tcp_keepalive(Some(TCP_KEEP_ALIVE));
    if let Some(interval) = options.keep_alive {
        tonic = tonic.http2_keep_alive_interval(interval).keep_alive_while_idle(true);
    }
    if let Some(tls) = tls {
        tonic = tonic.tls_config(tls.config()).map_err(|error| unusable(&error))?;
    }
    Ok((address, tonic))
}

impl Tls {
    fn config(&self) -> ClientTlsConfig {
        let mut config = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(&self.ca));
        if let Some((cert, key)) = &self.identity {
            config = config.identity(Identity::from_pem(cert, key));
        }
        match &self.server_name {
            Some(name) => config.domain_name(name),
            None => config,
        }
    }
}

fn unusable(error: &(dyn std::error::Error + 'static)) -> ConnectError {
    let chain = std::iter::successors(Some(error), |error| error.source());
    ConnectError::TlsFiles(chain.last().map_or_else(String::new, ToString::to_string))
}

/// What goes with every call; marked, so that no library prints it.
fn metadata(options: &Options) -> Result<MetadataMap, ConnectError> {
    let mut map = MetadataMap::new();
    let bearer = options.bearer.iter().map(|token| ("authorization", format!("Bearer {token}")));
    let plain = options.metadata.iter().map(|(name, value)| (name.as_str(), value.clone()));
    for (name, value) in bearer.chain(plain) {
        let wrong = || ConnectError::Metadata(name.to_owned());
        let key = AsciiMetadataKey::from_bytes(name.as_bytes()).map_err(|_| wrong())?;
        let mut value = AsciiMetadataValue::try_from(value).map_err(|_| wrong())?;
        value.set_sensitive(true);
        map.append(key, value);
    }
    Ok(map)
}

/// A look before the jump: connecting to a plain file is refused with the same errno as
/// connecting to a dead socket.
fn check_socket(path: &Path) -> Result<(), ConnectError> {
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

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

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
            ("unix-abstract:nobody-has-this-name".to_owned(), "nobody listens at"),
            (format!("tcp://127.0.0.1:{port}"), "nobody listens at"),
            ("tcp://no-such-host.invalid:1".to_owned(), "cannot connect to"),
        ] {
            let options = Options::default();
            let connected = connect(&endpoint, &options, Duration::from_secs(5)).await;
            let said = connected.unwrap_err().to_string();
            assert!(said.contains(want), "{endpoint}: {said}");
            assert!(!said.contains('\n'), "{said}");
        }
    }

    fn tls() -> Options {
        let tls = Tls { ca: Vec::new(), identity: None, server_name: None };
        Options { tls: Some(tls), ..Options::default() }
    }

    fn bearer(token: &str) -> Options {
        Options { bearer: Some(token.to_owned()), ..Options::default() }
    }

    fn key_of_nothing() -> Options {
        let identity = Some((b"no certificate".to_vec(), b"no key".to_vec()));
        let tls = Tls { ca: Vec::new(), identity, server_name: None };
        Options { tls: Some(tls), ..Options::default() }
    }

    #[rstest]
    #[case::no_tls_on_a_socket(&["/run/a.sock"], &tls(), "TLS is for tcp")]
    #[case::no_tls_on_sockets(&["/run/a.sock", "unix:@b"], &tls(), "TLS is for tcp")]
    #[case::no_key(&["tcp://h:1"], &key_of_nothing(), "files of TLS")]
    #[case::token_in_the_open(&["tcp://h:1"], &bearer("t"), "in the open to tcp://h:1")]
    #[case::token_of_two_lines(&["unix:@a"], &bearer("a\nb"), "`authorization` cannot be sent")]
    fn settings_that_cannot_be(
        #[case] endpoints: &[&str],
        #[case] options: &Options,
        #[case] words: &str,
    ) {
        let error = check(endpoints, options).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
        assert!(error.is_usage());
    }

    #[rstest]
    #[case::a_socket_beside_tls(&["unix:///node.sock", "tcp://h:1"], &tls())]
    #[case::token_on_this_machine(&["tcp://localhost:1", "/a"], &bearer("t"))]
    fn settings_that_can_be(#[case] endpoints: &[&str], #[case] options: &Options) {
        check(endpoints, options).unwrap();
    }

    #[test]
    fn a_token_is_never_shown() {
        let options = bearer("hunter2");
        let map = metadata(&options).unwrap();
        assert_eq!(map.get("authorization").unwrap(), "Bearer hunter2");
        let shown = format!("{options:?} {map:?}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
