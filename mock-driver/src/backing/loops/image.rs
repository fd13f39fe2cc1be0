//! Making and removing the images of volumes and snapshots.

use std::fs::File;

use super::copy::copy;
use super::place::{Mark, Place};
use super::quiesce::quiesce;
use super::store::{Kind, Store};
use super::volume::Volume;
use crate::backing::{BackingError, Result, Source};

/// See `Backing::create`.
pub fn create(store: &Store, id: &str, bytes: u64, source: Option<Source<'_>>) -> Result<()> {
    let place = store.place(Kind::Volume, id);
    if place.exists() {
        // Made before the kill, and never handed out unless its size is the one asked for.
        if place.bytes()? == bytes {
            return Ok(());
        }
        remove(&place)?;
    }
    match source {
        None => place.make(&[], |image| image.set_len(bytes).map_err(place.failed("size"))),
        Some(Source::Snapshot(id)) => {
            make_copy(store.existing(Kind::Snapshot, id)?, &place, &[Mark::Copied], bytes)
        }
        Some(Source::Volume(id)) => {
            make_copy(store.existing(Kind::Volume, id)?, &place, &[Mark::Copied], bytes)
        }
    }
}

/// See `Backing::snapshot`.
pub fn snapshot(store: &Store, volume: &str, id: &str) -> Result<u64> {
    let place = store.place(Kind::Snapshot, id);
    if !place.exists() {
        make_copy(store.existing(Kind::Volume, volume)?, &place, &[], 0)?;
    }
    place.bytes()
}

/// Removes a volume or snapshot, and its devices.
///
/// # Errors
/// [`BackingError::Busy`] while it is mounted.
pub fn remove(place: &Place) -> Result<()> {
    Volume::look(place.clone())?.detach()?;
    place.remove()
}

fn make_copy(from: Place, to: &Place, marks: &[Mark], bytes: u64) -> Result<()> {
    if from.has(Mark::Formatting) {
        // Nothing of a half-made file system is anybody's data.
        let bytes = bytes.max(from.bytes()?);
        return to.make(&[], |image| image.set_len(bytes).map_err(to.failed("size")));
    }
    let source = Volume::look(from)?;
    let failed = || BackingError::io(format!("copy {} to {}", source.place.id(), to.id()));
    to.make(marks, |image| {
        let file = File::open(source.place.image()).map_err(failed())?;
        let _still = quiesce(&source)?;
        copy(&file, image, bytes).map_err(failed())
    })
}
