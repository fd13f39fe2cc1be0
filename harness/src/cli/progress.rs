//! What a person sees while a run goes on: a bar on a terminal, a line per scenario elsewhere. A
//! sink of the journal, like every other reader of events; each line is a judgement of its own,
//! made of just that scenario's records.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use csi_stretch_oracle::{
    clause::Catalogue,
    history::{Record, Run, Side},
    judge::judge,
    verdict::Verdict,
};
use csi_stretch_reports::console;
use indicatif::{ProgressBar, ProgressStyle};

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
}

/// The console of one run.
pub struct Progress {
    bar: Option<ProgressBar>,
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
        let Show { quiet, style, failed } = show;
        if !quiet {
            let _ = print(&console::header(run, style.into()));
        }
        let count = planned.iter().filter(|planned| planned.instance.skip.is_none()).count();
        let bar = (style.progress && !quiet).then(|| bar(count as u64));
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
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let (number, over) = match record {
            Record::Scenario(instance) => (instance.number, instance.skip.is_some()),
            Record::Event { scenario, .. } | Record::Readings { scenario, .. } => {
                (*scenario, false)
            }
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
                    bar.inc(1);
                    bar.suspend(|| _ = print(&text));
                }
                None => _ = print(&text),
            }
        }
    }
}

impl Sink for Progress {
    fn record(&self, record: &Record) {
        if (self.lines || self.failed.is_some())
            && let Some(records) = self.collect(record)
        {
            self.line(records);
        }
        if let (Record::End(_), Some(bar)) = (record, &self.bar) {
            bar.finish_and_clear();
        }
    }
}

fn bar(count: u64) -> ProgressBar {
    let bar = ProgressBar::new(count);
    let template = "{bar:30} {pos}/{len}  {elapsed_precise}  about {eta} to go";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.enable_steady_tick(std::time::Duration::from_millis(200));
    bar
}
