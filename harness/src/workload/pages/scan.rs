//! Compares all acknowledged rows with the ledger while the loads go on. What the volume has is read
//! past the pool, which would hide it, and nothing of the loads' pages makes way for that. A page
//! that is changed in memory is on its way, and is right if memory is.

use std::{io, sync::atomic::Ordering, time::Instant};

use super::{
    database::Database,
    gate::Ended,
    lock,
    page::{self, Page},
    recover,
    verify::{CHUNK_PAGES, Compared, Judge, Rows, found},
};
use crate::workload::{
    engine::{Found, Verified, scan::rest},
    files::Aligned,
};

/// `None`: the engine ended first.
pub fn scan(database: &Database) -> Option<Verified> {
    let areas = &*database.areas;
    // Without O_DIRECT this host would answer from its memory.
    let _ = areas.data.forget();
    let judge = Judge {
        shape: database.shape,
        ledger: &database.ledger,
        file: &areas.file,
        base: areas.base,
        copied: false,
    };
    let mut verified = Verified::default();
    let mut chunk = Aligned::new(CHUNK_PAGES as usize * page::BYTES);
    for (first, count) in judge.chunks() {
        if database.gate.is_closing() {
            return None;
        }
        let begun = Instant::now();
        // Noted before anything is read: what is acknowledged later may be there or not.
        let rows: Vec<Rows> = (first..first + count).map(|number| judge.rows(number)).collect();
        let bytes = &mut chunk.bytes_mut()[..count as usize * page::BYTES];
        let whole = areas.data.read(first * page::BYTES as u64, bytes).is_ok();
        for ((number, rows), page) in (first..).zip(&rows).zip(bytes.chunks_exact(page::BYTES)) {
            verified.rows += rows.len() as u64;
            let at_once = whole.then(|| judge.page(number, rows, page));
            verified.add(match at_once.filter(|compared| compared.lost.is_empty()) {
                Some(right) => right,
                None => closer(database, &judge, number, rows).ok()?,
            });
        }
        rest(begun, count * page::BYTES as u64);
    }
    Some(verified)
}

/// Why a page is not in memory.
enum Absent {
    Ended,
    Found(Found),
}

impl From<Ended> for Absent {
    fn from(_: Ended) -> Self {
        Self::Ended
    }
}

/// A page that seems to be wrong, or was in the middle of a write: once more while nobody can change it.
fn closer(
    database: &Database,
    judge: &Judge<'_>,
    number: u64,
    rows: &Rows,
) -> Result<Compared, Ended> {
    let areas = &*database.areas;
    let read = || match recover::read(areas, number, &database.shape) {
        Ok(page) => page,
        Err(error) => Err(found(&error)),
    };
    let frame = match database.pool.get(number, || read().map_err(Absent::Found)) {
        Ok(frame) => frame,
        Err(Absent::Found(found)) => return Ok(judge.lost(rows, &found)),
        Err(Absent::Ended) => return Err(Ended),
    };
    let held = lock(&frame.page);
    let on_its_way = frame.dirty.load(Ordering::SeqCst) || frame.writing.load(Ordering::SeqCst) > 0;
    if let Some(page) = held.as_ref().filter(|_| on_its_way) {
        return Ok(judge.contents(rows, &page.0));
    }
    let mut page = Page::zeroed();
    let done: io::Result<()> = areas.data.read(number * page::BYTES as u64, &mut page.0);
    Ok(match done {
        Ok(()) => judge.page(number, rows, &page.0),
        Err(error) => judge.lost(rows, &found(&error)),
    })
}
