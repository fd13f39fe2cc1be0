//! A table that outlives its process: records by id, and on disk the log of their changes.
//!
//! One line a change, `["id",{…}]` or `["id",null]`. A change counts once its line is written, whole;
//! what a kill cut off is dropped when the table is opened. A log that holds mostly history is
//! written anew, aside, and renamed into place.

use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::{Serialize, de::DeserializeOwned};

/// A log is written anew when it has this many lines more than four for each record.
const HISTORY_MAX: usize = 1024;

/// What a record has to outlive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// The death of the machine: what was written is synced.
    Machine,
    /// The death of this process only; the kernel keeps the pages. Enough for a simulated node,
    /// which a power cut takes away whole anyway, and much cheaper.
    Process,
}

/// Records by id. Reads come from memory.
#[derive(Debug)]
pub struct Table<T> {
    records: BTreeMap<String, T>,
    path: PathBuf,
    durability: Durability,
    file: Arc<File>,
    bytes: u64,
    lines: usize,
}

/// A change that is written, and lasts once it is [made to](Written::last).
#[derive(Debug)]
#[must_use = "a change does not outlive the machine until it was made to last"]
pub struct Written(Option<Arc<File>>);

impl Written {
    /// Waits until the change has the table's durability. Needs no lock on the table, so that
    /// those who wait at the same time share one turn of the disk.
    pub fn last(self) -> io::Result<()> {
        self.0.map_or(Ok(()), |file| file.sync_data())
    }
}

impl<T: Serialize + DeserializeOwned> Table<T> {
    /// Opens (or makes) the table at `path`. A line that says nothing is an error that names it.
    pub fn open(path: &Path, durability: Durability) -> io::Result<Self> {
        let text = match std::fs::read(path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Vec::new(),
            other => other?,
        };
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let mut records = BTreeMap::new();
        let mut lines = 0;
        for line in text[..whole].split_inclusive(|byte| *byte == b'\n') {
            lines += 1;
            match serde_json::from_slice(line) {
                Ok((id, Some(record))) => drop::<Option<T>>(records.insert(id, record)),
                Ok((id, None)) => drop(records.remove::<String>(&id)),
                Err(e) => {
                    let what =
                        format!("{}:{lines} is no record of this version: {e}", path.display());
                    return Err(io::Error::new(io::ErrorKind::InvalidData, what));
                }
            }
        }
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        file.set_len(whole as u64)?;
        if durability == Durability::Machine {
            file.sync_all()?;
            sync_folder_of(path)?;
        }
        let (path, file) = (path.to_owned(), Arc::new(file));
        Ok(Self { records, path, durability, file, bytes: whole as u64, lines })
    }

    /// The record of `id`.
    pub fn get(&self, id: &str) -> Option<&T> {
        self.records.get(id)
    }

    /// All records, by id.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &T)> {
        self.records.iter()
    }

    /// All records.
    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.records.values()
    }

    /// Sets a record. After an error the change was made or not, as after a kill; a repeat settles it.
    pub fn put(&mut self, id: &str, record: T) -> io::Result<Written> {
        self.append(&(id, Some(&record)))?;
        self.records.insert(id.into(), record);
        self.settle()
    }

    /// Forgets a record; errors as for [`Table::put`].
    pub fn remove(&mut self, id: &str) -> io::Result<Written> {
        if self.records.contains_key(id) {
            self.append(&(id, None::<&T>))?;
            self.records.remove(id);
        }
        self.settle()
    }

    /// Adds a line. What a failure left of it is cut off again.
    fn append(&mut self, line: &(&str, Option<&T>)) -> io::Result<()> {
        let text = line_of(line)?;
        if let Err(failure) = (&*self.file).write_all(&text) {
            self.file.set_len(self.bytes)?;
            return Err(failure);
        }
        self.bytes += text.len() as u64;
        self.lines += 1;
        Ok(())
    }

    fn settle(&mut self) -> io::Result<Written> {
        if self.lines > HISTORY_MAX + 4 * self.records.len() {
            self.rewrite()?;
        }
        let machine = self.durability == Durability::Machine;
        Ok(Written(machine.then(|| Arc::clone(&self.file))))
    }

    fn rewrite(&mut self) -> io::Result<()> {
        let mut text = Vec::new();
        for (id, record) in &self.records {
            text.append(&mut line_of(&(id.as_str(), Some(record)))?);
        }
        let aside = self.path.with_extension("tmp");
        // Whatever an earlier attempt left must not be appended to.
        let _ = std::fs::remove_file(&aside);
        let mut file = OpenOptions::new().create_new(true).append(true).open(&aside)?;
        file.write_all(&text)?;
        if self.durability == Durability::Machine {
            file.sync_all()?;
        }
        std::fs::rename(&aside, &self.path)?;
        (self.bytes, self.lines) = (text.len() as u64, self.records.len());
        self.file = Arc::new(file);
        if self.durability == Durability::Machine { sync_folder_of(&self.path) } else { Ok(()) }
    }
}

fn line_of<T: Serialize>(line: &(&str, Option<&T>)) -> io::Result<Vec<u8>> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    Ok(text)
}

/// Makes the birth or the renaming of a file last.
fn sync_folder_of(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(path: &Path) -> Table<u64> {
        Table::open(path, Durability::Machine).unwrap()
    }

    fn held(table: &Table<u64>) -> Vec<(String, u64)> {
        table.iter().map(|(id, record)| (id.clone(), *record)).collect()
    }

    #[test]
    fn a_log_cut_anywhere_holds_every_whole_change() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table");
        let mut table = open(&path);
        let mut after = vec![(0, vec![])];
        for round in 0..6_u64 {
            let id = format!("v{}", round % 4);
            let written = if round == 4 { table.remove("v1") } else { table.put(&id, round) };
            written.unwrap().last().unwrap();
            after.push((table.bytes, held(&table)));
        }
        let whole = std::fs::read(&path).unwrap();
        for length in 0..=whole.len() {
            std::fs::write(&path, &whole[..length]).unwrap();
            let mut table = open(&path);
            let last = after.iter().rfind(|(bytes, _)| *bytes <= length as u64).unwrap();
            assert_eq!(held(&table), last.1, "cut at {length}");
            table.put("later", 7).unwrap().last().unwrap();
            assert_eq!(held(&open(&path)), held(&table), "cut at {length}");
        }
    }

    #[test]
    fn history_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table");
        let mut table = open(&path);
        table.put("kept", 1).unwrap().last().unwrap();
        for round in 0..3 * HISTORY_MAX as u64 {
            table.put("v", round).unwrap().last().unwrap();
        }
        assert!(table.lines < 2 * HISTORY_MAX, "{} lines", table.lines);
        assert_eq!(table.bytes, path.metadata().unwrap().len());
        assert_eq!(held(&open(&path)), held(&table));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left aside");
    }

    #[test]
    fn a_line_that_says_nothing_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table");
        std::fs::write(&path, "[\"v\",1]\n{}\n").unwrap();
        let error = Table::<u64>::open(&path, Durability::Process).unwrap_err().to_string();
        assert!(error.contains("table:2 is no record of this version"), "{error}");
    }
}
