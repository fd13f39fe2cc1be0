//! A workload while its volume grew: charts above each other on one axis of time, what each growth
//! cost, what became of the data, and all of it once more as a table.
//!
//! Charts are drawn here, so that they need no script; the cursor reads the table. Shapes use a
//! field of 1000 by 1000 that is stretched over the plot, texts and bands per cent of it.

mod growths;
mod panels;
mod scale;
mod sizes;
mod slices;
mod table;

use csi_stretch_oracle::{
    action::Database,
    history::{Scale, Slo},
    report::{Integrity, Mark, MarkKind, Series},
};

use super::{Link, meter::percent, scenario_link};
use crate::{text, view::View};
use panels::Panel;
use scale::Time;
use slices::Slices;

/// Charts shown open; the rest is folded.
const OPEN_MAX: usize = 6;

pub struct SeriesView<'a> {
    pub anchor: String,
    pub scenario: Link<'a>,
    pub about: String,
    /// On the axes of data and of time.
    pub scale: Scale,
    pub open: bool,
    pub panels: Vec<Panel>,
    pub ticks: Vec<(String, String)>,
    pub bands: Vec<BandView>,
    pub marks: Vec<MarkView>,
    pub no_space: bool,
    /// Kinds of times in which the engine did not run, and their names.
    pub down: Vec<(&'static str, &'static str)>,
    /// Place and number of each growth.
    pub numbers: Vec<(String, usize)>,
    pub growths: Vec<growths::Row>,
    pub missing: Vec<String>,
    pub integrity: Vec<IntegrityView>,
    pub table: table::Table,
    pub note: String,
}

pub struct BandView {
    pub kind: &'static str,
    pub x: String,
    pub width: String,
    pub title: String,
}

pub struct MarkView {
    pub kind: &'static str,
    pub x: String,
    pub width: String,
    pub label: String,
}

pub struct IntegrityView {
    /// Of which copy; empty: of the volume itself.
    pub of: String,
    pub kind: &'static str,
    pub words: String,
    pub first: Option<String>,
}

pub fn series<'a>(view: &View<'a>) -> Vec<SeriesView<'a>> {
    let all = view.report.series.iter().enumerate();
    all.map(|(number, series)| one(view, number, series)).collect()
}

fn one<'a>(view: &View<'a>, number: usize, series: &'a Series) -> SeriesView<'a> {
    let time = Time::new(series.from_us, series.to_us);
    let slices = Slices::new(series, time);
    let access = if series.access.is_empty() { "access not stated" } else { &series.access };
    let gaps = sizes::gaps(series, time, &growths::windows(view, series));
    let growths = growths::rows(view, series);
    SeriesView {
        anchor: format!("w{number}"),
        scenario: scenario_link(view, &series.scenario),
        about: about(series, access),
        scale: series.scale.clone().unwrap_or_default(),
        open: number < OPEN_MAX,
        panels: panels::panels(series, &slices, time, &gaps),
        ticks: time.ticks(),
        bands: bands(series, time),
        marks: series.marks.iter().map(|mark| self::mark(mark, time)).collect(),
        no_space: has(series, MarkKind::NoSpace),
        down: down(series),
        numbers: growths::numbers(view, series, time),
        growths,
        missing: gaps.into_iter().map(|gap| gap.told).collect(),
        integrity: integrities(series),
        table: table::table(series, &slices),
        note: note(series, &slices),
    }
}

fn has(series: &Series, kind: MarkKind) -> bool {
    series.marks.iter().any(|mark| mark.kind == kind)
}

fn down(series: &Series) -> Vec<(&'static str, &'static str)> {
    let kinds = [
        (MarkKind::Ended, ("ended", "engine down")),
        (MarkKind::Recovering, ("recovering", "opened again")),
    ];
    kinds.into_iter().filter(|(kind, _)| has(series, *kind)).map(|(_, key)| key).collect()
}

fn about(series: &Series, access: &str) -> String {
    let slo = series.slo.map(allowed).unwrap_or_default();
    format!("{} · {access}{slo}", series.volume)
}

fn allowed(slo: Slo) -> String {
    let dip = slo.dip_percent.map(|dip| format!("a dip of {dip} %"));
    let stall = slo.stall_ms.map(|ms| format!("a stall of {} ms", text::grouped(ms)));
    let both: Vec<String> = dip.into_iter().chain(stall).collect();
    format!(" · a growth may cost {}", both.join(" and "))
}

fn note(series: &Series, slices: &Slices<'_>) -> String {
    let readings = text::counted(series.readings_total as usize, "reading", "readings");
    let each = text::took(slices.length_us());
    let thinned = if series.readings.len() < series.readings_total as usize {
        "; the middle value of those that were kept, in a shade from the slowest to the fastest"
    } else {
        "; the middle value, in a shade from the slowest to the fastest"
    };
    let rows = Database::BATCH_ROWS;
    format!(
        "{readings}, drawn and told in slices of {each}{thinned}. Latency is the worst. \
         An operation of the bulk load is a commit of {rows} rows; a query reads or changes one."
    )
}

fn bands(series: &Series, time: Time) -> Vec<BandView> {
    let band = |band: &csi_stretch_oracle::report::Band| BandView {
        kind: match band.call.as_str() {
            "ControllerExpandVolume" => "controller",
            "NodeExpandVolume" => "node",
            _ => "other",
        },
        x: percent(time.at(band.from_us)),
        width: percent(time.at(band.to_us) - time.at(band.from_us)),
        title: format!(
            "{} {} in {}, at {}",
            band.call,
            band.code,
            text::took(band.to_us.saturating_sub(band.from_us)),
            time.clock(band.from_us)
        ),
    };
    series.bands.iter().map(band).collect()
}

fn mark(mark: &Mark, time: Time) -> MarkView {
    let kind = match mark.kind {
        MarkKind::NoSpace => "no-space",
        MarkKind::Recovering => "recovering",
        MarkKind::Ended => "ended",
        MarkKind::Fault => "fault",
    };
    let x = time.at(mark.from_us);
    MarkView {
        kind,
        x: percent(x),
        width: percent(time.at(mark.to_us) - x),
        label: format!("{}, at {}", mark.what, time.clock(mark.from_us)),
    }
}

fn integrities(series: &Series) -> Vec<IntegrityView> {
    let own = series.integrity.iter().map(|one| integrity(String::new(), one));
    let copies = series.copies.iter().map(|(name, one)| integrity(format!(" of {name}"), one));
    own.chain(copies).collect()
}

fn integrity(of: String, integrity: &Integrity) -> IntegrityView {
    let Integrity { verifications, acknowledged_bytes, verified_bytes, rows, lost, first } =
        integrity;
    let size = |bytes: &u64| text::size(*bytes);
    let times = text::counted(*verifications as usize, "time", "times");
    let what = match rows {
        Some(rows) => format!(
            "{} rows acknowledged ({}), {} verified ({}), {} lost",
            text::grouped(rows.acknowledged),
            size(acknowledged_bytes),
            text::grouped(rows.verified),
            size(verified_bytes),
            text::grouped(rows.lost)
        ),
        None => format!(
            "{} acknowledged, {} verified, {} lost",
            size(acknowledged_bytes),
            size(verified_bytes),
            text::counted(usize::try_from(*lost).unwrap_or(usize::MAX), "block", "blocks")
        ),
    };
    let bad = *lost > 0 || rows.is_some_and(|rows| rows.lost > 0);
    let first = first.as_ref().map(|first| {
        let page = first.page.map(|page| format!("page {page}, ")).unwrap_or_default();
        let offset = text::bytes(first.offset.into());
        let place = first.place().map(|_| format!(" {page}offset {offset}:")).unwrap_or_default();
        format!("The first:{place} {}", first.what)
    });
    let kind = if bad { "fail" } else { "pass" };
    IntegrityView { of, kind, words: format!("{what}; read back {times}"), first }
}
