//! The contents on disk: an append-only log of writes, so that a small write costs a small write.
//!
//! An entry is acknowledged once it is handed to the kernel, which keeps it when the driver is
//! killed. What was being written at that moment is there up to some byte: the last entry may be
//! too short, and is dropped then. Nothing else can go wrong with it, so the data has no checksum.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufReader, BufWriter, IoSlice, Read, Write},
    path::{Path, PathBuf},
};

use super::content::Content;

/// Lengths of name and data, and the offset.
const HEAD: usize = 4 + 4 + 8;
/// A log is rewritten when this much of it is overwritten data.
const GARBAGE_MAX: u64 = 16 << 20;
/// The longest entry that is believed when a log is read back, bytes.
const ENTRY_MAX: usize = 64 << 20;

/// A log. It has no file until something was written.
#[derive(Debug)]
pub struct Log {
    path: PathBuf,
    file: Option<File>,
    bytes: u64,
}

impl Log {
    /// Makes a new log that holds `content`, in place of any other.
    pub fn create(path: &Path, content: &Content) -> io::Result<Self> {
        let log = Self { path: path.into(), file: None, bytes: 0 };
        log.unlink()?;
        if content.file_count() == 0 {
            return Ok(log);
        }
        let file = OpenOptions::new().create_new(true).append(true).open(path)?;
        let mut bytes = 0;
        let mut writer = BufWriter::new(&file);
        for (name, offset, data) in content.runs() {
            writer.write_all(&head(name, offset, data))?;
            writer.write_all(data)?;
            bytes += entry_bytes(name, data);
        }
        writer.flush()?;
        drop(writer);
        Ok(Self { file: Some(file), bytes, ..log })
    }

    /// Reads a log back, cutting off an unfinished last entry.
    pub fn open(path: &Path) -> io::Result<(Self, Content)> {
        let mut content = Content::default();
        let file = match OpenOptions::new().read(true).append(true).open(path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                return Ok((Self { path: path.into(), file: None, bytes: 0 }, content));
            }
            other => other?,
        };
        let mut bytes = 0;
        let mut reader = BufReader::new(&file);
        while let Some(entry) = decode(&mut reader)? {
            content.write(&entry.name, entry.offset, &entry.data);
            bytes += entry_bytes(&entry.name, &entry.data);
        }
        file.set_len(bytes)?;
        Ok((Self { path: path.into(), file: Some(file), bytes }, content))
    }

    /// Removes the log's file.
    pub fn remove(self) -> io::Result<()> {
        if self.file.is_some() { self.unlink() } else { Ok(()) }
    }

    /// Adds one write. When this fails, what was added in part is cut off again.
    pub fn append(&mut self, name: &str, offset: u64, data: &[u8]) -> io::Result<()> {
        let file = match self.file.take() {
            Some(file) => file,
            None => OpenOptions::new().create_new(true).append(true).open(&self.path)?,
        };
        let file = self.file.insert(file);
        if let Err(failure) = write_both(file, &head(name, offset, data), data) {
            file.set_len(self.bytes)?;
            return Err(failure);
        }
        self.bytes += entry_bytes(name, data);
        Ok(())
    }

    /// Rewrites the log when too much of it was overwritten since.
    pub fn compact(&mut self, content: &Content) -> io::Result<()> {
        if self.bytes <= 2 * content.stored_bytes() + GARBAGE_MAX {
            return Ok(());
        }
        let aside = self.path.with_extension("tmp");
        let log = Self::create(&aside, content)?;
        std::fs::rename(&aside, &self.path)?;
        *self = Self { path: self.path.clone(), ..log };
        Ok(())
    }

    fn unlink(&self) -> io::Result<()> {
        match std::fs::remove_file(&self.path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }
}

struct Entry {
    name: String,
    offset: u64,
    data: Vec<u8>,
}

/// What stands before the data of an entry.
fn head(name: &str, offset: u64, data: &[u8]) -> Vec<u8> {
    let mut head = Vec::with_capacity(HEAD + name.len());
    head.extend((name.len() as u32).to_le_bytes());
    head.extend((data.len() as u32).to_le_bytes());
    head.extend(offset.to_le_bytes());
    head.extend(name.as_bytes());
    head
}

fn entry_bytes(name: &str, data: &[u8]) -> u64 {
    (HEAD + name.len() + data.len()) as u64
}

/// One call to the kernel where it takes everything at once, as it nearly always does.
fn write_both(mut file: &File, head: &[u8], data: &[u8]) -> io::Result<()> {
    let written = file.write_vectored(&[IoSlice::new(head), IoSlice::new(data)])?;
    file.write_all(head.get(written..).unwrap_or_default())?;
    file.write_all(data.get(written.saturating_sub(head.len())..).unwrap_or_default())
}

/// The next entry; `None` at the end and where an entry is cut off.
fn decode(reader: &mut impl Read) -> io::Result<Option<Entry>> {
    let mut head = [0; HEAD];
    if !fill(reader, &mut head)? {
        return Ok(None);
    }
    let word = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    let (name, data) = (word(0) as usize, word(4) as usize);
    let offset = u64::from(word(8)) | u64::from(word(12)) << 32;
    if name.saturating_add(data) > ENTRY_MAX {
        return Ok(None);
    }
    let (mut name, mut data) = (vec![0; name], vec![0; data]);
    if !fill(reader, &mut name)? || !fill(reader, &mut data)? {
        return Ok(None);
    }
    Ok(Some(Entry { name: String::from_utf8_lossy(&name).into_owned(), offset, data }))
}

/// Fills the whole buffer, or says that the input ends before.
fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match reader.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(e) => Err(e),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_cut_anywhere_keeps_every_whole_entry() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let mut log = Log::create(&path, &Content::default()).unwrap();
        let mut ends = vec![0];
        for round in 0..5_u64 {
            log.append("file", round * 10, &[round as u8 + 1; 10]).unwrap();
            ends.push(log.bytes);
        }
        let whole = std::fs::read(&path).unwrap();
        for length in 0..=whole.len() {
            std::fs::write(&path, &whole[..length]).unwrap();
            let (mut log, content) = Log::open(&path).unwrap();
            let entries = ends.iter().filter(|end| **end <= length as u64).count() - 1;
            assert_eq!(content.stored_bytes(), entries as u64 * 10, "cut at {length}");
            log.append("file", 100, b"after").unwrap();
            let (_, content) = Log::open(&path).unwrap();
            assert_eq!(content.stored_bytes(), entries as u64 * 10 + 5, "cut at {length}");
        }
    }

    #[test]
    fn overwriting_does_not_grow_the_log_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let mut content = Content::default();
        let mut log = Log::create(&path, &content).unwrap();
        for _ in 0..40 {
            let data = vec![7; 1 << 20];
            log.append("", 0, &data).unwrap();
            content.write("", 0, &data);
            log.compact(&content).unwrap();
        }
        assert!(log.bytes < 20 << 20, "{} bytes", log.bytes);
        assert_eq!(Log::open(&path).unwrap().1, content);
    }
}
