//! What a person sees while a run goes on: a bar on a terminal, a line per scenario elsewhere. A
//! sink of the journal, like every other reader of events; each line is a judgement of its own,
//! made of just that scenario's records.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use csi_stretch_oracle::{
    clause::Catalogue,
    history::{Record, Run, Side},
    judge::judge,
    verdict::Verdict,
};
use csi_stretch_reports::console;
use indicatif::{ProgressBar, ProgressState, ProgressStyle};

mod estimate;

use estimate::Estimate;

use super::{outcome::print, style::Style};
use crate::{runner::journal::Sink, scenario::Planned};

/// What is shown, and who else is told.
pub struct Show {
    /// No line for each scenario.
    pub quiet: bool,
    /// Colour and bar.
    pub style: Style,
    /// Set when a scenario has failed.
    pub failed: Option<Arc<AtomicBool>>,
    /// Scenarios side by side.
    pub jobs: u16,
}

/// The console of one run.
pub struct Progress {
    bar: Option<Bar>,
    lines: bool,
    style: Style,
    failed: Option<Arc<AtomicBool>>,
    run: Run,
    catalogue: Catalogue,
    last_side: Side,
    open: Mutex<BTreeMap<u32, Vec<Record>>>,
}

impl Progress {
    /// Prints the head of the run.
    pub fn start(run: &Run, catalogue: &Catalogue, planned: &[Planned], show: Show) -> Self {
        let Show { quiet, style, failed, jobs } = show;
        if !quiet {
            let _ = print(&console::header(run, style.into()));
        }
        let sides = if run.reference.is_some() { 2 } else { 1 };
        let bar = (style.progress && !quiet).then(|| Bar::new(planned, sides, jobs));
        Self {
            lines: !quiet,
            bar,
            style,
            failed,
            run: run.clone(),
            catalogue: catalogue.clone(),
            last_side: if run.reference.is_some() { Side::Reference } else { Side::Subject },
            open: Mutex::new(BTreeMap::new()),
        }
    }

    /// Collects a scenario's records; gives them all when its last side is over.
    fn collect(&self, record: &Record) -> Option<Vec<Record>> {
        let mut open = held(&self.open);
        let (number, over) = match record {
            Record::Scenario(instance) => (instance.number, instance.skip.is_some()),
            Record::Event { scenario, .. }
            | Record::Readings { scenario, .. }
            | Record::Objects { scenario, .. } => (*scenario, false),
            Record::Ended { scenario, side, .. } => (*scenario, *side == self.last_side),
            Record::Run(_) | Record::End(_) => return None,
        };
        open.entry(number).or_default().push(record.clone());
        if over { open.remove(&number) } else { None }
    }

    fn line(&self, records: Vec<Record>) {
        let run = std::iter::once(Record::Run(Box::new(self.run.clone())));
        let report = judge(run.chain(records), &self.catalogue);
        for result in report.scenarios.iter().filter(|result| result.skip.is_none()) {
            if let Some(failed) = &self.failed
                && result.verdict >= Verdict::Fail
            {
                failed.store(true, Ordering::Relaxed);
            }
            if !self.lines {
                continue;
            }
            let text = console::scenario(result, self.style.into());
            match &self.bar {
                Some(bar) => {
                    bar.done();
                    bar.shown.suspend(|| _ = print(&text));
                }
                None => _ = print(&text),
            }
        }
    }
}

impl Sink for Progress {
    fn record(&self, record: &Record) {
        if let Some(bar) = &self.bar {
            bar.note(record);
        }
        if (self.lines || self.failed.is_some())
            && let Some(records) = self.collect(record)
        {
            self.line(records);
        }
        if let (Record::End(_), Some(bar)) = (record, &self.bar) {
            bar.shown.finish_and_clear();
        }
    }
}

/// A bar as long as the run is thought to take.
struct Bar {
    shown: ProgressBar,
    begun: Instant,
    estimate: Arc<Mutex<Estimate>>,
    /// Scenarios that are over, and all.
    scenarios: Arc<Mutex<(usize, usize)>>,
}

impl Bar {
    const LENGTH: u64 = 1000;

    fn new(planned: &[Planned], sides: u32, jobs: u16) -> Self {
        let begun = Instant::now();
        let count = planned.iter().filter(|planned| planned.instance.skip.is_none()).count();
        let estimate = Arc::new(Mutex::new(Estimate::new(planned, sides, jobs)));
        let scenarios = Arc::new(Mutex::new((0, count)));
        let shown = ProgressBar::new(Self::LENGTH);
        let template = "{bar:30} {scenarios}  {elapsed_precise}  about {left} to go";
        if let Ok(style) = ProgressStyle::with_template(template) {
            let (told, counted) = (estimate.clone(), scenarios.clone());
            let left = move |_: &ProgressState, out: &mut dyn std::fmt::Write| {
                let seconds = held(&told).left(begun.elapsed()).as_secs();
                let _ = write!(out, "{}", humantime::format_duration(Duration::from_secs(seconds)));
            };
            let scenarios = move |_: &ProgressState, out: &mut dyn std::fmt::Write| {
                let (done, all) = *held(&counted);
                let _ = write!(out, "{done}/{all}");
            };
            shown.set_style(style.with_key("left", left).with_key("scenarios", scenarios));
        }
        shown.enable_steady_tick(Duration::from_millis(200));
        Self { shown, begun, estimate, scenarios }
    }

    fn note(&self, record: &Record) {
        let elapsed = self.begun.elapsed();
        let left = {
            let mut estimate = held(&self.estimate);
            estimate.note(record, elapsed);
            estimate.left(elapsed)
        };
        let share = elapsed.as_secs_f64() / (elapsed + left).as_secs_f64().max(f64::MIN_POSITIVE);
        self.shown.set_position((share * Self::LENGTH as f64) as u64);
    }

    fn done(&self) {
        held(&self.scenarios).0 += 1;
    }
}

fn held<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
