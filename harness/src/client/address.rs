//! Where a driver listens, as people write it. Knows the forms, and opens nothing.

use std::path::{Path, PathBuf};

use super::connect_error::ConnectError;

/// Longest path that the kernel takes for a Unix socket, bytes (`sun_path` without its NUL).
pub const UNIX_PATH_BYTES_MAX: usize = 107;

/// A place to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A socket with a file: `unix:///path`, `unix:path`, `/path`.
    Unix(PathBuf),
    /// A socket with a name and no file: `unix-abstract:NAME`, `unix:@NAME`.
    Abstract(String),
    /// `tcp://host:port`, `host:port`.
    Tcp(String),
}

impl Address {
    /// Understands one address.
    pub fn parse(text: &str) -> Result<Self, ConnectError> {
        let syntax = || ConnectError::Syntax(text.to_owned());
        if ["npipe:", "pipe:", r"\\.\pipe\"].iter().any(|form| text.starts_with(form)) {
            return Err(ConnectError::Pipe(text.to_owned()));
        }
        if let Some(name) = text.strip_prefix("unix-abstract:") {
            return abstract_name(name).ok_or_else(syntax);
        }
        let unix = text.strip_prefix("unix://").or_else(|| text.strip_prefix("unix:"));
        if let Some(name) = unix.and_then(|path| path.strip_prefix('@')) {
            return abstract_name(name).ok_or_else(syntax);
        }
        match unix.or_else(|| text.starts_with('/').then_some(text)) {
            Some(path) if path.is_empty() || path.contains('\0') => Err(syntax()),
            Some(path) if path.len() > UNIX_PATH_BYTES_MAX => {
                Err(ConnectError::LongPath(path.into()))
            }
            Some(path) => Ok(Self::Unix(path.into())),
            None => authority(text).map(Self::Tcp).ok_or_else(syntax),
        }
    }

    /// What is said there stays on this machine.
    pub fn is_local(&self) -> bool {
        let Self::Tcp(authority) = self else { return true };
        let host = authority.rsplit_once(':').map_or("", |(host, _)| host);
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let loopback = |ip: std::net::IpAddr| ip.is_loopback();
        host == "localhost" || host.parse().is_ok_and(loopback)
    }

    /// The file of its socket.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Unix(path) => Some(path),
            Self::Abstract(_) | Self::Tcp(_) => None,
        }
    }
}

/// One byte of `sun_path` says that it is a name.
fn abstract_name(name: &str) -> Option<Address> {
    let fits = !name.is_empty() && name.len() <= UNIX_PATH_BYTES_MAX && !name.contains('\0');
    fits.then(|| Address::Abstract(name.to_owned()))
}

fn authority(text: &str) -> Option<String> {
    let authority = text.strip_prefix("tcp://").unwrap_or(text);
    let (host, port) = authority.rsplit_once(':')?;
    let bare_v6 = host.contains(':') && !(host.starts_with('[') && host.ends_with(']'));
    let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '/' | '@' | '?' | '#');
    let port = port.parse().is_ok_and(|port: u16| port > 0);
    (!host.is_empty() && !bare_v6 && !host.contains(odd) && port).then(|| authority.to_owned())
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
    #[case("unix-abstract:csi", Address::Abstract("csi".into()))]
    #[case("unix:@csi/a", Address::Abstract("csi/a".into()))]
    #[case("unix://@csi", Address::Abstract("csi".into()))]
    #[case("tcp://127.0.0.1:9000", Address::Tcp("127.0.0.1:9000".into()))]
    #[case("localhost:9000", Address::Tcp("localhost:9000".into()))]
    #[case("tcp://[::1]:9000", Address::Tcp("[::1]:9000".into()))]
    fn addresses_are_read(#[case] text: &str, #[case] want: Address) {
        assert_eq!(Address::parse(text).unwrap(), want);
    }

    #[rstest]
    #[case("")]
    #[case("unix://")]
    #[case("unix:@")]
    #[case("unix-abstract:")]
    #[case("csi.sock")]
    #[case("tcp://host")]
    #[case("host:99999")]
    #[case("host:0")]
    #[case(":9000")]
    #[case("::1:9000")]
    #[case("http://host:9000")]
    #[case("user@host:9000")]
    fn nonsense_is_refused_with_the_way_out(#[case] text: &str) {
        let said = Address::parse(text).unwrap_err().to_string();
        assert!(said.contains("unix:///path/csi.sock"), "{said}");
    }

    #[rstest]
    #[case("npipe://csi")]
    #[case(r"\\.\pipe\csi")]
    fn a_pipe_of_windows_is_refused_by_name(#[case] text: &str) {
        let said = Address::parse(text).unwrap_err().to_string();
        assert!(said.contains("Windows") && said.contains("tcp://"), "{said}");
    }

    #[rstest]
    #[case("unix:///run/csi.sock", true)]
    #[case("unix:@csi", true)]
    #[case("localhost:1", true)]
    #[case("tcp://[::1]:1", true)]
    #[case("tcp://127.9.9.9:1", true)]
    #[case("tcp://10.0.0.1:1", false)]
    #[case("tcp://localhost.example:1", false)]
    fn this_machine_is_known(#[case] text: &str, #[case] local: bool) {
        assert_eq!(Address::parse(text).unwrap().is_local(), local);
    }
}
