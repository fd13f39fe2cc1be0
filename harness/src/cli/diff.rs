//! `csi-stretch diff`: what changed between two reports, of two releases of a driver or of two
//! vendors.

use std::path::PathBuf;

use csi_stretch_oracle::diff::Difference;
use csi_stretch_reports as reports;

use super::{
    Exit, input,
    outcome::{Failure, Outcome, print},
    style::Style,
};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit code: 0 nothing regressed, 1 something that was good is not any more."
)]
pub struct Args {
    /// The older run: its folder, report.json or history.ndjson.
    old: PathBuf,
    /// The newer one.
    new: PathBuf,
    /// Which format.
    #[arg(long, value_enum, default_value = "text")]
    format: FormatName,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum FormatName {
    /// For a terminal.
    Text,
    /// All of it, as data.
    Json,
    /// For a merge request.
    Markdown,
}

pub fn main(args: &Args, style: Style) -> Outcome {
    let difference = Difference::between(&input::report(&args.old)?, &input::report(&args.new)?);
    let text = match args.format {
        FormatName::Text => reports::diff::text(&difference, style.into()),
        FormatName::Markdown => reports::diff::markdown(&difference),
        FormatName::Json => {
            serde_json::to_string_pretty(&difference).map_err(Failure::internal)? + "\n"
        }
    };
    print(&text)?;
    Ok(if difference.has_regressed() { Exit::Failed } else { Exit::Passed })
}
