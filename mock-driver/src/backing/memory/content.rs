//! The bytes on a simulated disk: only what was written, as extents that copies share.

use std::{collections::BTreeMap, ops::Range, sync::Arc};

/// All files of a disk by name. A raw block device is one file with an empty name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Content {
    files: BTreeMap<String, Sparse>,
}

/// A file with holes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sparse {
    /// By first offset; they never overlap.
    extents: BTreeMap<u64, Extent>,
    stored: u64,
}

/// Part of a buffer that may be shared with other extents, snapshots and clones.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Extent {
    buffer: Arc<[u8]>,
    part: Range<usize>,
}

impl Content {
    /// A file, if it was ever written to.
    pub fn file(&self, name: &str) -> Option<&Sparse> {
        self.files.get(name)
    }

    /// The number of files.
    pub fn file_count(&self) -> u64 {
        self.files.len() as u64
    }

    /// Bytes that are held, holes not counted.
    pub fn stored_bytes(&self) -> u64 {
        self.files.values().map(|file| file.stored).sum()
    }

    /// Replaces what was at `offset`; a write of nothing makes an empty file.
    pub fn write(&mut self, name: &str, offset: u64, data: &[u8]) {
        if !self.files.contains_key(name) {
            self.files.insert(name.to_owned(), Sparse::default());
        }
        if let Some(file) = self.files.get_mut(name) {
            file.write(offset, data);
        }
    }

    /// Every run of bytes, as `(file, offset, bytes)`; empty files come with no bytes.
    pub fn runs(&self) -> impl Iterator<Item = (&str, u64, &[u8])> {
        self.files.iter().flat_map(|(name, file)| {
            let empty = file.extents.is_empty().then_some((name.as_str(), 0, &[][..]));
            let runs = file.extents.iter().map(|(at, e)| (name.as_str(), *at, e.bytes()));
            empty.into_iter().chain(runs)
        })
    }
}

impl Sparse {
    /// The end of the last byte written.
    pub fn end(&self) -> u64 {
        self.extents.last_key_value().map_or(0, |(at, extent)| at + extent.len())
    }

    /// How many bytes of a range are held already.
    pub fn held_bytes(&self, offset: u64, length: u64) -> u64 {
        let end = offset.saturating_add(length);
        let overlap = |(at, extent): (&u64, &Extent)| {
            (at + extent.len()).min(end).saturating_sub((*at).max(offset))
        };
        self.reaching(offset, end).map(overlap).sum()
    }

    /// Fills `out` from `offset` on; holes are zeros.
    pub fn read(&self, offset: u64, out: &mut [u8]) {
        out.fill(0);
        let end = offset + out.len() as u64;
        for (at, extent) in self.reaching(offset, end) {
            let from = (*at).max(offset);
            let to = (at + extent.len()).min(end);
            if from < to {
                let source = &extent.bytes()[(from - at) as usize..(to - at) as usize];
                out[(from - offset) as usize..(to - offset) as usize].copy_from_slice(source);
            }
        }
    }

    fn write(&mut self, offset: u64, data: &[u8]) {
        if data.is_empty() {
            return;
        }
        self.punch(offset, offset + data.len() as u64);
        self.stored += data.len() as u64;
        self.extents.insert(offset, Extent { buffer: data.into(), part: 0..data.len() });
    }

    /// Makes a hole; extents that stick out of it are cut.
    fn punch(&mut self, from: u64, to: u64) {
        let inside: Vec<u64> = self.reaching(from, to).map(|(at, _)| *at).collect();
        for at in inside {
            let Some(extent) = self.extents.remove(&at) else { continue };
            let end = at + extent.len();
            self.stored -= extent.len();
            if at < from {
                self.put_back(at, extent.cut(0..(from - at) as usize));
            }
            if end > to {
                self.put_back(to, extent.cut((to - at) as usize..(end - at) as usize));
            }
        }
    }

    fn put_back(&mut self, at: u64, extent: Extent) {
        self.stored += extent.len();
        self.extents.insert(at, extent);
    }

    /// The extents that share bytes with a range.
    fn reaching(&self, from: u64, to: u64) -> impl Iterator<Item = (&u64, &Extent)> {
        let before = self.extents.range(..from).next_back();
        let before = before.filter(|(at, extent)| *at + extent.len() > from);
        let rest = (from < to).then(|| self.extents.range(from..to));
        before.into_iter().chain(rest.into_iter().flatten())
    }
}

impl Extent {
    fn bytes(&self) -> &[u8] {
        &self.buffer[self.part.clone()]
    }

    fn len(&self) -> u64 {
        self.part.len() as u64
    }

    fn cut(&self, part: Range<usize>) -> Self {
        let part = self.part.start + part.start..self.part.start + part.end;
        Self { buffer: Arc::clone(&self.buffer), part }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Compares extents with a plain array under many overlapping writes.
    #[test]
    fn behaves_like_an_array() {
        let mut plain = vec![0_u8; 256];
        let mut content = Content::default();
        let mut random = 0x5eed_u64;
        let mut next = |below: u64| {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) % below
        };
        let mut written = [false; 256];
        for round in 0..2_000_u64 {
            let offset = next(240) as usize;
            let length = next(16) as usize + 1;
            let data = vec![(round % 251) as u8 + 1; length];
            plain[offset..offset + length].copy_from_slice(&data);
            written[offset..offset + length].fill(true);
            content.write("f", offset as u64, &data);

            let file = content.file("f").unwrap();
            let mut seen = vec![0xff; 256];
            file.read(0, &mut seen);
            assert_eq!(seen, plain, "round {round}");
            let held = written.iter().filter(|w| **w).count() as u64;
            assert_eq!(content.stored_bytes(), held, "round {round}");
            assert_eq!(file.held_bytes(0, 256), held, "round {round}");
        }
    }

    #[test]
    fn a_copy_does_not_see_later_writes() {
        let mut content = Content::default();
        content.write("", 8, b"before");
        let copy = content.clone();
        content.write("", 8, b"after!");
        let mut seen = [0; 6];
        copy.file("").unwrap().read(8, &mut seen);
        assert_eq!(&seen, b"before");
    }
}
