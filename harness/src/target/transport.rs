//! What a person says of the way to a driver besides its address: TLS, a token, limits. Names of
//! files and variables only, so it can be recorded; the contents are read by `load`, before the
//! first connection.

use std::{
    fs,
    path::{Path, PathBuf},
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::profile::{ProfileError, Size};
use crate::client::channel;

/// How connections are made. Every key is optional; without any, as drivers want it on a socket of
/// their own machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Transport {
    /// TLS with `tcp://` endpoints.
    pub tls: Option<Tls>,
    /// A token that goes with every call as `authorization: Bearer …`. It is never shown.
    pub bearer: Option<Bearer>,
    /// Longest message that is read; default 16 MiB.
    pub message_max: Option<Size>,
    /// Asks over HTTP/2 whether the driver is there, this often: `5m`. Many servers close the
    /// connection of whoever asks more often than every 5 minutes.
    pub keep_alive: Option<String>,
}

/// PEM files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Tls {
    /// Authorities that the driver's certificate may be signed by.
    pub ca: PathBuf,
    /// Own certificate, if the driver asks for one.
    pub cert: Option<PathBuf>,
    /// Its key.
    pub key: Option<PathBuf>,
    /// Name in the driver's certificate, if it is not the address's host.
    pub server_name: Option<String>,
}

/// Where a token is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Bearer {
    /// In a file; white space around it does not count.
    File(PathBuf),
    /// In a variable of the environment.
    Env(String),
}

impl Transport {
    /// Reads the files and variables.
    pub fn load(&self) -> Result<channel::Options, ProfileError> {
        let keep_alive = self.keep_alive.as_deref();
        let message_max = self.message_max.as_ref().map(Size::bytes).transpose()?;
        if message_max == Some(0) {
            return Err(wrong("`message_max: 0` lets no answer through; write `16MiB`".into()));
        }
        Ok(channel::Options {
            tls: self.tls.as_ref().map(Tls::load).transpose()?,
            bearer: self.bearer.as_ref().map(Bearer::load).transpose()?,
            metadata: Vec::new(),
            message_max: message_max.map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX)),
            keep_alive: keep_alive.map(interval).transpose()?,
        })
    }

    /// With absolute paths: whoever reads it later is elsewhere.
    #[must_use]
    pub fn absolute(mut self) -> Self {
        let full = |path: &mut PathBuf| {
            if let Ok(absolute) = std::path::absolute(&*path) {
                *path = absolute;
            }
        };
        if let Some(tls) = &mut self.tls {
            full(&mut tls.ca);
            tls.cert.iter_mut().for_each(full);
            tls.key.iter_mut().for_each(full);
        }
        if let Some(Bearer::File(path)) = &mut self.bearer {
            full(path);
        }
        self
    }
}

impl Tls {
    fn load(&self) -> Result<channel::Tls, ProfileError> {
        if self.ca.as_os_str().is_empty() {
            let what = "TLS needs the authority of the driver's certificate: `tls: { ca: FILE }`, \
                        or --tls-ca";
            return Err(wrong(what.into()));
        }
        let ca = read(&self.ca)?;
        if !String::from_utf8_lossy(&ca).contains("-----BEGIN CERTIFICATE-----") {
            let what = format!("{} has no certificate in PEM's form", self.ca.display());
            return Err(wrong(what));
        }
        let identity = match (&self.cert, &self.key) {
            (Some(cert), Some(key)) => Some((read(cert)?, read(key)?)),
            (None, None) => None,
            (Some(_), None) => return Err(wrong("a TLS `cert` needs its `key`".into())),
            (None, Some(_)) => return Err(wrong("a TLS `key` needs its `cert`".into())),
        };
        Ok(channel::Tls { ca, identity, server_name: self.server_name.clone() })
    }
}

impl Bearer {
    fn load(&self) -> Result<String, ProfileError> {
        let (token, place) = match self {
            Self::File(path) => (
                String::from_utf8_lossy(&read(path)?).into_owned(),
                format!("the file {}", path.display()),
            ),
            Self::Env(name) => {
                (std::env::var(name).unwrap_or_default(), format!("the variable {name}"))
            }
        };
        match token.trim() {
            "" => Err(wrong(format!("there is no bearer token in {place}"))),
            token => Ok(token.to_owned()),
        }
    }
}

fn interval(text: &str) -> Result<std::time::Duration, ProfileError> {
    let interval = humantime::parse_duration(text).ok().filter(|time| !time.is_zero());
    interval.ok_or_else(|| wrong(format!("`keep_alive: {text}` is no duration; write `5m`")))
}

fn read(path: &Path) -> Result<Vec<u8>, ProfileError> {
    fs::read(path).map_err(|source| ProfileError::Read { path: path.into(), source })
}

fn wrong(what: String) -> ProfileError {
    ProfileError::Value { what }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const PEM: &str = "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n";

    fn transport(yaml: &str, dir: &Path) -> Result<channel::Options, ProfileError> {
        let yaml = yaml.replace("DIR", dir.to_str().unwrap());
        serde_saphyr::from_str::<Transport>(&yaml).unwrap().load()
    }

    fn files() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in
            [("ca", PEM), ("none", "no PEM"), ("token", " hunter2\n"), ("empty", "\n")]
        {
            fs::write(dir.path().join(name), text).unwrap();
        }
        dir
    }

    #[test]
    fn all_that_can_be_said_is_read() {
        let dir = files();
        let yaml = "{ tls: { ca: DIR/ca, cert: DIR/ca, key: DIR/none, server_name: csi.example }, \
                    bearer: { file: DIR/token }, message_max: 1MiB, keep_alive: 5m }";
        let options = transport(yaml, dir.path()).unwrap();
        let tls = options.tls.unwrap();
        assert_eq!(tls.ca, PEM.as_bytes());
        assert_eq!(tls.identity.unwrap().1, b"no PEM");
        assert_eq!(tls.server_name.as_deref(), Some("csi.example"));
        assert_eq!(options.bearer.as_deref(), Some("hunter2"));
        assert_eq!(options.message_max, Some(1 << 20));
        assert_eq!(options.keep_alive, Some(std::time::Duration::from_secs(300)));
    }

    #[rstest]
    #[case("{ tls: { server_name: x } }", "--tls-ca")]
    #[case("{ tls: { ca: DIR/none } }", "no certificate")]
    #[case("{ tls: { ca: DIR/nowhere } }", "cannot read")]
    #[case("{ tls: { ca: DIR/ca, cert: DIR/ca } }", "needs its `key`")]
    #[case("{ tls: { ca: DIR/ca, key: DIR/ca } }", "needs its `cert`")]
    #[case("{ bearer: { file: DIR/empty } }", "no bearer token in the file")]
    #[case("{ bearer: { env: CSI_STRETCH_NO_SUCH_VARIABLE } }", "no bearer token in the variable")]
    #[case("{ message_max: 5 apples }", "is no size")]
    #[case("{ message_max: 0 }", "lets no answer through")]
    #[case("{ keep_alive: 0s }", "is no duration")]
    fn what_cannot_be_is_told(#[case] yaml: &str, #[case] words: &str) {
        let dir = files();
        let error = transport(yaml, dir.path()).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }

    #[test]
    fn paths_become_absolute() {
        let yaml = "{ tls: { ca: ca.pem, cert: /c, key: k }, bearer: { file: token } }";
        let transport: Transport = serde_saphyr::from_str(yaml).unwrap();
        let text = serde_json::to_string(&transport.absolute()).unwrap();
        let here = std::env::current_dir().unwrap();
        for name in ["ca.pem", "k", "token"] {
            assert!(text.contains(here.join(name).to_str().unwrap()), "{text}");
        }
    }
}
