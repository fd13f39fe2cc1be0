//! What an engine tells, in the words of the history.

use csi_stretch_oracle::history::{
    Code, Completion, Failure, LoadReport, Mismatch, Ops, Recovered, Rows,
};

use crate::workload::engine::{Found, Lost, Met, Recovery, Trouble, Verified, Window};

/// Errors kept word by word.
pub const ERRORS_MAX: usize = 16;

pub fn ops(window: &Window, errors: u64) -> Ops {
    Ops {
        done: window.count(),
        errors,
        p50_us: window.quantile(0.5).unwrap_or(0),
        p99_us: window.quantile(0.99).unwrap_or(0),
        max_us: window.max().unwrap_or(0),
    }
}

/// Something that was read, and is not what was written.
pub fn damage(trouble: &Trouble) -> Option<Mismatch> {
    let Met::Damage(found) = &trouble.met else { return None };
    let (page, offset) = trouble.page.unzip();
    let what = format!("{}: found {found}", trouble.doing);
    Some(Mismatch { offset: offset.unwrap_or(0), length: 0, page, what })
}

pub fn trouble(trouble: &Trouble) -> Failure {
    let Trouble { doing, met, .. } = trouble;
    Failure { code: code(met), message: format!("{doing}: {met}") }
}

/// What became of something that could not be done.
pub fn completion(what: &str, met: &Met) -> Completion {
    let failure = Failure { code: code(met), message: format!("{what}: {met}") };
    match met {
        Met::Late(_) => Completion::Info(failure),
        _ => Completion::Fail(failure),
    }
}

fn code(met: &Met) -> Code {
    match met {
        Met::Full(_) => Code::NoSpace,
        Met::Damage(_) | Met::Volume(_) => Code::Io,
        Met::Lab(_) => Code::Harness,
        Met::Late(_) => Code::DeadlineExceeded,
    }
}

/// What opening found and did.
pub fn recovered(recovery: &Recovery) -> Recovered {
    let Recovery { clean, records, pages, restored, broken } = recovery;
    let told = |(page, offset, found): &(u64, u64, Found)| {
        format!("page {page} at byte {offset}: {found}")
    };
    let broken = broken.iter().map(told).collect();
    Recovered { clean: *clean, records: *records, pages: *pages, restored: *restored, broken }
}

/// Rows of one length, with their heads.
pub fn report(verified: &Verified, slot_bytes: u64) -> LoadReport {
    let mut mismatches: Vec<Mismatch> = verified.lost.iter().map(mismatch).collect();
    let unopened = verified.unopened.as_ref().map(|why| format!("cannot be opened: {why}"));
    let unsound = verified.unsound.as_ref().map(|why| format!("is unsound: {why}"));
    if let (Some(why), true) = (unopened.or(unsound), mismatches.is_empty()) {
        let what = format!("the database {why}");
        mismatches.push(Mismatch { offset: 0, length: 0, page: None, what });
    }
    LoadReport {
        bytes_verified: verified.bytes_intact,
        bytes_in_ledger: verified.rows.saturating_mul(slot_bytes),
        rows: Some(Box::new(Rows {
            acknowledged: verified.rows,
            verified: verified.rows_intact,
            lost: verified.lost_total,
        })),
        mismatches_total: verified.lost_total.max(mismatches.len() as u64),
        mismatches,
        ..LoadReport::default()
    }
}

fn mismatch(lost: &Lost) -> Mismatch {
    let found = match &lost.found {
        Found::Zeros => "zeros".to_owned(),
        Found::Older(0) => "not inserted yet".to_owned(),
        Found::Older(version) => format!("version {version}"),
        Found::Newer(version) => format!("version {version}, which was never begun"),
        Found::Torn => "a page that is written in part".to_owned(),
        Found::Checksum => "a wrong checksum".to_owned(),
        Found::Stray { page, space } => format!("page {page} of database {space:x}"),
        Found::Garbage => "a row that nobody wrote".to_owned(),
        Found::PastEnd => "nothing, past the end".to_owned(),
        Found::Unreadable(error) => format!("unreadable: {error}"),
    };
    let file = lost.spot.as_ref().map(|spot| spot.file.as_str()).unwrap_or_default();
    let place = if file.is_empty() { String::new() } else { format!(" of {file}") };
    let what =
        format!("row {}{place}, acknowledged in version {}: found {found}", lost.key, lost.version);
    let (offset, page) = match &lost.spot {
        Some(spot) => (spot.offset, Some(spot.page)),
        None => (0, None),
    };
    Mismatch { offset, length: 0, page, what }
}
