//! The kernel's own list of mounts, `/proc/self/mountinfo`, parsed here and trusted alone.

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

const MOUNTINFO: &str = "/proc/self/mountinfo";

/// One mount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// Device number as the kernel prints it, major and minor.
    pub device: (u32, u32),
    /// Which part of the file system is mounted, a path inside it.
    pub root: PathBuf,
    /// Where it is mounted.
    pub target: PathBuf,
    /// Options of this mount alone, joined by commas.
    pub options: String,
    /// Name of the file system type.
    pub fs_type: String,
    /// What was mounted, as the mounting program named it.
    pub source: PathBuf,
    /// Options of the whole file system, joined by commas.
    pub super_options: String,
}

impl Mount {
    /// Whether this mount refuses writes; its file system may still take them elsewhere.
    pub fn is_read_only(&self) -> bool {
        has_option(&self.options, "ro")
    }

    /// Whether the whole file system refuses writes.
    pub fn is_super_read_only(&self) -> bool {
        has_option(&self.super_options, "ro")
    }
}

/// All mounts of this process's namespace, in the order they were made.
///
/// # Errors
/// Reading failed, or a line makes no sense (a missed mount could cost data).
pub fn mounts() -> io::Result<Vec<Mount>> {
    let text = std::fs::read(MOUNTINFO)?;
    text.split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| {
            parse(line).ok_or_else(|| {
                let line = String::from_utf8_lossy(line);
                io::Error::other(format!("cannot understand this line of {MOUNTINFO}: {line}"))
            })
        })
        .collect()
}

/// The mount that is visible at `target`: the last one made there.
pub fn topmost<'a>(mounts: &'a [Mount], target: &Path) -> Option<&'a Mount> {
    mounts.iter().rev().find(|mount| mount.target == target)
}

fn parse(line: &[u8]) -> Option<Mount> {
    let mut fields = line.split(|byte| *byte == b' ');
    let device = fields.nth(2)?;
    let root = unescape(fields.next()?);
    let target = unescape(fields.next()?);
    let options = text(fields.next()?);
    // Optional fields end with a lone dash.
    fields.find(|field| *field == b"-")?;
    let fs_type = text(fields.next()?);
    let source = unescape(fields.next()?);
    let super_options = text(fields.next()?);
    let (major, minor) = std::str::from_utf8(device).ok()?.split_once(':')?;
    Some(Mount {
        device: (major.parse().ok()?, minor.parse().ok()?),
        root,
        target,
        options,
        fs_type,
        source,
        super_options,
    })
}

fn has_option(options: &str, name: &str) -> bool {
    options.split(',').any(|option| option == name)
}

fn text(field: &[u8]) -> String {
    String::from_utf8_lossy(field).into_owned()
}

/// Space, tab, newline and backslash are printed as a backslash and three octal digits.
fn unescape(field: &[u8]) -> PathBuf {
    let mut out = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((byte, tail)) = rest.split_first() {
        if let Some(value) = octal(rest) {
            out.push(value);
            rest = &rest[4..];
        } else {
            out.push(*byte);
            rest = tail;
        }
    }
    OsString::from_vec(out).into()
}

fn octal(field: &[u8]) -> Option<u8> {
    let digits = field.get(..4)?.strip_prefix(b"\\")?;
    u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const PLAIN: &str =
        "36 25 7:3 / /mnt/a rw,noatime shared:1 master:2 - xfs /dev/loop3 rw,nouuid";
    const BIND_RO: &str = "40 25 0:5 /loop3 /pods/dev ro,nosuid - devtmpfs dev rw,mode=755";
    const BTRFS: &str = r"41 25 0:44 / /a\040b\134c rw - btrfs /dev/loop4 ro,space_cache";

    #[rstest]
    #[case::optional_fields(PLAIN, (7, 3), ["/", "/mnt/a", "xfs", "/dev/loop3"], [false, false])]
    #[case::bound(BIND_RO, (0, 5), ["/loop3", "/pods/dev", "devtmpfs", "dev"], [true, false])]
    #[case::escapes(BTRFS, (0, 44), ["/", r"/a b\c", "btrfs", "/dev/loop4"], [false, true])]
    fn a_line_is_understood(
        #[case] line: &str,
        #[case] device: (u32, u32),
        #[case] names: [&str; 4],
        #[case] read_only: [bool; 2],
    ) {
        let mount = parse(line.as_bytes()).unwrap();
        assert_eq!(mount.device, device);
        let [root, target, fs_type, source] = names;
        assert_eq!(mount.root, Path::new(root));
        assert_eq!(mount.target, Path::new(target));
        assert_eq!(mount.fs_type, fs_type);
        assert_eq!(mount.source, Path::new(source));
        assert_eq!([mount.is_read_only(), mount.is_super_read_only()], read_only);
    }

    #[rstest]
    #[case::short("36 25 7:3 / /mnt")]
    #[case::no_dash("36 25 7:3 / /mnt rw shared:1 xfs /dev/loop3 rw")]
    #[case::no_number("36 25 seven:3 / /mnt rw - xfs /dev/loop3 rw")]
    fn nonsense_is_refused(#[case] line: &str) {
        assert_eq!(parse(line.as_bytes()), None);
    }

    #[test]
    fn the_last_mount_at_a_place_is_the_visible_one() {
        let lower = parse(PLAIN.as_bytes()).unwrap();
        let upper = Mount { device: (7, 9), ..lower.clone() };
        let all = [lower, upper.clone()];
        assert_eq!(topmost(&all, Path::new("/mnt/a")), Some(&upper));
        assert_eq!(topmost(&all, Path::new("/mnt")), None);
    }

    #[test]
    fn this_machine_has_a_root() {
        assert!(topmost(&mounts().unwrap(), Path::new("/")).is_some());
    }
}
