//! Arguments that every method has: where the driver is, how long to wait, how to answer.

use std::{path::PathBuf, time::Duration};

use clap::{Arg, ArgAction, ArgMatches, Command, FromArgMatches as _, parser::ValueSource};

use crate::cli::{outcome::Failure, transport};

#[derive(Debug, clap::Args)]
#[command(after_help = super::HELP)]
pub struct Args {
    #[command(flatten)]
    pub common: Common,
    /// Method by name or in csc's words, then its request, flags, and ids or names.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "METHOD")]
    pub words: Vec<String>,
}

/// These may stand before and after the method.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
#[command(next_help_heading = "Call")]
pub struct Common {
    /// unix:///path, unix-abstract:NAME or tcp://host:port [env: CSI_ENDPOINT].
    #[arg(short, long, value_name = "ENDPOINT")]
    pub endpoint: Option<String>,
    /// Longest wait for the connection and for each answer [default: 30s].
    #[arg(short, long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub timeout: Option<Duration>,
    /// How answers are shown [default: json; text after csc's words].
    #[arg(long, value_enum)]
    pub format: Option<Format>,
    /// Metadata of gRPC to send with the call; may be repeated.
    #[arg(short, long, value_name = "KEY=VALUE,…")]
    pub metadata: Vec<String>,
    /// Secrets per call (YAML, csi-sanity's keys); X_CSI_SECRETS=KEY=VALUE,… is for any call.
    #[arg(long, value_name = "FILE")]
    pub secrets: Option<PathBuf>,
    /// Show the method's messages instead of calling.
    #[arg(long)]
    pub describe: bool,
    /// Show the request on standard error, without secrets.
    #[arg(long)]
    pub with_request_logging: bool,
    /// Show the answer as JSON on standard error.
    #[arg(long)]
    pub with_response_logging: bool,
    #[command(flatten)]
    pub transport: transport::Args,
}

/// How answers are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// One document for each answer; a stream has one on each line.
    Json,
    /// As csc prints it; JSON for what csc does not know.
    Text,
}

impl Common {
    /// These, and what stands after the method.
    pub fn and(&self, matches: &ArgMatches) -> Result<Self, Failure> {
        let mut both = self.clone();
        both.update_from_arg_matches(matches).map_err(Failure::internal)?;
        // A switch that is not there again is no "off".
        both.describe |= self.describe;
        both.with_request_logging |= self.with_request_logging;
        both.with_response_logging |= self.with_response_logging;
        Ok(both)
    }

    /// Where the driver is.
    pub fn endpoint(&self) -> Result<String, Failure> {
        let given = self.endpoint.clone().or_else(|| std::env::var("CSI_ENDPOINT").ok());
        given.filter(|text| !text.is_empty()).ok_or_else(|| {
            Failure::usage("no endpoint; give --endpoint unix:///path/csi.sock or set CSI_ENDPOINT")
        })
    }

    /// Longest wait.
    pub fn timeout(&self) -> Duration {
        self.timeout.unwrap_or(Duration::from_secs(30))
    }
}

/// Flags of csc that change nothing here: `(name, short, takes a value)`.
const IGNORED: &[(&str, Option<char>, bool)] = &[
    ("insecure", Some('i'), false),
    ("log-level", Some('l'), true),
    ("with-spec-validation", None, false),
    ("with-requires-creds", None, false),
    ("with-requires-vol-context", None, false),
    ("with-requires-pub-context", None, false),
    ("with-success-create-already-exists", None, false),
    ("with-success-delete-not-found", None, false),
];

/// Adds csc's flags that change nothing, so that a line of csc runs.
pub fn with_ignored(command: Command) -> Command {
    IGNORED.iter().fold(command, |command, (name, short, value)| {
        let arg = Arg::new(*name).long(*name).hide(true).action(ArgAction::Append);
        let arg = short.map_or(arg.clone(), |short| arg.short(short));
        command.arg(if *value {
            arg
        } else {
            arg.num_args(0..=1).require_equals(true).default_missing_value("true")
        })
    })
}

/// Those of them that were given. `--insecure` only says what is so without --tls-ca.
pub fn ignored(matches: &ArgMatches) -> impl Iterator<Item = &'static str> {
    let given = |name: &str| matches.value_source(name) == Some(ValueSource::CommandLine);
    IGNORED.iter().map(|(name, ..)| *name).filter(move |name| given(name) && *name != "insecure")
}
