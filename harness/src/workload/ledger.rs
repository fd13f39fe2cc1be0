//! What was acknowledged: the ledger of one volume. Pure bookkeeping, outside the volume, so that
//! nothing a driver does can change it. Must not know files, threads or time.

use std::collections::BTreeMap;

use csi_stretch_oracle::action::Guise;

use super::pattern::{BLOCK_BYTES, Stamp};

/// A block's place: number of the ledger file (0 on a device) and byte offset.
pub type At = (u32, u64);

/// What a place must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Volume that wrote it: the volume itself, or the one it was copied from.
    pub volume: u64,
    /// The last acknowledged write.
    pub count: u32,
    /// A write that was begun and never acknowledged: it may be there, in whole or in part.
    pub doubt: Option<(u64, u32)>,
    /// Copied while its writer ran on: later writes may have got into the copy.
    pub open: bool,
}

impl Entry {
    /// Whether a sector with this stamp may be here.
    pub fn accepts(&self, at: At, stamp: Stamp) -> bool {
        let acknowledged = stamp.volume == self.volume
            && (stamp.count == self.count || self.open && stamp.count > self.count);
        (stamp.file, stamp.offset) == at
            && (acknowledged || self.doubt == Some((stamp.volume, stamp.count)))
    }
}

/// The ledger of one volume.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    volume: u64,
    blocks: BTreeMap<At, Entry>,
    /// What the block at the very beginning looks like.
    guise: Option<Guise>,
    next: BTreeMap<u32, u64>,
}

impl Ledger {
    /// An empty ledger; `volume` is the hash that goes into every block.
    pub fn new(volume: u64) -> Self {
        Self { volume, ..Self::default() }
    }

    /// The ledger of a copy. `running`: the source is written to while it is copied.
    #[must_use]
    pub fn copy(&self, volume: u64, running: bool) -> Self {
        let mut copy = Self { volume, ..self.clone() };
        for entry in copy.blocks.values_mut() {
            entry.open |= running;
        }
        copy
    }

    /// From now on the block at the very beginning of the device looks like that.
    pub fn disguise(&mut self, guise: Option<Guise>) {
        self.guise = guise;
    }

    /// What the block at that place looks like, if it does not say who it is in every sector.
    pub fn guise(&self, at: At) -> Option<Guise> {
        self.guise.filter(|_| at == (0, 0))
    }

    /// Bytes that were acknowledged.
    pub fn bytes(&self) -> u64 {
        self.blocks.len() as u64 * BLOCK_BYTES as u64
    }

    /// Everything that must be there, in order of place.
    pub fn entries(&self) -> Vec<(At, Entry)> {
        self.blocks.iter().map(|(at, entry)| (*at, *entry)).collect()
    }

    /// What a place must hold now.
    pub fn entry(&self, at: At) -> Option<Entry> {
        self.blocks.get(&at).copied()
    }

    /// Where the next block of a file goes.
    pub fn end(&self, file: u32) -> u64 {
        self.next.get(&file).copied().unwrap_or(0)
    }

    /// Takes a block's room at the end of a file and returns its offset.
    pub fn reserve(&mut self, file: u32) -> u64 {
        let next = self.next.entry(file).or_insert(0);
        let offset = *next;
        *next += BLOCK_BYTES as u64;
        offset
    }

    /// Gives room back that was reserved and not written, if nobody has taken more since.
    pub fn release(&mut self, file: u32, offset: u64) {
        if let Some(next) = self.next.get_mut(&file)
            && *next == offset + BLOCK_BYTES as u64
        {
            *next = offset;
        }
    }

    /// About to write: what the block has to say. Until it is acknowledged, old and new are both
    /// right.
    pub fn begin(&mut self, at: At) -> Stamp {
        self.forget_overlapped(at);
        let volume = self.volume;
        let count = match self.blocks.get_mut(&at) {
            None => 1,
            Some(entry) => {
                let last = entry.doubt.map_or(entry.count, |(_, count)| count.max(entry.count));
                entry.doubt = Some((volume, last + 1));
                last + 1
            }
        };
        Stamp { volume, file: at.0, offset: at.1, count }
    }

    /// The write of this block is on the disk.
    pub fn acknowledge(&mut self, stamp: Stamp) {
        let Stamp { volume, file, offset, count } = stamp;
        let entry = Entry { volume, count, doubt: None, open: false };
        self.blocks.insert((file, offset), entry);
    }

    /// The last bytes of a device need not begin where a block does: what they overwrite in part
    /// is gone on purpose.
    fn forget_overlapped(&mut self, at: At) {
        let reach = BLOCK_BYTES as u64 - 1;
        let (first, last) = (at.1.saturating_sub(reach), at.1.saturating_add(reach));
        let overlapped: Vec<At> = self
            .blocks
            .range((at.0, first)..=(at.0, last))
            .map(|(other, _)| *other)
            .filter(|other| *other != at)
            .collect();
        for other in overlapped {
            self.blocks.remove(&other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEN: u64 = BLOCK_BYTES as u64;

    fn write(ledger: &mut Ledger, at: At) -> Stamp {
        let stamp = ledger.begin(at);
        ledger.acknowledge(stamp);
        stamp
    }

    #[test]
    fn only_acknowledged_blocks_count() {
        let mut ledger = Ledger::new(1);
        ledger.begin((0, 0));
        assert_eq!((ledger.bytes(), ledger.entry((0, 0))), (0, None));
        assert_eq!(write(&mut ledger, (0, 0)).count, 1);
        assert_eq!(write(&mut ledger, (0, 0)).count, 2);
        assert_eq!(ledger.bytes(), LEN);
    }

    #[test]
    fn a_write_in_doubt_leaves_old_and_new_right() {
        let mut ledger = Ledger::new(1);
        let old = write(&mut ledger, (0, LEN));
        let new = ledger.begin((0, LEN));
        let entry = ledger.entry((0, LEN)).unwrap();
        assert!(entry.accepts((0, LEN), old) && entry.accepts((0, LEN), new));
        assert!(!entry.accepts((0, LEN), Stamp { count: 9, ..new }));
        assert!(!entry.accepts((0, 0), old));
        assert_eq!(ledger.begin((0, LEN)).count, new.count + 1);
    }

    #[test]
    fn a_copy_keeps_its_sources_blocks_and_writes_its_own() {
        let mut source = Ledger::new(1);
        let kept = write(&mut source, (0, 0));
        let mut copy = source.copy(2, false);
        assert!(copy.entry((0, 0)).unwrap().accepts((0, 0), kept));
        let own = write(&mut copy, (0, 0));
        assert_eq!((own.volume, own.count), (2, 2));
        assert!(!copy.entry((0, 0)).unwrap().accepts((0, 0), kept));
        assert!(source.entry((0, 0)).unwrap().accepts((0, 0), kept));
    }

    #[test]
    fn a_copy_of_a_busy_volume_may_hold_later_writes() {
        let mut source = Ledger::new(1);
        let at = (1, 0);
        let then = write(&mut source, at);
        let copy = source.copy(2, true);
        let later = write(&mut source, at);
        let entry = copy.entry(at).unwrap();
        assert!(entry.accepts(at, then) && entry.accepts(at, later));
        assert!(!entry.accepts(at, Stamp { count: 0, ..then }));
    }

    #[test]
    fn room_is_given_once_and_back() {
        let mut ledger = Ledger::new(1);
        assert_eq!((ledger.reserve(0), ledger.reserve(0), ledger.reserve(1)), (0, LEN, 0));
        ledger.release(0, 0);
        assert_eq!(ledger.end(0), 2 * LEN);
        ledger.release(0, LEN);
        assert_eq!(ledger.end(0), LEN);
    }

    #[test]
    fn what_the_end_of_a_device_overwrites_is_forgotten() {
        let mut ledger = Ledger::new(1);
        for n in 0..4 {
            write(&mut ledger, (0, n * LEN));
        }
        write(&mut ledger, (0, 2 * LEN + 4096));
        let left: Vec<u64> = ledger.entries().iter().map(|((_, offset), _)| *offset).collect();
        assert_eq!(left, [0, LEN, 2 * LEN + 4096]);
    }
}
