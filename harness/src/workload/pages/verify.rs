//! Compares what a volume holds with the ledger, row by row, and locates what is not there.

use std::io;

use super::{
    Settings,
    area::Areas,
    ledger::Ledger,
    page::{self, Shape},
    recover,
};
use crate::workload::{
    engine::{Found, LOST_MAX, Lost, Met, Place, Spot, Verified},
    files::{Aligned, errno_name},
};

/// Pages read at once.
pub(super) const CHUNK_PAGES: u64 = 64;

/// See [`crate::workload::engine::verify`].
pub fn verify(settings: &Settings, place: &Place) -> Result<Verified, Met> {
    super::check(settings).map_err(Met::lab)?;
    if !place.ledger.exists() {
        return Err(Met::lab(format!("no ledger at {}: no engine ran", place.ledger.display())));
    }
    let ledger = Ledger::open(&place.ledger, &settings.shape()).map_err(Met::lab)?;
    match Areas::open(&place.path, place.block, settings.log_bytes, false) {
        Ok(areas) => Ok(compare(settings, &areas, &ledger, place.copied)),
        Err(error) => {
            let mut verified = Verified {
                unopened: Some(format!("cannot be opened: {}", errno_name(&error))),
                rows: ledger.rows(),
                ..Verified::default()
            };
            let found = Found::Unreadable(errno_name(&error));
            let judge = Judge {
                shape: settings.shape(),
                ledger: &ledger,
                file: "",
                base: 0,
                copied: place.copied,
            };
            for number in 0..judge.pages() {
                verified.add(judge.lost(&judge.rows(number), &found));
            }
            Ok(verified)
        }
    }
}

/// Recovers, then reads everything.
pub fn compare(settings: &Settings, areas: &Areas, ledger: &Ledger, copied: bool) -> Verified {
    let mut verified = Verified { rows: ledger.rows(), ..Verified::default() };
    if ledger.rows() == 0 {
        return verified;
    }
    match recover::open(settings, areas, false) {
        Ok(opened) => verified.recovery = opened.recovery,
        Err(why) => verified.unopened = Some(why),
    }
    // If that fails, what is cached is all that can be had.
    let _ = areas.data.forget();
    let shape = settings.shape();
    let judge = Judge { shape, ledger, file: &areas.file, base: areas.base, copied };
    let mut chunk = Aligned::new(CHUNK_PAGES as usize * page::BYTES);
    for (first, count) in judge.chunks() {
        let bytes = &mut chunk.bytes_mut()[..count as usize * page::BYTES];
        let whole = areas.data.read(first * page::BYTES as u64, bytes).is_ok();
        for (number, page) in (first..).zip(bytes.chunks_exact_mut(page::BYTES)) {
            let rows = judge.rows(number);
            let read =
                if whole { Ok(()) } else { areas.data.read(number * page::BYTES as u64, page) };
            verified.add(match read {
                Ok(()) => judge.page(number, &rows, page),
                Err(error) => judge.lost(&rows, &found(&error)),
            });
        }
    }
    verified
}

/// What an error of reading stands for.
pub(super) fn found(error: &io::Error) -> Found {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        Found::PastEnd
    } else {
        Found::Unreadable(errno_name(error))
    }
}

/// Rows of one page that were compared.
#[derive(Default)]
pub(super) struct Compared {
    intact: u64,
    pub(super) lost: Vec<Lost>,
    slot_bytes: u64,
}

impl Verified {
    /// Of one more page.
    pub(super) fn add(&mut self, compared: Compared) {
        self.rows_intact += compared.intact;
        self.bytes_intact += compared.intact * compared.slot_bytes;
        self.lost_total += compared.lost.len() as u64;
        let room = LOST_MAX.saturating_sub(self.lost.len());
        self.lost.extend(compared.lost.into_iter().take(room));
    }
}

/// Compares pages with the ledger.
pub(super) struct Judge<'a> {
    pub(super) shape: Shape,
    pub(super) ledger: &'a Ledger,
    pub(super) file: &'a str,
    pub(super) base: u64,
    pub(super) copied: bool,
}

/// Acknowledged rows: keys and versions.
pub(super) type Rows = Vec<(u64, u32)>;

impl Judge<'_> {
    /// Pages up to the last that has acknowledged rows.
    fn pages(&self) -> u64 {
        self.ledger.end().div_ceil(self.shape.rows_per_page())
    }

    /// Runs of them that are read at once: the first, and how many.
    pub(super) fn chunks(&self) -> impl Iterator<Item = (u64, u64)> {
        let pages = self.pages();
        let runs = (0..pages).step_by(CHUNK_PAGES as usize);
        runs.map(move |first| (first, CHUNK_PAGES.min(pages - first)))
    }

    /// The rows of a page that are acknowledged now.
    pub(super) fn rows(&self, number: u64) -> Rows {
        let rows = self.shape.rows_per_page();
        let keys = number * rows..(number + 1) * rows;
        keys.map(|key| (key, self.ledger.version(key)))
            .filter(|(_, version)| *version > 0)
            .collect()
    }

    /// A page as it was read from the volume, after its rows were noted.
    pub(super) fn page(&self, number: u64, rows: &Rows, page: &[u8]) -> Compared {
        match page::inspect(page, number, &self.shape) {
            Ok(()) => self.contents(rows, page),
            Err(found) => self.lost(rows, &found),
        }
    }

    /// The same of a page in memory, which has no checksum.
    pub(super) fn contents(&self, rows: &Rows, page: &[u8]) -> Compared {
        let mut compared = self.nothing();
        let mut scratch = Vec::new();
        for (key, version) in rows {
            let at = self.shape.place(*key).1;
            let slot = &page[at..at + self.shape.slot_bytes()];
            let found = match self.shape.version(*key, slot, &mut scratch) {
                Ok(there) if self.fits(*key, there, *version) => {
                    compared.intact += 1;
                    continue;
                }
                Ok(there) if there < *version => Found::Older(there),
                Ok(there) => Found::Newer(there),
                Err(found) => found,
            };
            compared.lost.push(self.lose(*key, *version, found));
        }
        compared
    }

    /// One more than is acknowledged by now was perhaps begun.
    fn fits(&self, key: u64, there: u32, version: u32) -> bool {
        let most = self.ledger.version(key).saturating_add(1);
        there >= version && (there <= most || self.copied)
    }

    /// All of them.
    pub(super) fn lost(&self, rows: &Rows, found: &Found) -> Compared {
        let lose = |(key, version): &(u64, u32)| self.lose(*key, *version, found.clone());
        Compared { lost: rows.iter().map(lose).collect(), ..self.nothing() }
    }

    fn nothing(&self) -> Compared {
        Compared { slot_bytes: self.shape.slot_bytes() as u64, ..Compared::default() }
    }

    fn lose(&self, key: u64, version: u32, found: Found) -> Lost {
        let (page, at) = self.shape.place(key);
        let offset = self.base + page * page::BYTES as u64 + at as u64;
        Lost { key, version, spot: Some(Spot { page, offset, file: self.file.to_owned() }), found }
    }
}
