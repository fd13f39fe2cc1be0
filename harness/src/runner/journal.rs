//! Where records go: to the history file, to whoever watches (console, tests), and to memory for
//! the judge at the end. A history that cannot be written does not break the run; it is reported.

use std::{
    fs::File,
    io::{self, BufWriter, Write as _},
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use csi_stretch_oracle::history::Record;

mod order;

/// Told of every record as it happens.
pub trait Sink: Send + Sync {
    /// Must return at once.
    fn record(&self, record: &Record);
}

/// Collects the records of one run.
pub struct Journal {
    began: Instant,
    inner: Mutex<Inner>,
    sinks: Vec<Box<dyn Sink>>,
}

struct Inner {
    file: Option<BufWriter<File>>,
    error: Option<io::Error>,
    records: Vec<Record>,
}

impl Journal {
    /// A journal that also writes to `file`, if one is given.
    pub fn new(file: Option<&Path>, sinks: Vec<Box<dyn Sink>>) -> io::Result<Self> {
        let file = file.map(File::create).transpose()?.map(BufWriter::new);
        let inner = Mutex::new(Inner { file, error: None, records: Vec::new() });
        Ok(Self { began: Instant::now(), inner, sinks })
    }

    /// Microseconds since the run began.
    pub fn now_us(&self) -> u64 {
        self.began.elapsed().as_micros() as u64
    }

    /// Adds a record. `durable` hands it to the kernel at once, so that it outlives the harness:
    /// needed before anything is made that a later run may have to remove.
    pub fn add(&self, record: Record, durable: bool) {
        for sink in &self.sinks {
            sink.record(&record);
        }
        let mut inner = self.lock();
        let written = inner.file.as_mut().map(|file| write_line(file, &record, durable));
        if let Some(Err(error)) = written {
            inner.file = None;
            inner.error = Some(error);
        }
        inner.records.push(record);
    }

    /// Ends the journal: all records, and the error that stopped the file, if one did.
    pub fn finish(&self) -> (Vec<Record>, Option<io::Error>) {
        let mut inner = self.lock();
        let flushed = inner.file.take().map(|mut file| file.flush());
        let error = inner.error.take().or_else(|| flushed.and_then(Result::err));
        (std::mem::take(&mut inner.records), error)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn write_line(file: &mut BufWriter<File>, record: &Record, durable: bool) -> io::Result<()> {
    serde_json::to_writer(&mut *file, record)?;
    file.write_all(b"\n")?;
    if durable { file.flush() } else { Ok(()) }
}

/// Reads a history file. A last line that was cut short by a crash is dropped.
pub fn read(path: &Path) -> Result<Vec<Record>, ReadError> {
    let text = std::fs::read(path).map_err(|source| ReadError::Io { path: path.into(), source })?;
    let mut lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
    // What follows the last line's end.
    lines.pop_if(|line| line.is_empty());
    let mut records = Vec::with_capacity(lines.len());
    for (number, line) in lines.iter().enumerate() {
        match serde_json::from_slice(line) {
            Ok(record) => records.push(record),
            Err(_) if number + 1 == lines.len() && number > 0 && !text.ends_with(b"\n") => {}
            Err(source) => {
                return Err(ReadError::Line { path: path.into(), line: number + 1, source });
            }
        }
    }
    match records.first() {
        Some(Record::Run(run)) if run.schema == csi_stretch_oracle::history::SCHEMA => {
            match order::first_fault(&records) {
                Some((line, what)) => Err(ReadError::Order { path: path.into(), line, what }),
                None => Ok(records),
            }
        }
        Some(Record::Run(run)) => {
            Err(ReadError::Schema { path: path.into(), schema: run.schema.clone() })
        }
        _ => Err(ReadError::NoRun { path: path.into() }),
    }
}

/// Why a history cannot be read.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum ReadError {
    #[error("cannot read {path}: {source}")]
    Io { path: std::path::PathBuf, source: io::Error },
    #[error("{path}:{line}: not a history record: {source}")]
    Line { path: std::path::PathBuf, line: usize, source: serde_json::Error },
    #[error("{path} has the schema `{schema}`; this build reads `csi-stretch/history/v1`")]
    Schema { path: std::path::PathBuf, schema: String },
    #[error("{path}:{line}: {what}: the history was edited or damaged, judge the original")]
    Order { path: std::path::PathBuf, line: usize, what: String },
    #[error("{path} is no history: its first line is not a `run` record")]
    NoRun { path: std::path::PathBuf },
}

#[cfg(test)]
mod tests {
    use super::*;
    use csi_stretch_oracle::history::End;

    #[test]
    fn a_file_that_is_no_history_is_refused_with_its_name() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "{\"a\":1}\n").unwrap();
        let text = read(file.path()).unwrap_err().to_string();
        assert!(text.contains(":1: not a history record"), "{text}");
        std::fs::write(file.path(), "").unwrap();
        assert!(matches!(read(file.path()), Err(ReadError::NoRun { .. })));
    }

    #[test]
    fn a_durable_record_is_in_the_file_before_the_journal_ends() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let journal = Journal::new(Some(file.path()), vec![]).unwrap();
        let end = Record::End(End { at_us: 1, interrupted: false, leaks: vec![] });
        journal.add(end.clone(), false);
        journal.add(end, true);
        assert_eq!(std::fs::read_to_string(file.path()).unwrap().lines().count(), 2);
    }
}
