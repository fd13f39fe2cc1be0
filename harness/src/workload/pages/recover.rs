//! Opening after whatever ended the database: pages torn in the last batch come back from the
//! doublewrite area, then the redo log is replayed. What cannot be mended is named, and left.

use std::io;

use super::{
    Settings,
    area::Areas,
    flush::{BATCH_PAGES, Batch},
    page::{self, Page, Shape},
    redo::{Checkpoint, Record, Ring},
};
use crate::workload::{
    engine::{Found, Recovery},
    files::{Aligned, errno_name},
};

/// Broken pages told one by one.
const BROKEN_MAX: usize = 16;

/// A database as it was left.
pub struct Opened {
    /// Where the log goes on; already on the volume.
    pub checkpoint: Checkpoint,
    /// Number of the next batch.
    pub batch: u64,
    pub recovery: Recovery,
}

/// A new database, with an empty log.
pub fn make(settings: &Settings, areas: &Areas) -> io::Result<Opened> {
    let zeros = vec![0; BATCH_PAGES * page::BYTES];
    let end = super::redo::area_bytes(settings.log_bytes);
    areas.redo.extend(end)?;
    areas.double.extend(zeros.len() as u64)?;
    let aligned = Aligned::new(zeros.len());
    areas.double.write(0, aligned.bytes())?;
    areas.double.sync()?;
    let mut at = 0;
    while at < end {
        let length = (end - at).min(zeros.len() as u64);
        areas.redo.write(at, &zeros[..length as usize])?;
        at += length;
    }
    areas.redo.sync()?;
    let checkpoint = Checkpoint::first();
    ring(settings, areas).write_checkpoint(&settings.shape(), &checkpoint)?;
    Ok(Opened { checkpoint, batch: 1, recovery: Recovery { clean: true, ..Recovery::default() } })
}

fn ring<'a>(settings: &Settings, areas: &'a Areas) -> Ring<'a> {
    Ring { area: &*areas.redo, bytes: settings.log_bytes }
}

/// An existing one, brought up to date; whether it will be written to from now on. The error says
/// why it is none.
pub fn open(settings: &Settings, areas: &Areas, goes_on: bool) -> Result<Opened, String> {
    let (ring, shape) = (ring(settings, areas), settings.shape());
    let found = ring.read_checkpoint(&shape)?;
    let told = |error: io::Error| format!("recovery failed: {}", errno_name(&error));
    let doubles = read_doubles(areas, &shape);
    let newest = doubles.iter().map(|page| page.batch()).max().unwrap_or_default();
    let mut recovery = Recovery { clean: found.clean, ..Recovery::default() };
    let mut batch = Batch::new(newest + 1);
    if found.clean && !goes_on {
        return Ok(Opened { checkpoint: found, batch: batch.number(), recovery });
    }
    let (records, end) = ring.read_records(&found).map_err(told)?;
    if !found.clean {
        // No page gets to the volume before its log, here as ever.
        areas.redo.sync().map_err(told)?;
        let torn = doubles.iter().filter(|page| page.batch() == newest);
        restore(areas, &shape, torn, &mut recovery).map_err(told)?;
        recovery.records = records.len() as u64;
        let mut replay = Replay { settings, areas, batch: &mut batch, recovery: &mut recovery };
        replay.run(records).map_err(told)?;
    }
    let (count, epoch) = (found.count + 1, found.epoch.wrapping_add(1));
    let checkpoint = Checkpoint { lsn: end, count, epoch, clean: !goes_on };
    ring.write_checkpoint(&shape, &checkpoint).map_err(told)?;
    Ok(Opened { checkpoint, batch: batch.number(), recovery })
}

/// The whole pages of the doublewrite area; one that cannot be read helps nobody.
fn read_doubles(areas: &Areas, shape: &Shape) -> Vec<Box<Page>> {
    let read = |slot| {
        let mut page = Page::zeroed();
        areas.double.read((slot * page::BYTES) as u64, &mut page.0).ok()?;
        let number = page.number();
        page::inspect(&page.0, number, shape).ok().map(|()| page)
    };
    (0..BATCH_PAGES).filter_map(read).collect()
}

/// The last batch was on its way: where a page of it is not as it should be, here is how.
fn restore<'a>(
    areas: &Areas,
    shape: &Shape,
    copies: impl Iterator<Item = &'a Box<Page>>,
    recovery: &mut Recovery,
) -> io::Result<()> {
    for copy in copies {
        let there = read(areas, copy.number(), shape)?;
        recovery.restored += u64::from(there.is_err());
        if !there.is_ok_and(|page| page.lsn() >= copy.lsn()) {
            areas.data.write(copy.number() * page::BYTES as u64, &copy.0)?;
        }
    }
    areas.data.sync()
}

struct Replay<'a> {
    settings: &'a Settings,
    areas: &'a Areas,
    batch: &'a mut Batch,
    recovery: &'a mut Recovery,
}

impl Replay<'_> {
    /// Applies what the log has, page by page.
    fn run(&mut self, mut records: Vec<Record>) -> io::Result<()> {
        records.sort_by_key(|record| (record.page, record.lsn));
        for records in records.chunk_by(|a, b| a.page == b.page) {
            self.page(records)?;
        }
        self.write()
    }

    fn page(&mut self, records: &[Record]) -> io::Result<()> {
        let Some(number) = records.first().map(|record| record.page) else { return Ok(()) };
        let shape = self.settings.shape();
        // A page made after the checkpoint is all in the log, whatever the volume has.
        let init = records.iter().rposition(Record::is_init);
        let mut page = match init {
            Some(_) => Page::blank(number, shape.space),
            None => match read(self.areas, number, &shape)? {
                Ok(page) => page,
                Err(found) => {
                    if self.recovery.broken.len() < BROKEN_MAX {
                        let offset = self.areas.offset(number);
                        self.recovery.broken.push((number, offset, found));
                    }
                    return Ok(());
                }
            },
        };
        let known = page.lsn();
        for record in &records[init.unwrap_or_default()..] {
            let at = record.at as usize;
            if record.end() > known
                && !record.is_init()
                && let Some(place) = page.0.get_mut(at..at + record.bytes.len())
            {
                place.copy_from_slice(&record.bytes);
            }
        }
        let newest = records.last().map_or(known, Record::end);
        if init.is_some() || newest > known {
            page.set_lsn(newest);
            self.batch.add(&page.0);
            self.recovery.pages += 1;
        }
        if self.batch.is_full() { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> io::Result<()> {
        self.batch.write(self.areas, self.settings.doublewrite)?;
        self.batch.begin(self.batch.number() + 1);
        Ok(())
    }
}

/// A page, or what is there in its place.
pub fn read(areas: &Areas, number: u64, shape: &Shape) -> io::Result<Result<Box<Page>, Found>> {
    let mut page = Page::zeroed();
    match areas.data.read(number.saturating_mul(page::BYTES as u64), &mut page.0) {
        Ok(()) => Ok(page::inspect(&page.0, number, shape).map(|()| page)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(Err(Found::PastEnd)),
        Err(error) => Err(error),
    }
}
