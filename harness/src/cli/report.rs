//! `csi-stretch report`: a report.json in another format.

use std::path::PathBuf;

use csi_stretch_reports::{self as reports, Format};

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
    /// Write to this file instead of standard output.
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
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
