//! What a workload and an observer on the simulated node can do, by path alone.

use std::path::Path;

use super::node::{As, Node};
use crate::backing::{BackingError, Observed, Result};

impl Node {
    /// What is visible at a path.
    pub fn observe(&self, path: &Path) -> Result<Observed> {
        let (id, _, mount) = self.seen_at(path)?;
        let disk = self.volume(id)?;
        let as_fs = mount.shown == As::FileSystem;
        let device = disk.meta.device.ok_or_else(|| BackingError::NotMounted(path.into()))?;
        Ok(Observed {
            device_bytes: disk.meta.bytes,
            file_system: disk.file_system().filter(|_| as_fs),
            stats: disk.stats(),
            read_only: mount.read_only,
            device_id: format!("memory-{device}"),
        })
    }

    /// Stores bytes as a workload would: all of them, or none with the reason.
    pub fn write(&mut self, path: &Path, file: &str, offset: u64, data: &[u8]) -> Result<()> {
        let (id, at, mount) = self.seen_at(path)?;
        let (id, name) = (id.to_owned(), name_below(at, path, file, mount.shown)?);
        if mount.read_only {
            return Err(BackingError::ReadOnly(path.into()));
        }
        let disk = self.volume(&id)?;
        let length = data.len() as u64;
        let too_far = || BackingError::NoSpace("the write ends past the largest offset".into());
        let end = offset.checked_add(length).ok_or_else(too_far)?;
        let more = disk.new_bytes(&name, offset, length);
        match mount.shown {
            As::Device if end > disk.meta.bytes => {
                let text = format!("the device ends at {} bytes", disk.meta.bytes);
                return Err(BackingError::NoSpace(text));
            }
            As::FileSystem if more > disk.stats().available_bytes => {
                let text = format!("{} bytes are available", disk.stats().available_bytes);
                return Err(BackingError::NoSpace(text));
            }
            _ => {}
        }
        self.must_hold(more)?;
        self.volume_mut(&id)?.write(&name, offset, data)
    }

    /// Reads bytes back.
    pub fn read(&self, path: &Path, file: &str, offset: u64, length: u64) -> Result<Vec<u8>> {
        let (id, at, mount) = self.seen_at(path)?;
        let name = name_below(at, path, file, mount.shown)?;
        let disk = self.volume(id)?;
        let held = disk.content.file(&name);
        let size = match (mount.shown, held) {
            (As::Device, _) => disk.meta.bytes,
            (As::FileSystem, Some(held)) => held.end(),
            (As::FileSystem, None) => return Err(BackingError::NoFile(name)),
        };
        if offset.checked_add(length).is_none_or(|end| end > size) {
            return Err(BackingError::OutOfRange(format!("the end is at {size} bytes")));
        }
        let mut data = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
        if let Some(held) = held {
            held.read(offset, &mut data);
        }
        Ok(data)
    }
}

/// The name of a file as seen from where its file system is mounted; empty for a device.
fn name_below(at: &Path, path: &Path, file: &str, shown: As) -> Result<String> {
    let wrong = |why: &str| Err(BackingError::Invalid(why.into()));
    if shown == As::Device {
        return if file.is_empty() { Ok(String::new()) } else { wrong("a device has no files") };
    }
    if file.is_empty() {
        return wrong("a file name is needed on a mounted volume");
    }
    if file.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return wrong("a file name is relative and has no empty, `.` or `..` parts");
    }
    let below = path.strip_prefix(at).unwrap_or(Path::new(""));
    Ok(below.join(file).to_string_lossy().into_owned())
}
