//! `csi-stretch check`: judges a recorded history again. No driver, no clock: the report is the
//! same, byte for byte, as the one of the live run.

use std::path::PathBuf;

use csi_stretch_reports as reports;

use super::{
    Exit,
    input::catalogue,
    outcome::{Failure, Outcome, print},
    style::Style,
};
use crate::runner::journal;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// A history.ndjson.
    history: PathBuf,
    /// Write all report formats into this folder.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print this format instead of the summary.
    #[arg(long, value_enum)]
    format: Option<super::report::FormatName>,
}

pub fn main(args: &Args, style: Style) -> Outcome {
    let records = journal::read(&args.history).map_err(Failure::usage)?;
    let report = csi_stretch_oracle::judge::judge(records, &catalogue()?);
    if let Some(dir) = &args.out {
        reports::write_all(&report, dir).map_err(Failure::report)?;
    }
    match args.format {
        Some(format) => {
            print(&reports::render(&report, format.into()).map_err(Failure::internal)?)?
        }
        None => print(&reports::console::whole(&report, style.into()))?,
    };
    Ok(Exit::of_history(&report))
}
