//! Where a driver is: `unix:///run/csi.sock`, `unix:run/csi.sock`, `/run/csi.sock`,
//! `tcp://127.0.0.1:10000`, `127.0.0.1:10000`, or `exec:COMMAND` to start one.

use std::fmt;

/// A place to connect to, or a command that makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// Something that already listens; the text as given.
    Address(String),
    /// A command to start; it must listen on the endpoint in `{socket}` (also in the environment
    /// as `CSI_ENDPOINT`).
    Exec(Vec<String>),
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
        let known = ["unix:", "tcp:", "/"].iter().any(|prefix| text.starts_with(prefix));
        let host_port = text.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        if known || host_port {
            return Ok(Self::Address(text.to_owned()));
        }
        Err(format!(
            "endpoint `{text}` is not understood; write unix:///path/csi.sock, tcp://host:port or \
             exec:COMMAND"
        ))
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(text) => f.write_str(text),
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

    #[rstest::rstest]
    #[case("exec:")]
    #[case("csi.sock")]
    #[case("")]
    fn nonsense_is_refused_with_the_forms_that_work(#[case] text: &str) {
        assert!(Endpoint::parse(text).unwrap_err().contains("exec:"));
    }
}
