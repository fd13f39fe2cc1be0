//! `csi-stretch run`: the main job. `args` is what is asked for, `setting` what that means before
//! the first connection, `selection` which scenarios, `parties` who is tested and compared,
//! `folder` where reports go, `host` what a report says of this machine, `metrics` what Prometheus
//! reads meanwhile.

use std::{
    path::Path,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use csi_stretch_oracle::{
    history::{Run, SCHEMA},
    judge::judge,
    report::Report,
};
use csi_stretch_reports as reports;
use tokio::sync::watch;

use super::{
    Exit,
    github::Github,
    outcome::{Failure, Outcome, print},
    progress::{Progress, Show},
    signal,
    style::Style,
};
use crate::runner::{
    self, Journal, Party,
    journal::Sink,
    registry::{self, RunDir},
    run::Pace,
};

mod args;
mod folder;
mod host;
mod metrics;
mod parties;
mod selection;
mod setting;

use metrics::Page;

pub use args::Args;
use folder::Folder;
use setting::Setting;

pub fn main(args: &Args, style: Style) -> Outcome {
    if args.list {
        return selection::list(args, &Setting::make(args)?.scenarios);
    }
    Ok(Exit::of(&perform_with(args, style)?))
}

/// Runs, writes the reports, and returns what they say.
pub fn perform_with(args: &Args, style: Style) -> Result<Report, Failure> {
    let setting = Setting::make(args)?;
    // One thread: a call's latency then does not depend on which core wakes up. Blocking work
    // (probes, loads) has threads of its own.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::internal)?;
    let outcome = runtime.block_on(carry_out(args, &setting, style));
    // A probe on a dead mount may never return; do not wait for its thread.
    runtime.shutdown_timeout(Duration::from_millis(100));
    outcome
}

async fn carry_out(args: &Args, setting: &Setting, style: Style) -> Result<Report, Failure> {
    let interrupted = signal::interruption();
    super::clean::dead_runs(&setting.root, args.connect_timeout).await;
    let mut folder = Folder::make(&args.out)?;
    let history = folder.file("history.ndjson");
    let dir = setting.root.join(&folder.run_id).join("subject");
    let way_back = setting.way_back(args, &folder.run_id, &dir);
    let owner =
        registry::this_process(&folder.run_id, setting.roots(&folder.run_id), way_back, &history);
    let mut run_dir = RunDir::create(&setting.root, &owner).map_err(Failure::lab)?;
    if args.keep {
        run_dir.keep();
    }
    let page = match args.metrics {
        Some(address) => Some(Page::serve(address).await?),
        None => None,
    };
    if let Some(page) = page.as_ref().filter(|_| !args.quiet) {
        print(&format!("metrics    {}\n", page.url()))?;
    }
    let mut subject = setting.open_subject(args, &folder, &run_dir).await?;
    subject.plan = setting.plan(args, &subject.session.target.offers);
    if subject.plan.is_empty() {
        return Err(selection::nothing(args, &setting.scenarios));
    }
    let reference = setting.open_reference(args, &folder, &run_dir, &subject).await;
    let run = describe(args, setting, &folder, &subject, &reference);
    folder.began();
    let cast = Cast { run, subject, reference: reference.ok(), page };
    let report = perform(args, setting, &history, style, cast, interrupted).await?;
    drop(run_dir);
    finish(args, &report, &folder, style)?;
    Ok(report)
}

fn describe(
    args: &Args,
    setting: &Setting,
    folder: &Folder,
    subject: &Party,
    reference: &Result<Party, String>,
) -> Run {
    let recorder = subject.session.recorder();
    Run {
        schema: SCHEMA.into(),
        id: folder.run_id.clone(),
        started: jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        tool_version: env!("CARGO_PKG_VERSION").into(),
        command: args.command.iter().map(|word| recorder.text(word)).collect(),
        folder: folder.path().display().to_string(),
        seed: setting.seed,
        strict: args.strict,
        known: setting.known.clone(),
        target: subject.session.target.clone(),
        reference: reference.as_ref().ok().map(|party| party.session.target.clone()),
        reference_off: reference.as_ref().err().cloned(),
        host: host::describe(subject.session.target.tier, setting.endpoint.is_none()),
    }
}

/// Who takes part in a run, and the facts of it.
struct Cast {
    run: Run,
    subject: Party,
    reference: Option<Party>,
    page: Option<Page>,
}

async fn perform(
    args: &Args,
    setting: &Setting,
    history: &Path,
    style: Style,
    cast: Cast,
    interrupted: watch::Receiver<bool>,
) -> Result<Report, Failure> {
    let Cast { run, subject, reference, page } = cast;
    let cannot = |error| Failure::report(format!("cannot write {}: {error}", history.display()));
    let enough = Arc::new(AtomicBool::new(false));
    let watch = args.fail_fast.then(|| enough.clone());
    let show = Show { quiet: args.quiet, style, failed: watch, jobs: args.jobs };
    let progress = Progress::start(&run, &setting.catalogue, &subject.plan, show);
    let mut sinks: Vec<Box<dyn Sink>> = vec![Box::new(progress)];
    sinks.extend(page.as_ref().map(|page| -> Box<dyn Sink> { Box::new(page.sink(&run)) }));
    let journal = Journal::new(Some(history), sinks).map_err(cannot)?;
    let journal = Arc::new(journal);
    let pace = Pace { jobs: args.jobs, enough };
    let (subject, reference) = (Arc::new(subject), reference.map(Arc::new));
    runner::run::run(run, &subject, reference.as_ref(), &journal, &pace, &interrupted).await;
    subject.session.close().await;
    if let Some(reference) = &reference {
        reference.session.close().await;
    }
    match journal.finish() {
        (_, Some(error)) => Err(cannot(error)),
        (records, None) => Ok(judge(records, &setting.catalogue)),
    }
}

/// Writes the reports, points `latest` at them (unless this is a replay), and says where they are.
fn finish(args: &Args, report: &Report, folder: &Folder, style: Style) -> Outcome {
    let written = reports::write_all(report, folder.path());
    print(&reports::console::end(report, style.into()))?;
    let github = Github::around();
    if github.is_some() {
        Github::annotate(report, args.profile())?;
    }
    written.map_err(Failure::report)?;
    // A replay can be repeated: what it began with stays the latest run.
    if !args.replayed {
        folder.link_latest();
    }
    if !args.quiet {
        print(&format!("reports: {}\n", folder.file("report.html").display()))?;
    }
    if let Some(path) = &args.junit {
        reports::write(report, reports::Format::Junit, path).map_err(Failure::report)?;
    }
    if let Some(github) = &github {
        github.summarize(report)?;
    }
    Ok(Exit::Passed)
}
