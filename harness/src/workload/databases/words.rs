//! What an engine tells, in the words of the history.

use csi_stretch_oracle::history::{Code, Failure, LoadReport, Mismatch, Ops, Rows};

use crate::workload::engine::{Found, Lost, Trouble, Verified, Window};

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

/// A page that was read, and is not what was written.
pub fn damage(trouble: &Trouble) -> Option<Mismatch> {
    let (page, offset) = trouble.page?;
    let what = format!("{}: {}", trouble.doing, trouble.error);
    Some(Mismatch { offset, length: 0, page: Some(page), what })
}

pub fn trouble(trouble: &Trouble) -> Failure {
    // A server says more than the name, and one that ended at a full volume says so.
    let code = if trouble.error.contains("ENOSPC") { Code::NoSpace } else { Code::Io };
    let at = trouble.page.map(|(page, offset)| format!(" (page {page} at byte {offset})"));
    let message = format!("{}: {}{}", trouble.doing, trouble.error, at.unwrap_or_default());
    Failure { code, message }
}

pub fn report(verified: &Verified) -> LoadReport {
    let mut mismatches: Vec<Mismatch> = verified.lost.iter().map(mismatch).collect();
    let unopened = verified.unopened.as_ref().map(|why| format!("cannot be opened: {why}"));
    let unsound = verified.unsound.as_ref().map(|why| format!("is unsound: {why}"));
    if let (Some(why), true) = (unopened.or(unsound), mismatches.is_empty()) {
        let what = format!("the database {why}");
        mismatches.push(Mismatch { offset: 0, length: 0, page: None, what });
    }
    LoadReport {
        bytes_verified: verified.bytes_intact,
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
