//! `csi-stretch report`: a report.json in another format.

use std::path::PathBuf;

use csi_stretch_reports::{self as reports, Exchanges, Format};

use super::{
    Exit, input,
    outcome::{Failure, Outcome, print},
    style::Style,
};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// A run: its folder, report.json or history.ndjson.
    report: PathBuf,
    /// Which format.
    #[arg(long, value_enum, default_value = "text")]
    format: FormatName,
    /// Which requests and answers `--format html` holds.
    #[arg(long, value_enum, default_value = "found")]
    exchanges: ExchangesName,
    /// Write to this file instead of standard output.
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// What a page holds of what was asked and answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum ExchangesName {
    /// Of scenarios with a finding, as far as the page stays small.
    Found,
    /// All; a page of a whole run has several megabytes.
    All,
}

impl From<ExchangesName> for Exchanges {
    fn from(name: ExchangesName) -> Self {
        match name {
            ExchangesName::Found => Self::Found,
            ExchangesName::All => Self::All,
        }
    }
}

/// A format by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum FormatName {
    /// Text for a terminal.
    Text,
    /// report.json.
    Json,
    /// report.html.
    Html,
    /// junit.xml.
    Junit,
    /// summary.md.
    Markdown,
}

impl From<FormatName> for Format {
    fn from(name: FormatName) -> Self {
        match name {
            FormatName::Json | FormatName::Text => Self::Json,
            FormatName::Html => Self::Html,
            FormatName::Junit => Self::Junit,
            FormatName::Markdown => Self::Markdown,
        }
    }
}

pub fn main(args: &Args, style: Style) -> Outcome {
    let report = input::report(&args.report)?;
    let text = match args.format {
        FormatName::Text => reports::console::whole(&report, style.into()),
        FormatName::Html => {
            reports::html(&report, args.exchanges.into()).map_err(Failure::internal)?
        }
        format => reports::render(&report, format.into()).map_err(Failure::internal)?,
    };
    match &args.out {
        Some(path) => std::fs::write(path, text).map_err(|error| {
            Failure::report(format!("cannot write {}: {error}", path.display()))
        })?,
        None => drop(print(&text)?),
    }
    Ok(Exit::Passed)
}
