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
    engine::{Found, Lost, Place, Spot, Verified},
    files::{Aligned, errno_name},
};

/// Lost rows told one by one.
const LOST_MAX: usize = 16;
/// Pages read at once.
const CHUNK_PAGES: u64 = 64;

/// See [`crate::workload::engine::verify`].
pub fn verify(settings: &Settings, place: &Place) -> io::Result<Verified> {
    super::check(settings)?;
    if !place.ledger.exists() {
        let text = format!("no ledger at {}: no engine ran", place.ledger.display());
        return Err(io::Error::new(io::ErrorKind::NotFound, text));
    }
    let ledger = Ledger::open(&place.ledger, &settings.shape())?;
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
            judge.each_page(|number, _| judge.lose_page(number, &found, &mut verified));
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
    let mut held = None;
    judge.each_page(|number, pages| {
        let (first, at) = (number - number % CHUNK_PAGES, (number % CHUNK_PAGES) as usize);
        let length = (pages - first).min(CHUNK_PAGES) as usize * page::BYTES;
        if held.as_ref().is_none_or(|(known, _)| *known != first) {
            let into = &mut chunk.bytes_mut()[..length];
            held = Some((first, areas.data.read(first * page::BYTES as u64, into).is_ok()));
        }
        let page = &mut chunk.bytes_mut()[at * page::BYTES..(at + 1) * page::BYTES];
        let whole = held.as_ref().is_some_and(|(_, whole)| *whole);
        let read = if whole { Ok(()) } else { areas.data.read(number * page::BYTES as u64, page) };
        match read {
            Ok(()) => judge.page(number, page, &mut verified),
            Err(error) => judge.lose_page(number, &found(&error), &mut verified),
        }
    });
    verified
}

fn found(error: &io::Error) -> Found {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        Found::PastEnd
    } else {
        Found::Unreadable(errno_name(error))
    }
}

struct Judge<'a> {
    shape: Shape,
    ledger: &'a Ledger,
    file: &'a str,
    base: u64,
    copied: bool,
}

impl Judge<'_> {
    /// Calls with each page that has acknowledged rows, and how many pages there are.
    fn each_page(&self, mut act: impl FnMut(u64, u64)) {
        let pages = self.ledger.end().div_ceil(self.shape.rows_per_page());
        for number in 0..pages {
            act(number, pages);
        }
    }

    /// The acknowledged rows of a page, and their versions.
    fn rows(&self, number: u64) -> impl Iterator<Item = (u64, u32)> {
        let rows = self.shape.rows_per_page();
        let keys = number * rows..(number + 1) * rows;
        keys.map(|key| (key, self.ledger.version(key))).filter(|(_, version)| *version > 0)
    }

    fn page(&self, number: u64, page: &[u8], verified: &mut Verified) {
        if let Err(found) = page::inspect(page, number, &self.shape) {
            return self.lose_page(number, &found, verified);
        }
        let mut scratch = Vec::new();
        for (key, version) in self.rows(number) {
            let at = self.shape.place(key).1;
            let slot = &page[at..at + self.shape.slot_bytes()];
            match self.shape.version(key, slot, &mut scratch) {
                Ok(there) if self.fits(there, version) => {
                    verified.rows_intact += 1;
                    verified.bytes_intact += slot.len() as u64;
                }
                Ok(there) if there < version => {
                    self.lose(key, version, Found::Older(there), verified);
                }
                Ok(there) => self.lose(key, version, Found::Newer(there), verified),
                Err(found) => self.lose(key, version, found, verified),
            }
        }
    }

    /// The next version was perhaps begun, and never acknowledged.
    fn fits(&self, there: u32, version: u32) -> bool {
        there == version || there == version.saturating_add(1) || self.copied && there > version
    }

    fn lose_page(&self, number: u64, found: &Found, verified: &mut Verified) {
        for (key, version) in self.rows(number) {
            self.lose(key, version, found.clone(), verified);
        }
    }

    fn lose(&self, key: u64, version: u32, found: Found, verified: &mut Verified) {
        verified.lost_total += 1;
        if verified.lost.len() < LOST_MAX {
            let (page, at) = self.shape.place(key);
            let offset = self.base + page * page::BYTES as u64 + at as u64;
            let file = self.file.to_owned();
            let spot = Some(Spot { page, offset, file });
            verified.lost.push(Lost { key, version, spot, found });
        }
    }
}
