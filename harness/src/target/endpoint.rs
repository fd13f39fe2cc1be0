//! Where a driver is: an address (`client/address.rs` has the forms), `exec:COMMAND` to start one, or
//! `flex:PATH` of a FlexVolume driver.

use std::{fmt, path::PathBuf};

use crate::client::{
    address::Address,
    channel::{self, ConnectError, Options},
};

/// A place to connect to, or a command that makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// Something that already listens; the text as given.
    Address(String),
    /// A command to start; it must listen on the endpoint in `{socket}` (also in the environment
    /// as `CSI_ENDPOINT`).
    Exec(Vec<String>),
    /// A FlexVolume driver, run for each call.
    Flex(PathBuf),
}

impl Endpoint {
    /// Understands one endpoint argument. `exec:` takes a shell command.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Some(command) = text.strip_prefix("exec:") {
            let command = command.trim();
            if command.is_empty() {
                return Err(
                    "`exec:` needs a command, such as `exec:./driver --endpoint {socket}`".into()
                );
            }
            // `exec` keeps the shell out of the process tree, so that signals reach the driver.
            return Ok(Self::Exec(vec!["sh".into(), "-c".into(), format!("exec {command}")]));
        }
        if let Some(path) = text.strip_prefix("flex:") {
            if path.is_empty() {
                return Err("`flex:` needs the path of the driver's executable: flex:/path".into());
            }
            return Ok(Self::Flex(path.into()));
        }
        match Address::parse(text) {
            Err(error @ ConnectError::Syntax(_)) => {
                Err(format!("{error}, exec:COMMAND or flex:/path/driver"))
            }
            Err(error) if error.is_usage() => Err(error.to_string()),
            // What else is wrong with it is the host's to say.
            _ => Ok(Self::Address(text.to_owned())),
        }
    }
}

/// Whether one driver's endpoints can be spoken to in this way; nothing is opened. A driver that
/// the run starts listens on a socket, and one of FlexVolume is on this machine as well.
pub fn check<'a>(
    endpoints: impl Iterator<Item = &'a Endpoint>,
    options: &Options,
) -> Result<(), ConnectError> {
    let addresses: Vec<&str> = endpoints
        .map(|endpoint| match endpoint {
            Endpoint::Address(text) => text,
            Endpoint::Exec(_) | Endpoint::Flex(_) => "unix:{socket}",
        })
        .collect();
    match channel::check(&addresses, options) {
        Err(error) if error.is_usage() => Err(error),
        _ => Ok(()),
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(text) => f.write_str(text),
            Self::Flex(path) => write!(f, "flex:{}", path.display()),
            Self::Exec(command) => match command.as_slice() {
                [sh, flag, line] if sh == "sh" && flag == "-c" => {
                    write!(f, "exec:{}", line.trim_start_matches("exec "))
                }
                words => write!(f, "exec:{}", words.join(" ")),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("unix:///run/csi.sock")]
    #[case("unix:csi.sock")]
    #[case("/run/csi.sock")]
    #[case("tcp://127.0.0.1:10000")]
    #[case("localhost:10000")]
    fn addresses(#[case] text: &str) {
        assert_eq!(Endpoint::parse(text), Ok(Endpoint::Address(text.into())));
    }

    #[test]
    fn commands_read_back_as_given() {
        let endpoint = Endpoint::parse("exec:./driver --endpoint {socket}").unwrap();
        assert_eq!(endpoint.to_string(), "exec:./driver --endpoint {socket}");
    }

    #[test]
    fn an_executable_reads_back_as_given() {
        let endpoint = Endpoint::parse("flex:/plugins/v~d/d").unwrap();
        assert_eq!(endpoint, Endpoint::Flex("/plugins/v~d/d".into()));
        assert_eq!(endpoint.to_string(), "flex:/plugins/v~d/d");
        assert!(Endpoint::parse("flex:").unwrap_err().contains("flex:/path"));
    }

    #[rstest::rstest]
    #[case("exec:")]
    #[case("csi.sock")]
    #[case("")]
    fn nonsense_is_refused_with_the_forms_that_work(#[case] text: &str) {
        assert!(Endpoint::parse(text).unwrap_err().contains("exec:"));
    }
}
