//! Arguments about the way to a driver, the same for every subcommand that connects to one.

use std::{path::PathBuf, time::Duration};

use super::outcome::Failure;
use crate::{
    client::channel::Options,
    target::{
        profile::{Size, parse_bytes},
        transport::{Bearer, Tls, Transport},
    },
};

/// Each goes before what a profile says of the same thing.
#[derive(Clone, Debug, Default, clap::Args)]
#[group(skip)]
#[command(next_help_heading = "Connection")]
pub struct Args {
    /// Speak TLS with tcp:// endpoints; their certificates are signed by an authority of this PEM
    /// file.
    #[arg(long, value_name = "FILE")]
    tls_ca: Option<PathBuf>,
    /// Own certificate (PEM), if the driver asks for one.
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<PathBuf>,
    /// Its key (PEM).
    #[arg(long, value_name = "FILE")]
    tls_key: Option<PathBuf>,
    /// Name in the driver's certificate, if it is not the host of the endpoint.
    #[arg(long, value_name = "NAME")]
    tls_server_name: Option<String>,
    /// Send the token in this file with every call (`authorization: Bearer …`).
    #[arg(long, value_name = "FILE", conflicts_with = "bearer_env")]
    bearer_file: Option<PathBuf>,
    /// Send the token in this variable of the environment with every call.
    #[arg(long, value_name = "NAME")]
    bearer_env: Option<String>,
    /// Longest message that is read [default: 16MiB].
    #[arg(long, value_name = "SIZE", value_parser = parse_bytes)]
    message_max: Option<u64>,
    /// Ask over HTTP/2 whether the driver is there, this often; many servers hang up on whoever
    /// asks more often than every 5 minutes.
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    keep_alive: Option<Duration>,
}

impl Args {
    /// These over what a profile says.
    pub fn over(&self, profile: &Transport) -> Transport {
        let bearer = self.bearer_file.clone().map(Bearer::File);
        let bearer = bearer.or_else(|| self.bearer_env.clone().map(Bearer::Env));
        let keep_alive = self.keep_alive.map(|time| humantime::format_duration(time).to_string());
        Transport {
            tls: self.tls(profile.tls.as_ref()),
            bearer: bearer.or_else(|| profile.bearer.clone()),
            message_max: self.message_max.map(Size::Bytes).or_else(|| profile.message_max.clone()),
            keep_alive: keep_alive.or_else(|| profile.keep_alive.clone()),
        }
    }

    fn tls(&self, profile: Option<&Tls>) -> Option<Tls> {
        let named = self.tls_ca.is_some()
            || self.tls_cert.is_some()
            || self.tls_key.is_some()
            || self.tls_server_name.is_some();
        if !named {
            return profile.cloned();
        }
        let profile = profile.cloned().unwrap_or_default();
        Some(Tls {
            ca: self.tls_ca.clone().unwrap_or(profile.ca),
            cert: self.tls_cert.clone().or(profile.cert),
            key: self.tls_key.clone().or(profile.key),
            server_name: self.tls_server_name.clone().or(profile.server_name),
        })
    }

    /// The contents of what these name, with no profile.
    pub fn load(&self) -> Result<Options, Failure> {
        self.over(&Transport::default()).load().map_err(Failure::usage)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn over(words: &[&str], yaml: &str) -> Transport {
        let words = std::iter::once("x").chain(words.iter().copied());
        let line = Line::try_parse_from(words).unwrap();
        line.args.over(&serde_saphyr::from_str(yaml).unwrap())
    }

    #[rstest::rstest]
    #[case(&[], "{ tls: { ca: a } }", "{ tls: { ca: a } }")]
    #[case(&["--tls-ca", "b"], "{ tls: { ca: a, cert: c } }", "{ tls: { ca: b, cert: c } }")]
    #[case(&["--tls-server-name", "n"], "{}", "{ tls: { ca: '', server_name: n } }")]
    #[case(&["--bearer-env", "T"], "{ bearer: { file: f } }", "{ bearer: { env: T } }")]
    #[case(&["--message-max", "1Ki"], "{ message_max: 5 }", "{ message_max: 1024 }")]
    #[case(&["--keep-alive", "10m"], "{}", "{ keep_alive: 10m }")]
    fn a_flag_goes_before_the_profile(
        #[case] words: &[&str],
        #[case] profile: &str,
        #[case] want: &str,
    ) {
        let want: Transport = serde_saphyr::from_str(want).unwrap();
        assert_eq!(over(words, profile), want);
    }
}
