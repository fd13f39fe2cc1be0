//! `csi-stretch simulate`: a fleet of claims on virtual time, against a driver that is a model. It
//! tells how long growth takes, what it costs in calls, and which claims never get there.

use std::{
    fs::File,
    io::{self, BufWriter, Write as _},
    path::PathBuf,
    time::Duration,
};

use csi_stretch_oracle::history::Code;

use super::{
    exit::Exit,
    outcome::{Failure, Outcome, print},
};
use crate::generator::orchestrator::{
    fleet::{self, Defect, Errors, Latency, Line, Plan},
    profile::{PROFILES, Profile},
    quantity,
    time::Span,
};

mod text;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// How many claims, each with a pod.
    #[arg(long, value_name = "N", default_value_t = 100)]
    claims: usize,
    /// How many nodes the pods are on.
    #[arg(long, value_name = "N", default_value_t = 10)]
    nodes: usize,
    /// Which Kubernetes: current, 1.32, 1.24, 1.16 or legacy-1.14.
    #[arg(long, value_name = "NAME", default_value = "current", value_parser = profile)]
    profile: &'static Profile,
    /// The seed. The same seed gives the same history, to the byte.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Size of each claim at the beginning, and what it is grown to, one after the other.
    #[arg(long, value_name = "SIZES", default_value = "10Gi,20Gi")]
    #[arg(value_delimiter = ',', value_parser = size)]
    sizes: Vec<u64>,
    /// All ask for growth within this time.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = span)]
    over: Span,
    /// How long it may take before what has not settled is called stuck.
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = span)]
    patience: Span,
    /// Share of claims without a pod, 0 to 1.
    #[arg(long, value_name = "SHARE", default_value = "0", value_parser = share)]
    idle: f64,
    /// Make and attach the volumes first, instead of finding them there.
    #[arg(long)]
    from_nothing: bool,
    /// Raw block volumes instead of file systems.
    #[arg(long)]
    block: bool,
    /// csi-resizer's --workers.
    #[arg(long, value_name = "N", default_value_t = 10)]
    workers: usize,
    /// API requests a second of each sidecar; 0: no limit.
    #[arg(long, value_name = "N", default_value_t = 5)]
    api_qps: u64,
    /// API requests that may come at once.
    #[arg(long, value_name = "N", default_value_t = 10)]
    api_burst: u64,
    /// How long calls take: half of them at most the first, one in a hundred more than the second.
    #[arg(long, value_name = "USUAL..RARE", default_value = "50ms..500ms", value_parser = latency)]
    latency: Latency,
    /// Calls that fail, as UNAVAILABLE=0.01,INTERNAL=0.005.
    #[arg(long, value_name = "CODE=SHARE", value_delimiter = ',', value_parser = error)]
    errors: Vec<(Code, f64)>,
    /// Share of calls that take effect and are never answered.
    #[arg(long, value_name = "SHARE", default_value = "0", value_parser = share)]
    lost: f64,
    /// What is wrong with the driver: sticky-aborted, not-repeatable, not-found-while-late,
    /// flag-flips, rounds-up or no-size.
    #[arg(long, value_name = "NAME", value_parser = defect)]
    defect: Option<Defect>,
    /// The driver ends this often, and its sidecars with it.
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = span)]
    restart_driver: Span,
    /// csi-resizer ends this often.
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = span)]
    restart_resizer: Span,
    /// Another kubelet ends this often.
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = span)]
    restart_kubelet: Span,
    /// Try this many seeds, from --seed on, until a claim is stuck or an invariant breaks.
    #[arg(long, value_name = "N")]
    find_stuck: Option<u64>,
    /// Write every call, state and restart to this file, one JSON object a line.
    #[arg(long, value_name = "FILE")]
    history: Option<PathBuf>,
    /// Write the result to this file, as JSON.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// What standard output gets.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// A page to read.
    Text,
    /// The result as JSON.
    Json,
}

fn profile(text: &str) -> Result<&'static Profile, String> {
    let known: Vec<&str> = PROFILES.iter().map(|profile| profile.name).collect();
    Profile::named(text).ok_or_else(|| format!("known profiles are {}", known.join(", ")))
}

fn defect(text: &str) -> Result<Defect, String> {
    let known: Vec<&str> = Defect::ALL.iter().map(|(name, _)| *name).collect();
    Defect::named(text).ok_or_else(|| format!("known defects are {}", known.join(", ")))
}

fn size(text: &str) -> Result<u64, String> {
    let bytes = quantity::parse(text).filter(|bytes| *bytes > 0);
    bytes.ok_or_else(|| "write a size as Kubernetes does: 10Gi, 500Mi, 20G".to_owned())
}

fn span(text: &str) -> Result<Span, String> {
    let span: Duration = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    u64::try_from(span.as_micros()).map_err(|_| "that is too long".to_owned())
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse::<f64>().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "write a share as a number from 0 to 1".to_owned())
}

fn latency(text: &str) -> Result<Latency, String> {
    let (usual, rare) = text.split_once("..").unwrap_or((text, text));
    let latency = Latency { usual: span(usual)?, rare: span(rare)? };
    if latency.rare < latency.usual {
        return Err("the second time is the longer one: 50ms..500ms".to_owned());
    }
    Ok(latency)
}

fn error(text: &str) -> Result<(Code, f64), String> {
    let (name, part) = text.split_once('=').ok_or("write CODE=SHARE: UNAVAILABLE=0.01")?;
    let code = serde_json::from_value::<Code>(name.to_lowercase().into()).ok();
    let code = code.filter(|code| !code.is_ours() && *code != Code::Ok);
    let code = code.ok_or_else(|| format!("{name} is no gRPC code; UNAVAILABLE is one"))?;
    Ok((code, share(part)?))
}

impl Args {
    fn plan(&self, seed: u64) -> Plan {
        Plan {
            claims: self.claims,
            nodes: self.nodes,
            profile: self.profile,
            seed,
            sizes: self.sizes.clone(),
            over: self.over,
            patience: self.patience,
            idle: self.idle,
            from_nothing: self.from_nothing,
            block: self.block,
            workers: self.workers,
            api: (self.api_qps, self.api_burst),
            latency: self.latency,
            errors: Errors { codes: self.errors.clone(), lost: self.lost },
            defect: self.defect,
            driver_restarts: self.restart_driver,
            resizer_restarts: self.restart_resizer,
            kubelet_restarts: self.restart_kubelet,
        }
    }

    fn check(&self) -> Result<(), Failure> {
        let sum: f64 = self.errors.iter().map(|(_, share)| share).sum::<f64>() + self.lost;
        if self.claims == 0 || self.nodes == 0 {
            return Err(Failure::usage("a fleet has at least one claim and one node"));
        }
        if self.sizes.len() < 2 || !self.sizes.is_sorted_by(|one, other| one < other) {
            return Err(Failure::usage("--sizes takes two sizes or more, each larger: 10Gi,20Gi"));
        }
        if sum > 1.0 {
            return Err(Failure::usage("--errors and --lost together are more than all calls"));
        }
        Ok(())
    }
}

pub fn main(args: &Args) -> Outcome {
    args.check()?;
    let (plan, outcome) = match args.find_stuck {
        None => (args.plan(args.seed), None),
        Some(count) => {
            let seeds = args.seed..args.seed.saturating_add(count);
            let Some((seed, found)) = find(args, seeds)? else {
                print(&format!("{count} seeds from {}: every claim settled\n", args.seed))?;
                return Ok(Exit::Passed);
            };
            (args.plan(seed), Some(found))
        }
    };
    // A history is written for the seed that was found, too.
    let outcome = match outcome.filter(|_| args.history.is_none()) {
        Some(outcome) => outcome,
        None => simulate(&plan, args)?,
    };
    let json = serde_json::to_string_pretty(&outcome).map_err(Failure::internal)? + "\n";
    if let Some(path) = &args.report {
        let wrote = std::fs::write(path, &json);
        wrote.map_err(|e| Failure::report(format!("cannot write {}: {e}", path.display())))?;
    }
    match args.format {
        Format::Json => print(&json)?,
        Format::Text => print(&text::page(&plan, &outcome))?,
    };
    let good = outcome.stuck.is_empty() && outcome.breaches_total == 0;
    Ok(if good { Exit::Passed } else { Exit::Failed })
}

fn find(
    args: &Args,
    seeds: std::ops::Range<u64>,
) -> Result<Option<(u64, fleet::Outcome)>, Failure> {
    for seed in seeds {
        let outcome = fleet::simulate(&args.plan(seed), None).map_err(Failure::internal)?;
        if !outcome.stuck.is_empty() || outcome.breaches_total > 0 {
            return Ok(Some((seed, outcome)));
        }
    }
    Ok(None)
}

fn simulate(plan: &Plan, args: &Args) -> Result<fleet::Outcome, Failure> {
    let Some(path) = &args.history else {
        return fleet::simulate(plan, None).map_err(Failure::internal);
    };
    let told =
        |error: io::Error| Failure::report(format!("cannot write {}: {error}", path.display()));
    let mut file = BufWriter::new(File::create(path).map_err(told)?);
    let mut wrote = Ok(());
    let mut sink = |line: &Line| {
        if wrote.is_ok() {
            wrote = serde_json::to_writer(&mut file, line)
                .map_err(io::Error::from)
                .and_then(|()| file.write_all(b"\n"));
        }
    };
    let outcome = fleet::simulate(plan, Some(&mut sink)).map_err(Failure::internal)?;
    wrote.and_then(|()| file.flush()).map_err(told)?;
    Ok(outcome)
}
