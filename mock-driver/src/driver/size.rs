//! Which size a request leads to: rounded up to the granularity, within every bound.

use tonic::Status;

use super::{Reply, ask::Range};
use crate::profile::Profile;

/// The size of a volume when nobody says how large it should be, bytes.
const DEFAULT: u64 = 1 << 30;

/// The size of a new volume; `floor` is the size of the source it is made from, if any.
pub fn of_new(profile: &Profile, range: Option<Range>, floor: Option<u64>) -> Reply<u64> {
    let limit = range.and_then(|r| r.limit);
    let required = range.map_or(0, |r| r.required);
    let wanted = match floor {
        Some(floor) => floor.max(required),
        None if required > 0 => required,
        None => DEFAULT.min(profile.maximum.0).min(limit.unwrap_or(u64::MAX)),
    };
    let wanted = wanted.max(profile.minimum.0);
    // With only a limit the size is ours to choose: rather a smaller one than none at all.
    let free_choice = required == 0 && floor.is_none();
    let granularity = profile.granularity.0;
    let below = wanted - wanted % granularity;
    if free_choice && below >= profile.minimum.0 && limit.is_none_or(|limit| below <= limit) {
        return Ok(below);
    }
    bounded(profile, wanted, limit)
}

/// The size an existing volume of `current` bytes has to have for `range`; never below `current`.
pub fn of_grown(profile: &Profile, range: Range, current: u64) -> Reply<u64> {
    if range.limit.is_some_and(|limit| limit < current) {
        let text = format!("the volume has {current} bytes, more than limit_bytes; none shrinks");
        return Err(Status::out_of_range(text));
    }
    if range.required <= current {
        return Ok(current);
    }
    bounded(profile, range.required, range.limit)
}

fn bounded(profile: &Profile, wanted: u64, limit: Option<u64>) -> Reply<u64> {
    let maximum = profile.maximum.0;
    let size = profile.round_up(wanted).filter(|size| *size <= maximum).ok_or_else(|| {
        Status::out_of_range(format!("{wanted} bytes do not fit in the maximum of {maximum}"))
    })?;
    match limit {
        Some(limit) if size > limit => Err(Status::out_of_range(format!(
            "the smallest possible size for {wanted} bytes is {size}, above limit_bytes {limit}"
        ))),
        _ => Ok(size),
    }
}
