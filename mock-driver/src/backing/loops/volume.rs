//! One volume as the kernel sees it at this moment: its image, its devices, their mounts.

use std::path::Path;

use super::device::{self, Device};
use super::mountinfo::{self, Mount};
use super::place::Place;
use super::store::{Kind, Store};
use crate::backing::{BackingError, FsType, Result};

/// A look at a volume. Holds its devices open, so that they stay what they are.
#[derive(Debug)]
pub struct Volume {
    /// Where its image is.
    pub place: Place,
    /// The loop devices attached to its image: at most one that takes writes.
    pub devices: Vec<Device>,
    /// All mounts of this machine.
    mounts: Vec<Mount>,
}

impl Volume {
    /// Looks at a volume (or snapshot) that may exist or not.
    pub fn look(place: Place) -> Result<Self> {
        let devices = device::find(&place.image())?;
        let mounts = mountinfo::mounts().map_err(BackingError::io("read the mount table"))?;
        Ok(Self { place, devices, mounts })
    }

    /// The same, with a device for the volume, attached now if there is none.
    pub fn attached(place: Place) -> Result<Self> {
        let mut volume = Self::look(place)?;
        volume.device(false)?;
        Ok(volume)
    }

    /// The device that takes writes, or the one that refuses them; attached if there is none.
    pub fn device(&mut self, read_only: bool) -> Result<&Device> {
        let is_wanted = |device: &Device| device.read_only == read_only;
        if let Some(at) = self.devices.iter().position(is_wanted) {
            return Ok(&self.devices[at]);
        }
        self.devices.push(device::attach(&self.place.image(), read_only)?);
        Ok(&self.devices[self.devices.len() - 1])
    }

    /// What is visible at `path`, whoever mounted it.
    pub fn topmost(&self, path: &Path) -> Option<&Mount> {
        mountinfo::topmost(&self.mounts, path)
    }

    /// Whether `mount` shows this volume, as a file system or a device.
    pub fn is_shown_by(&self, mount: &Mount) -> bool {
        self.devices.iter().any(|device| device.node.is_shown_by(mount))
    }

    /// Whether `mount` shows this volume's file system.
    pub fn has_file_system_at(&self, mount: &Mount) -> bool {
        self.devices.iter().any(|device| device.node.has_file_system_at(mount))
    }

    /// Every mount that shows this volume.
    pub fn shown(&self) -> impl Iterator<Item = &Mount> {
        self.mounts.iter().filter(|mount| self.is_shown_by(mount))
    }

    /// A mount of this volume's file system, one that takes writes if there is one.
    ///
    /// # Errors
    /// [`BackingError::Busy`] if it is mounted, but only under other mounts. Nobody may take it
    /// for unmounted then, and nobody can reach it.
    pub fn mounted(&self) -> Result<Option<(&Device, &Mount, FsType)>> {
        let mut hidden = None;
        let mut found: Option<(&Device, &Mount, FsType)> = None;
        for (device, mount) in self.pairs() {
            let Some(fs_type) = FsType::from_name(&mount.fs_type) else { continue };
            if self.topmost(&mount.target) != Some(mount) {
                hidden = Some(mount);
            } else if found.is_none_or(|(_, other, _)| other.is_read_only()) {
                found = Some((device, mount, fs_type));
            }
        }
        match (found, hidden) {
            (None, Some(mount)) => Err(BackingError::Busy(format!(
                "the volume is mounted at {} under another mount: unmount that one first",
                mount.target.display()
            ))),
            _ => Ok(found),
        }
    }

    /// Detaches every device.
    ///
    /// # Errors
    /// [`BackingError::Busy`] while something of the volume is mounted.
    pub fn detach(self) -> Result<()> {
        if let Some(mount) = self.shown().next() {
            let target = mount.target.display();
            return Err(BackingError::Busy(format!("the volume is mounted at {target}")));
        }
        self.place.wait_for_tools()?;
        let image = self.place.image();
        self.devices.into_iter().try_for_each(|device| device.detach(&image))
    }

    /// Detaches the devices that refuse writes and show nowhere.
    pub fn detach_idle_read_only(self) -> Result<()> {
        let image = self.place.image();
        for device in self.devices {
            let shown = self.mounts.iter().any(|mount| device.node.is_shown_by(mount));
            if device.read_only && !shown {
                device.detach(&image)?;
            }
        }
        Ok(())
    }

    fn pairs(&self) -> impl Iterator<Item = (&Device, &Mount)> {
        self.devices.iter().flat_map(|device| {
            let shows = |mount: &&Mount| device.node.has_file_system_at(mount);
            self.mounts.iter().filter(shows).map(move |mount| (device, mount))
        })
    }
}

impl Store {
    /// Looks at a volume that has to exist.
    pub fn volume(&self, id: &str) -> Result<Volume> {
        Volume::look(self.existing(Kind::Volume, id)?)
    }
}
