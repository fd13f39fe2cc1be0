//! `csi-stretch rpc`: one call by hand. Everything follows from the protocol's own description:
//! which methods there are, their flags, JSON in and out, what is secret. The words and the text
//! output of csc, the Go client that people know, are understood besides.

use std::io::{IsTerminal as _, Read as _};

use clap::ArgMatches;

use super::{
    Exit,
    outcome::{Failure, Outcome, print},
};

mod args;
mod call;
mod complete;
mod describe;
mod fields;
mod method;
mod request;
mod text;

pub use args::Args;
use args::Format;
pub use complete::with_methods;
use method::{Method, Methods, Spelling};

/// What `rpc` says at the end of its help.
pub const HELP: &str = "\
Methods: `csi-stretch rpc` lists them; `rpc METHOD --help` shows a method's flags, --describe its
messages. Written as `ControllerExpandVolume`, `csi.v1.Controller/ControllerExpandVolume`, or as csc
has it, `controller expand`; the words of csc also work without `rpc`, and answer in csc's text.

The request: JSON (`{…}`, `@FILE`, `-` for standard input), flags, or both; other words are ids,
names or paths, one call each. Secrets: --secrets FILE, or X_CSI_SECRETS=KEY=VALUE,…; no answer
shows them.

Exit codes: 0 for OK, 64 plus the gRPC code for a status:
  65 CANCELLED            66 UNKNOWN             67 INVALID_ARGUMENT  68 DEADLINE_EXCEEDED
  69 NOT_FOUND            70 ALREADY_EXISTS      71 PERMISSION_DENIED 72 RESOURCE_EXHAUSTED
  73 FAILED_PRECONDITION  74 ABORTED             75 OUT_OF_RANGE      76 UNIMPLEMENTED
  77 INTERNAL             78 UNAVAILABLE         79 DATA_LOSS         80 UNAUTHENTICATED
  2 for a wrong request or option, 3 if there is no connection, no answer, or none that can be read";

pub fn main(args: &Args, service: Option<&str>) -> Outcome {
    let methods = Methods::load()?;
    let words: Vec<&str> =
        service.into_iter().chain(args.words.iter().map(String::as_str)).collect();
    if words.is_empty() || service.is_some() && args.words.is_empty() {
        return print(&methods.listing(service));
    }
    let found = methods.find(&words)?;
    let (method, rest) = (found.method, &words[found.words..]);
    let matches = match method.command(found.spelling).try_get_matches_from(rest) {
        Ok(matches) => matches,
        Err(error) => return Ok(told(&error)),
    };
    let common = args.common.and(&matches)?;
    for flag in args::ignored(&matches) {
        eprintln!("csi-stretch: no meaning here: --{flag}");
    }
    if common.describe {
        return print(&describe::describe(&method));
    }
    let requests = requests(&method, &matches, found.spelling)?;
    let format = common.format.unwrap_or(match found.spelling {
        Spelling::Csc => Format::Text,
        Spelling::Name => Format::Json,
    });
    call::perform(&method, requests, &common, format, matches.get_flag("paging"))
}

/// Clap's own words: help, or what is wrong with the line.
fn told(error: &clap::Error) -> Exit {
    let _ = error.print();
    if error.use_stderr() { Exit::Usage } else { Exit::Passed }
}

/// The requests that a line asks for: usually one, and one for each id or name.
fn requests(
    method: &Method,
    matches: &ArgMatches,
    spelling: Spelling,
) -> Result<Vec<request::Draft>, Failure> {
    let words: Vec<&String> = matches.get_many("words").into_iter().flatten().collect();
    let is_json = |word: &str| word == "-" || word.starts_with('{') || word.starts_with('@');
    let (json, subjects): (Vec<&str>, Vec<&str>) =
        words.into_iter().map(String::as_str).partition(|word| is_json(word));
    let flags = fields::given(method, matches)?;
    let nothing_said = json.is_empty() && subjects.is_empty() && flags.is_empty();
    let text = match json.as_slice() {
        [] if nothing_said && spelling == Spelling::Name && method.takes_anything() => piped()?,
        [] => None,
        [word] => Some(source(word)?),
        [_, second, ..] => {
            return Err(Failure::usage(format!(
                "a call has one request, and `{second}` is another"
            )));
        }
    };
    request::drafts(method, text.as_deref(), &flags, &subjects)
}

/// What stands on standard input, unless that is a terminal.
fn piped() -> Result<Option<String>, Failure> {
    if std::io::stdin().is_terminal() {
        return Ok(None);
    }
    let text = standard_input()?;
    Ok(Some(text).filter(|text| !text.trim().is_empty()))
}

fn source(word: &str) -> Result<String, Failure> {
    match word.strip_prefix('@') {
        Some(path) => std::fs::read_to_string(path)
            .map_err(|error| Failure::usage(format!("cannot read {path}: {error}"))),
        None if word == "-" => standard_input(),
        None => Ok(word.to_owned()),
    }
}

fn standard_input() -> Result<String, Failure> {
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .map_err(|error| Failure::usage(format!("cannot read standard input: {error}")))?;
    Ok(text)
}
