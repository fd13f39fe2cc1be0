//! The command line: one file per subcommand. The only place with exit codes and argument text.

use std::{ffi::OsString, process::ExitCode};

use clap::{CommandFactory as _, Parser, Subcommand};

mod apiserver;
mod check;
mod clean;
mod diff;
mod doctor;
mod engine;
mod exit;
mod flex_adapter;
mod github;
mod init;
mod input;
mod list;
mod mock;
mod outcome;
mod progress;
mod replay;
mod report;
mod rpc;
mod run;
mod sanity;
mod schema;
mod signal;
mod simulate;
mod style;
mod transport;

pub use exit::Exit;
pub use input::catalogue;

/// Tells whether a CSI storage driver can grow volumes safely.
///
/// `csi-stretch run` without an endpoint tests the reference driver that is built in.
#[derive(Debug, Parser)]
#[command(name = "csi-stretch", version, max_term_width = 100)]
#[command(after_help = exit::HELP)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
    /// When to use colour (NO_COLOR and CLICOLOR_FORCE are honoured).
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: style::When,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run scenarios against a driver and write reports (the main job).
    Run(Box<run::Args>),
    /// Ask a driver what it can do, and print a draft of a target profile.
    Init(init::Args),
    /// List scenarios, clauses, checks, offers or planted defects.
    List(list::Args),
    /// Judge a recorded history again, with no driver at all.
    Check(check::Args),
    /// Run again what failed in a run, with the same seed.
    Replay(replay::Args),
    /// Say what changed between two runs.
    Diff(diff::Args),
    /// Render a report.json in another format.
    Report(report::Args),
    /// Make one call to a driver by hand.
    Rpc(rpc::Args),
    /// Calls of the Identity service, in csc's words: `identity plugin-info`.
    #[command(aliases = ["ident", "i"])]
    Identity(rpc::Args),
    /// Calls of the Controller service: `controller create NAME`.
    #[command(alias = "c")]
    Controller(rpc::Args),
    /// Calls of the Node service: `node publish --target-path PATH VOLUME`.
    #[command(alias = "n")]
    Node(rpc::Args),
    /// Calls of the GroupController service.
    #[command(hide = true)]
    GroupController(rpc::Args),
    /// Calls of the SnapshotMetadata service.
    #[command(hide = true)]
    SnapshotMetadata(rpc::Args),
    /// Simulate a fleet of claims on virtual time, and say how long growth takes and what gets stuck.
    Simulate(Box<simulate::Args>),
    /// Serve the reference driver.
    Mock(mock::Args),
    /// Serve a Kubernetes API for storage sidecars, over simulated objects.
    Apiserver(apiserver::Args),
    /// Serve a FlexVolume driver as a CSI v1 driver.
    FlexAdapter(flex_adapter::Args),
    /// Say what this host can and cannot test, and how to get the rest.
    Doctor(doctor::Args),
    /// Be the process of an embedded engine.
    #[command(hide = true)]
    Engine(engine::Args),
    /// Remove what killed runs left behind.
    Clean(clean::Args),
    /// Print a JSON Schema: of reports, scenarios or target profiles.
    Schema(schema::Args),
    /// Print a completion script for a shell.
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let words = match words() {
        Ok(words) => words,
        Err(failure) => return told(&failure),
    };
    let cli = match Cli::try_parse_from(&words) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            let usage = error.use_stderr();
            return if usage { Exit::Usage.into() } else { Exit::Passed.into() };
        }
    };
    let style = cli.color.decide();
    let result = match cli.command {
        Command::Run(mut args) => {
            args.command = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
            run::main(&args, style)
        }
        Command::Init(args) => init::main(&args),
        Command::List(args) => list::main(&args),
        Command::Check(args) => check::main(&args, style),
        Command::Replay(args) => replay::main(&args, style),
        Command::Diff(args) => diff::main(&args, style),
        Command::Report(args) => report::main(&args, style),
        Command::Rpc(args) => rpc::main(&args, None),
        Command::Identity(args) => rpc::main(&args, Some("identity")),
        Command::Controller(args) => rpc::main(&args, Some("controller")),
        Command::Node(args) => rpc::main(&args, Some("node")),
        Command::GroupController(args) => rpc::main(&args, Some("group-controller")),
        Command::SnapshotMetadata(args) => rpc::main(&args, Some("snapshot-metadata")),
        Command::Simulate(args) => simulate::main(&args),
        Command::Mock(args) => mock::main(args),
        Command::Apiserver(args) => apiserver::main(&args),
        Command::FlexAdapter(args) => flex_adapter::main(args),
        Command::Doctor(args) => Ok(doctor::main(&args)),
        Command::Engine(args) => engine::main(&args),
        Command::Clean(args) => clean::main(&args),
        Command::Schema(args) => schema::main(&args),
        Command::Completions { shell } => rpc::with_methods(Cli::command()).and_then(|mut cli| {
            let mut out = Vec::new();
            clap_complete::generate(shell, &mut cli, "csi-stretch", &mut out);
            outcome::print(&String::from_utf8_lossy(&out))
        }),
    };
    match result {
        Ok(exit) => exit.into(),
        Err(failure) => told(&failure),
    }
}

/// The words of this process's command line, csi-sanity's among them put into our own.
fn words() -> Result<Vec<OsString>, outcome::Failure> {
    let words: Vec<OsString> = std::env::args_os().collect();
    let texts: Option<Vec<String>> =
        words.iter().map(|word| word.to_str().map(str::to_owned)).collect();
    let Some(translated) = texts.map(|texts| sanity::translate(&texts)).transpose()?.flatten()
    else {
        return Ok(words);
    };
    for remark in &translated.remarks {
        eprintln!("csi-stretch: {remark}");
    }
    Ok(translated.words.into_iter().map(OsString::from).collect())
}

fn told(failure: &outcome::Failure) -> ExitCode {
    eprintln!("csi-stretch: {failure}");
    failure.exit.into()
}
