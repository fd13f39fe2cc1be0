//! Measurements, made safe to compare: only what is the volume's own, and with the room that a
//! file system may leave.

use crate::{
    action::{PathRef, Rpc},
    evidence::Op,
    history::FsGeometry,
    model::Model,
    words,
};

/// What a file system may fall short of its device, bytes, however small its own units are.
pub const ROOM: u64 = 16 << 20;

/// One measurement of one volume.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// The probe.
    pub op: Op<'a>,
    /// Where it looked.
    pub path: &'a PathRef,
    /// Size of the block device, bytes.
    pub device: Option<u64>,
    /// Never for a block volume: what lies inside is the workload's.
    pub fs: Option<&'a FsGeometry>,
    /// statfs total, bytes.
    pub statfs: Option<u64>,
    /// Mounted, or published, for reading only.
    pub read_only: bool,
    /// There is no mount or device of its own; then neither device nor file system is told.
    pub shared: bool,
}

impl<'a> Seen<'a> {
    /// The measurement of an operation. `None` if it is not one, if it failed, or if the volume
    /// is not at that path, as far as the driver's answers say.
    pub fn of(model: &Model, op: &Op<'a>) -> Option<(&'a str, Self)> {
        let (handle, path) = crate::history::probed(&op.invoke.action)?;
        let seen = op.completion()?.observation()?;
        let volume = model.volume(handle);
        if volume.is_some_and(|volume| !volume.is_at(path)) {
            return None;
        }
        let block = volume.is_some_and(crate::model::Volume::is_block);
        let found = Self {
            op: *op,
            path,
            device: seen.device_bytes.filter(|_| !seen.shared),
            fs: seen.fs.as_ref().filter(|_| !seen.shared && !block),
            statfs: seen.statfs.as_ref().map(|fs| fs.total_bytes),
            read_only: seen.read_only || volume.is_some_and(|v| v.is_readonly_at(path)),
            shared: seen.shared,
        };
        Some((handle, found))
    }

    /// Whether the file system leaves more of the device unused than it may (notes, 15), or did
    /// not grow a byte although the device has grown by more than that since `before`. `None` if
    /// device or file system was not measured.
    pub fn is_short(&self, before: Option<&Self>) -> Option<bool> {
        let (device, fs) = (self.device?, self.fs?);
        let least = ROOM.max(device / 100);
        if fs.bytes.saturating_add(least.max(fs.slack_bytes)) < device {
            return Some(true);
        }
        let stuck = before.is_some_and(|before| {
            let old = before.device.zip(before.fs);
            old.is_some_and(|(old_device, old_fs)| {
                old_fs.bytes == fs.bytes && device.saturating_sub(old_device) > least
            })
        });
        Some(stuck)
    }

    /// `device 128 MiB, xfs 64 MiB`.
    pub fn words(&self) -> String {
        let device = self.device.map(|size| format!("device {}", words::bytes_u64(size)));
        let fs = self.fs.map(|fs| format!("{} {}", fs.kind, words::bytes_u64(fs.bytes)));
        let statfs = self.statfs.filter(|_| self.device.is_none() && self.fs.is_none());
        let statfs = statfs.map(|size| format!("statfs {}", words::bytes_u64(size)));
        let all: Vec<String> = [device, fs, statfs].into_iter().flatten().collect();
        if all.is_empty() { "nothing measured".to_owned() } else { all.join(", ") }
    }
}

/// Follows a volume's file system after a claim that the node has nothing to do for it, until a
/// node step is done after all. What counts is the last measurement: with a re-publication in
/// between, the driver may still grow it.
#[derive(Clone, Copy, Debug)]
pub struct Watch<'a> {
    /// The call that claimed it.
    pub claim: Op<'a>,
    before: Option<Seen<'a>>,
    small: Option<Seen<'a>>,
}

impl<'a> Watch<'a> {
    /// Starts at a claim; `before` is the last measurement before it.
    pub fn new(claim: Op<'a>, before: Option<Seen<'a>>) -> Self {
        Self { claim, before, small: None }
    }

    /// Takes in a later measurement.
    pub fn see(&mut self, seen: Seen<'a>) {
        if !seen.read_only && seen.op.begin() > self.claim.end() {
            match seen.is_short(self.before.as_ref()) {
                Some(true) => self.small = Some(seen),
                Some(false) => self.small = None,
                None => (),
            }
        }
    }

    /// The measurement that shows the file system still small.
    pub fn small(&self) -> Option<Seen<'a>> {
        self.small
    }
}

/// Minimum and limit that a call asks for, bytes; 0 is unset.
pub fn range(op: &Op<'_>) -> Option<(i64, i64)> {
    op.call()?.capacity_range.map(|range| (range.required, range.limit))
}

/// The answer of a call of that procedure, if it succeeded.
pub fn ok<'a>(op: &Op<'a>, rpc: Rpc) -> Option<&'a crate::history::Reply> {
    op.call_of(rpc)?;
    op.reply()
}
