//! `csi-stretch schema`: JSON Schemas for editors and validators.

use super::outcome::{Failure, Outcome, print};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Of what.
    #[arg(value_enum, default_value = "scenario")]
    what: What,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum What {
    /// A scenario file.
    Scenario,
    /// A target profile.
    Profile,
    /// report.json.
    Report,
    /// One line of history.ndjson.
    History,
}

pub fn main(args: &Args) -> Outcome {
    let schema = match args.what {
        What::Scenario => crate::scenario::schema(),
        What::Profile => schemars::schema_for!(crate::target::Profile).to_value(),
        What::Report => csi_stretch_reports::schema(),
        What::History => schemars::schema_for!(csi_stretch_oracle::history::Record).to_value(),
    };
    let text = serde_json::to_string_pretty(&schema).map_err(Failure::internal)?;
    print(&(text + "\n"))
}
