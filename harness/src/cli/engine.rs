//! `csi-stretch engine`: the process of an embedded engine. The harness starts it; it is no command
//! for people.

use super::{
    Exit,
    outcome::{Failure, Outcome},
};
use crate::workload::pages;

#[derive(Debug, clap::Args)]
#[group(skip)]
pub struct Args {
    /// Which engine.
    kind: Kind,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Kind {
    /// Takes its order as a line of JSON on standard input.
    Pages,
}

pub fn main(args: &Args) -> Outcome {
    let Kind::Pages = args.kind;
    match pages::serve::serve() {
        Ok(true) => Ok(Exit::Passed),
        Ok(false) => Ok(Exit::Inconclusive),
        Err(error) if error.kind() == std::io::ErrorKind::InvalidInput => {
            Err(Failure::usage(error))
        }
        Err(error) => Err(Failure::lab(error)),
    }
}
