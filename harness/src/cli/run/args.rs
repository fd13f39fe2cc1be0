//! Arguments of `csi-stretch run`.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use csi_stretch_mock::Defect;

use crate::{
    cli::transport,
    scenario::{Labels, Partition},
    target::{Endpoint, profile::parse_bytes},
};

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Target (default: the embedded reference driver)")]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub struct Args {
    /// unix:///path, unix-abstract:NAME, tcp://host:port, exec:COMMAND (started and owned by the
    /// run; listens on the endpoint in `{socket}` or $CSI_ENDPOINT), or flex:/path (FlexVolume).
    #[arg(long, env = "CSI_ENDPOINT", value_name = "ENDPOINT")]
    pub(super) endpoint: Option<String>,
    /// Controller service, if it listens elsewhere.
    #[arg(long, value_name = "ENDPOINT")]
    pub(super) controller_endpoint: Option<String>,
    #[command(flatten)]
    pub(super) transport: transport::Args,
    /// Target profile: how a driver is started and what it supports.
    #[arg(long, value_name = "FILE")]
    pub(super) target: Option<PathBuf>,
    /// Secrets per call (YAML, csi-sanity's keys).
    #[arg(long, value_name = "FILE")]
    pub(super) secrets: Option<PathBuf>,
    /// CreateVolume parameters (YAML map).
    #[arg(long, value_name = "FILE")]
    pub(super) parameters: Option<PathBuf>,
    /// Size of a volume before growth, such as 64MiB; a file system that cannot be so small gets
    /// the least it takes.
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub(super) volume_size: Option<u64>,
    /// Size after its first growth; each further one adds as much again (default: twice the size).
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub(super) expand_size: Option<u64>,
    /// Only volumes accessed in this way, whatever the profile says; may be repeated.
    #[arg(long, value_name = "ACCESS", value_delimiter = ',', value_parser = ["mount", "block"])]
    pub(super) access: Vec<String>,
    /// The MariaDB server of the scenarios that need one (default: $CSI_STRETCH_MARIADBD, or
    /// mariadbd in PATH).
    #[arg(long, value_name = "PATH")]
    pub(super) mariadbd: Option<PathBuf>,
    /// Where target paths are made.
    #[arg(long, value_name = "DIR")]
    pub(super) target_dir: Option<PathBuf>,
    /// Where staging paths are made.
    #[arg(long, value_name = "DIR")]
    pub(super) staging_dir: Option<PathBuf>,
    /// Longest wait for an answer, such as 30s; at least 10ms.
    #[arg(long, value_name = "TIME", value_parser = parse_deadline)]
    pub(super) deadline: Option<Duration>,
    /// Longest wait for a connection.
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = humantime::parse_duration)]
    pub(super) connect_timeout: Duration,
    /// Backing of the embedded reference driver: real loop devices need root.
    #[arg(long, value_enum, default_value = "auto")]
    pub(super) tier: TierName,
    /// Plant a defect in the embedded reference driver, to see it found; `list defects` names
    /// them.
    #[arg(long, value_name = "NAME", value_parser = Defect::named)]
    #[arg(conflicts_with_all = ["endpoint", "target"])]
    pub(super) defect: Option<&'static Defect>,

    /// Only scenarios whose id contains this text, or, with `*` in it, fits it as a whole;
    /// may be repeated.
    #[arg(long, value_name = "TEXT", help_heading = "Selection")]
    pub(super) focus: Vec<String>,
    /// Only the scenario with exactly this id; without its `[…]`, in all its forms; may be repeated.
    #[arg(long, value_name = "ID", help_heading = "Selection")]
    pub(super) scenario: Vec<String>,
    /// Not those; may be repeated.
    #[arg(long, value_name = "TEXT", help_heading = "Selection")]
    pub(super) skip: Vec<String>,
    /// Only scenarios of this folder, such as `expansion`; a list with commas, or repeated.
    #[arg(long, value_name = "NAME", value_delimiter = ',', help_heading = "Selection")]
    pub(super) suite: Vec<String>,
    /// Only scenarios whose labels fit, such as `smoke && !slow`; may be repeated.
    #[arg(long, value_name = "LABELS", help_heading = "Selection")]
    pub(super) label: Vec<Labels>,
    /// Only one part of what the others select: `slice:1/3` (in turn) or `hash:1/3` (by id).
    #[arg(long, value_name = "PART", help_heading = "Selection")]
    pub(super) partition: Option<Partition>,
    /// Print the ids of what is selected, and run nothing. Needs no driver.
    #[arg(long, help_heading = "Selection")]
    pub(super) list: bool,
    /// Scenario files or folders instead of the built-in ones; may be repeated.
    #[arg(long, value_name = "PATH", help_heading = "Selection")]
    pub(super) scenarios: Vec<PathBuf>,

    /// Scenarios side by side.
    #[arg(short, long, default_value_t = 4, help_heading = "Run")]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(super) jobs: u16,
    /// Decides every choice of the harness (decimal or 0x…); default: by the clock.
    #[arg(long, value_parser = parse_seed, help_heading = "Run")]
    pub(super) seed: Option<u64>,
    /// Compare with the reference driver.
    #[arg(long, value_enum, help_heading = "Run")]
    pub(super) reference: Option<OnOff>,
    /// A breach of a SHOULD fails, too.
    #[arg(long, help_heading = "Run")]
    pub(super) strict: bool,
    /// Begin no scenario after the first that failed.
    #[arg(long, help_heading = "Run")]
    pub(super) fail_fast: bool,
    /// Folder for reports; each run gets a folder of its own and the link `latest`.
    #[arg(long, value_name = "DIR", default_value = "stretch-out", help_heading = "Run")]
    pub(super) out: PathBuf,
    /// Write the JUnit report to this file, too.
    #[arg(long, value_name = "FILE", help_heading = "Run")]
    pub(super) junit: Option<PathBuf>,
    /// Serve figures for Prometheus on this address, such as `127.0.0.1:9464`, while the run goes on.
    #[arg(long, value_name = "ADDR", help_heading = "Run")]
    pub(super) metrics: Option<std::net::SocketAddr>,
    /// Folder for volumes, mounts and sockets [default: csi-stretch-UID in the temporary folder].
    #[arg(long, value_name = "DIR", help_heading = "Run")]
    pub(super) work_dir: Option<PathBuf>,
    /// Leave the run's folder in place.
    #[arg(long, help_heading = "Run")]
    pub(super) keep: bool,
    /// Only failures and the last line.
    #[arg(short, long, help_heading = "Run")]
    pub(super) quiet: bool,

    /// Whether this repeats what failed in another run.
    #[arg(skip)]
    pub(super) replayed: bool,
    /// The command line, for the record.
    #[arg(skip)]
    pub(in crate::cli) command: Vec<String>,
}

impl Args {
    /// The target's profile, as given: the file in which a CI job can own up to a fault.
    pub(super) fn profile(&self) -> Option<&str> {
        self.target.as_ref()?.to_str()
    }

    /// Makes these the arguments of a repetition. `endpoint` is where the target was; it is not
    /// in the command if the environment had named it.
    pub fn replays(&mut self, command: Vec<String>, endpoint: &str) {
        let named = self.endpoint.is_some() || self.target.is_some();
        if !named && Endpoint::parse(endpoint).is_ok() {
            self.endpoint = Some(endpoint.to_owned());
        }
        self.command = command;
        self.replayed = true;
    }

    /// What a repetition may have otherwise.
    pub fn set(&mut self, out: Option<&Path>, work_dir: Option<&Path>, quiet: bool) {
        if let Some(out) = out {
            out.clone_into(&mut self.out);
        }
        self.work_dir = work_dir.map(Path::to_owned).or(self.work_dir.take());
        self.quiet |= quiet;
    }
}

/// No driver answers in less, and would be blamed for it.
const DEADLINE_MIN: Duration = Duration::from_millis(10);

fn parse_deadline(text: &str) -> Result<Duration, String> {
    let deadline = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if deadline < DEADLINE_MIN {
        return Err(format!("no driver can keep it: at least {} ms", DEADLINE_MIN.as_millis()));
    }
    Ok(deadline)
}

/// A size that a volume can have.
fn parse_size(text: &str) -> Result<u64, String> {
    match parse_bytes(text)? {
        0 => Err("a volume has a size: leave the option out for the default".to_owned()),
        bytes => Ok(bytes),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum TierName {
    /// loop if this host allows it, else memory; said at the head of the run.
    Auto,
    Memory,
    Loop,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum OnOff {
    On,
    Off,
}

fn parse_seed(text: &str) -> Result<u64, String> {
    let parsed = match text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16),
        None => text.parse(),
    };
    parsed.map_err(|_| format!("`{text}` is no seed; write a number or 0x and hexadecimal digits"))
}
