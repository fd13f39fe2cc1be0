//! Reads the fields of a request; whatever is missing or malformed is INVALID_ARGUMENT.

use std::path::{Component, Path, PathBuf};

use csi_stretch_proto::csi::v1 as csi;
use tonic::Status;

use super::Reply;

/// The longest path an operating system takes, bytes.
const PATH_MAX: usize = 4096;
/// The longest string CSI allows where it says nothing else, bytes.
const STRING_MAX: usize = 128;

/// A capacity range that some size satisfies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// The least number of bytes; 0 when only a limit was given.
    pub required: u64,
    /// The greatest number of bytes, if one was given.
    pub limit: Option<u64>,
}

/// A string that has to be there.
pub fn required<'a>(value: &'a str, field: &str) -> Reply<&'a str> {
    if value.is_empty() {
        return Err(Status::invalid_argument(format!("{field} is missing")));
    }
    Ok(value)
}

/// A name for something new: up to 128 bytes of Unicode without control characters.
pub fn name(value: &str) -> Reply<&str> {
    required(value, "name")?;
    if value.len() > STRING_MAX || value.chars().any(char::is_control) {
        let text = "name must have at most 128 bytes and no control characters";
        return Err(Status::invalid_argument(text));
    }
    Ok(value)
}

/// An absolute path that has to be there, made lexically clean.
pub fn path(value: &str, field: &str) -> Reply<PathBuf> {
    required(value, field)?;
    let wrong = |why: &str| Err(Status::invalid_argument(format!("{field} {why}")));
    if value.len() >= PATH_MAX || value.contains('\0') {
        return wrong("is longer than a path can be, or holds a NUL");
    }
    let given = Path::new(value);
    if !given.is_absolute() {
        return wrong("must be an absolute path");
    }
    if given.components().any(|c| c == Component::ParentDir) {
        return wrong("must not contain `..`");
    }
    let clean: PathBuf = given.components().collect();
    if clean.parent().is_none() {
        return wrong("must not be the root folder");
    }
    Ok(clean)
}

/// A path that may be left out.
pub fn path_if_any(value: &str, field: &str) -> Reply<Option<PathBuf>> {
    if value.is_empty() { Ok(None) } else { path(value, field).map(Some) }
}

/// A capacity range: at least one bound, none negative, not inverted.
pub fn range(range: csi::CapacityRange) -> Reply<Range> {
    let wrong = |why: &str| Err(Status::invalid_argument(format!("capacity_range {why}")));
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
    Ok(Range { required, limit: (limit > 0).then_some(limit) })
}

/// The most entries a list may have; `None` is any number.
pub fn max_entries(value: i32) -> Reply<Option<usize>> {
    match usize::try_from(value) {
        Ok(0) => Ok(None),
        Ok(most) => Ok(Some(most)),
        Err(_) => Err(Status::invalid_argument("max_entries is negative")),
    }
}
