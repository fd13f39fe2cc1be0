//! Reads the fields of a request; what is missing or malformed is INVALID_ARGUMENT, and so is what
//! FlexVolume has no words for.

use std::path::{Component, Path, PathBuf};

use csi_stretch_proto::csi::v1::{
    CapacityRange, VolumeCapability,
    volume_capability::{AccessType, access_mode::Mode},
};
use tonic::Status;

/// The longest name of a volume, bytes.
const NAME_MAX: usize = 128;

/// A volume that FlexVolume can be asked for: mounted, and written by one node at most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// File system; empty: the driver's own choice.
    pub fs_type: String,
    /// Nobody writes.
    pub reader: bool,
    /// One node has it, and writes.
    pub single: bool,
}

/// Sizes that are wanted; 0: not said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// At least.
    pub required: u64,
    /// At most.
    pub limit: u64,
}

impl Range {
    /// What to ask the driver for.
    pub fn wanted(self) -> u64 {
        if self.required > 0 { self.required } else { self.limit }
    }
}

/// A string that has to be there.
pub fn required<'a>(value: &'a str, field: &str) -> Result<&'a str, Status> {
    if value.is_empty() {
        return Err(Status::invalid_argument(format!("{field} is missing")));
    }
    if value.contains('\0') {
        return Err(Status::invalid_argument(format!("{field} holds a NUL")));
    }
    Ok(value)
}

/// A name for something new.
pub fn name(value: &str) -> Result<&str, Status> {
    required(value, "name")?;
    if value.len() > NAME_MAX || value.chars().any(char::is_control) {
        let text = "name must have at most 128 bytes and no control characters";
        return Err(Status::invalid_argument(text));
    }
    Ok(value)
}

/// An absolute path that has to be there.
pub fn path<'a>(value: &'a str, field: &str) -> Result<&'a Path, Status> {
    let path = Path::new(required(value, field)?);
    if !path.is_absolute() || path.components().any(|c| c == Component::ParentDir) {
        let text = format!("{field} must be an absolute path without `..`");
        return Err(Status::invalid_argument(text));
    }
    Ok(path)
}

/// The same path without `//`, `.` and a slash at its end: how the kernel names it.
pub fn clean(path: &Path) -> PathBuf {
    path.components().collect()
}

/// A capability that has to be there.
pub fn capability(given: Option<&VolumeCapability>) -> Result<Use, Status> {
    let wrong = |why: &str| Err(Status::invalid_argument(format!("volume_capability {why}")));
    let Some(given) = given else { return wrong("is missing") };
    let mount = match &given.access_type {
        None => return wrong("names neither block nor mount"),
        Some(AccessType::Block(_)) => return wrong("asks for block: FlexVolume can only mount"),
        Some(AccessType::Mount(mount)) => mount,
    };
    if !mount.mount_flags.is_empty() {
        return wrong("has mount_flags: FlexVolume cannot be told");
    }
    if !mount.volume_mount_group.is_empty() {
        return wrong("has a volume_mount_group, which is not declared");
    }
    let mode = given.access_mode.map_or(0, |mode| mode.mode);
    match Mode::try_from(mode) {
        Ok(Mode::Unknown) => return wrong("has no access mode"),
        Ok(Mode::SingleNodeWriter | Mode::SingleNodeReaderOnly | Mode::MultiNodeReaderOnly) => {}
        _ => return wrong("has an access mode that FlexVolume does not have"),
    }
    Ok(Use {
        fs_type: mount.fs_type.clone(),
        reader: mode != i32::from(Mode::SingleNodeWriter),
        single: mode != i32::from(Mode::MultiNodeReaderOnly),
    })
}

/// At least one bound, none negative, not inverted.
pub fn range(range: Option<CapacityRange>) -> Result<Range, Status> {
    let wrong = |why: &str| Err(Status::invalid_argument(format!("capacity_range {why}")));
    let Some(range) = range else { return wrong("is missing") };
    let (Ok(required), Ok(limit)) =
        (u64::try_from(range.required_bytes), u64::try_from(range.limit_bytes))
    else {
        return wrong("has a negative bound");
    };
    if required == 0 && limit == 0 {
        return wrong("has neither required_bytes nor limit_bytes");
    }
    if limit > 0 && required > limit {
        return wrong("has required_bytes above limit_bytes");
    }
    Ok(Range { required, limit })
}
