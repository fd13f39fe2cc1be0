//! The contents on disk: an append-only log of writes, so that a small write costs a small write.
//!
//! An entry is acknowledged once it is handed to the kernel, which keeps it when the driver is
//! killed. An entry that was cut off at that moment fails its checksum, and is dropped.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufReader, BufWriter, Read, Write},
    path::{Path, PathBuf},
};

use super::content::Content;

/// Lengths of name and data, and the offset.
const HEAD: usize = 4 + 4 + 8;
/// The checksum at the end.
const TAIL: usize = 8;
/// A log is rewritten when this much of it is overwritten data.
const GARBAGE_MAX: u64 = 16 << 20;
/// The longest entry that is believed when a log is read back, bytes.
const ENTRY_MAX: usize = 64 << 20;

/// An open log.
#[derive(Debug)]
pub struct Log {
    path: PathBuf,
    file: File,
    bytes: u64,
}

impl Log {
    /// Writes a new log that holds `content`.
    pub fn create(path: &Path, content: &Content) -> io::Result<Self> {
        let mut writer = BufWriter::new(File::create(path)?);
        let mut bytes = 0;
        for (name, offset, data) in content.runs() {
            let entry = encode(name, offset, data);
            writer.write_all(&entry)?;
            bytes += entry.len() as u64;
        }
        let file = writer.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(Self { path: path.into(), file, bytes })
    }

    /// Reads a log back, cutting off an unfinished last entry.
    pub fn open(path: &Path) -> io::Result<(Self, Content)> {
        let file = OpenOptions::new().read(true).append(true).open(path)?;
        let mut content = Content::default();
        let mut bytes = 0;
        let mut reader = BufReader::new(&file);
        while let Some(entry) = decode(&mut reader)? {
            content.write(&entry.name, entry.offset, &entry.data);
            bytes += (HEAD + entry.name.len() + entry.data.len() + TAIL) as u64;
        }
        file.set_len(bytes)?;
        Ok((Self { path: path.into(), file, bytes }, content))
    }

    /// Adds one write. When this fails, what was added in part is cut off again.
    pub fn append(&mut self, name: &str, offset: u64, data: &[u8]) -> io::Result<()> {
        let entry = encode(name, offset, data);
        if let Err(failure) = self.file.write_all(&entry) {
            self.file.set_len(self.bytes)?;
            return Err(failure);
        }
        self.bytes += entry.len() as u64;
        Ok(())
    }

    /// Rewrites the log when too much of it was overwritten since.
    pub fn compact(&mut self, content: &Content) -> io::Result<()> {
        if self.bytes <= 2 * content.stored_bytes() + GARBAGE_MAX {
            return Ok(());
        }
        let aside = self.path.with_extension("tmp");
        let bytes = Self::create(&aside, content)?.bytes;
        std::fs::rename(&aside, &self.path)?;
        self.file = OpenOptions::new().append(true).open(&self.path)?;
        self.bytes = bytes;
        Ok(())
    }
}

struct Entry {
    name: String,
    offset: u64,
    data: Vec<u8>,
}

fn encode(name: &str, offset: u64, data: &[u8]) -> Vec<u8> {
    let mut entry = Vec::with_capacity(HEAD + name.len() + data.len() + TAIL);
    entry.extend((name.len() as u32).to_le_bytes());
    entry.extend((data.len() as u32).to_le_bytes());
    entry.extend(offset.to_le_bytes());
    entry.extend(name.as_bytes());
    entry.extend(data);
    entry.extend(checksum(&entry).to_le_bytes());
    entry
}

/// The next entry; `None` at the end and where an entry is cut off or garbled.
fn decode(reader: &mut impl Read) -> io::Result<Option<Entry>> {
    let mut entry = vec![0; HEAD];
    if !fill(reader, &mut entry)? {
        return Ok(None);
    }
    let word =
        |at: usize| u32::from_le_bytes([entry[at], entry[at + 1], entry[at + 2], entry[at + 3]]);
    let (name, data) = (word(0) as usize, word(4) as usize);
    let offset = u64::from(word(8)) | u64::from(word(12)) << 32;
    if name.saturating_add(data) > ENTRY_MAX {
        return Ok(None);
    }
    entry.resize(HEAD + name + data, 0);
    let mut tail = [0; TAIL];
    if !fill(reader, &mut entry[HEAD..])? || !fill(reader, &mut tail)? {
        return Ok(None);
    }
    if checksum(&entry) != u64::from_le_bytes(tail) {
        return Ok(None);
    }
    let data = entry.split_off(HEAD + name);
    let name = String::from_utf8_lossy(&entry[HEAD..]).into_owned();
    Ok(Some(Entry { name, offset, data }))
}

/// Fills the whole buffer, or says that the input ends before.
fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match reader.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(e) => Err(e),
    }
}

/// FNV-1a over words of eight bytes: enough to notice an entry that was cut off.
fn checksum(bytes: &[u8]) -> u64 {
    let mix = |sum: u64, word: u64| (sum ^ word).wrapping_mul(0x0100_0000_01b3);
    let mut words = bytes.chunks_exact(8);
    let mut sum = 0xcbf2_9ce4_8422_2325;
    for word in words.by_ref() {
        sum = mix(sum, word.iter().rev().fold(0, |all, byte| all << 8 | u64::from(*byte)));
    }
    words.remainder().iter().fold(sum, |sum, byte| mix(sum, u64::from(*byte)))
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
