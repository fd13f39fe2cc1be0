//! `/proc/self/mountinfo`: which mount is seen at a path. A parser and a search; opens nothing
//! but that one file.

use std::{
    ffi::{OsStr, OsString},
    io,
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
};

/// One mount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// Device number of the file system; 0:n for those without a device of their own.
    pub number: (u64, u64),
    /// Which folder of the file system is mounted; `/` is all of it.
    pub root: PathBuf,
    /// Where.
    pub point: PathBuf,
    /// Options of this mount.
    pub options: String,
    /// `ext4`, `xfs`, …
    pub fs_type: String,
    /// What was mounted: a device path, or any text.
    pub source: PathBuf,
    /// Options of the file system.
    pub super_options: String,
}

impl Mount {
    /// Nobody can write through it.
    pub fn is_read_only(&self) -> bool {
        self.has("ro")
    }

    /// The mount shows a part of a file system: a folder bound from inside of it. A btrfs
    /// subvolume mounted as such is whole.
    pub fn is_part(&self) -> bool {
        if self.root == Path::new("/") {
            return false;
        }
        self.fs_type != "btrfs" || self.subvolume().as_deref() != Some(self.root.as_os_str())
    }

    /// Path of the mounted btrfs subvolume.
    pub fn subvolume(&self) -> Option<OsString> {
        let name = self.super_options.split(',').find_map(|o| o.strip_prefix("subvol="))?;
        Some(unescape(name.as_bytes()))
    }

    fn has(&self, option: &str) -> bool {
        [&self.options, &self.super_options].iter().any(|all| all.split(',').any(|o| o == option))
    }
}

/// Every mount this process sees, in the kernel's order.
pub fn read() -> io::Result<Vec<Mount>> {
    Ok(parse(&std::fs::read("/proc/self/mountinfo")?))
}

/// Every line that makes sense.
pub fn parse(text: &[u8]) -> Vec<Mount> {
    text.split(|byte| *byte == b'\n').filter_map(parse_line).collect()
}

/// The mount on top at a path: the last one made there.
pub fn at<'a>(mounts: &'a [Mount], path: &Path) -> Option<&'a Mount> {
    mounts.iter().rev().find(|mount| mount.point == path)
}

/// The mount that a path lies in.
pub fn around<'a>(mounts: &'a [Mount], path: &Path) -> Option<&'a Mount> {
    path.ancestors().find_map(|folder| at(mounts, folder))
}

/// `36 35 98:0 /root /point rw,noatime shared:1 - ext4 /dev/sda rw,errors=continue`; the number
/// of optional fields before the dash varies.
fn parse_line(line: &[u8]) -> Option<Mount> {
    let mut fields = line.split(|byte| *byte == b' ').skip(2);
    let number = std::str::from_utf8(fields.next()?).ok()?;
    let (major, minor) = number.split_once(':')?;
    let number = (major.parse().ok()?, minor.parse().ok()?);
    let root = path(fields.next()?);
    let point = path(fields.next()?);
    let options = text(fields.next()?);
    fields.find(|field| *field == b"-")?;
    Some(Mount {
        number,
        root,
        point,
        options,
        fs_type: text(fields.next()?),
        source: path(fields.next()?),
        super_options: text(fields.next().unwrap_or_default()),
    })
}

fn path(field: &[u8]) -> PathBuf {
    unescape(field).into()
}

fn text(field: &[u8]) -> String {
    String::from_utf8_lossy(field).into_owned()
}

/// The kernel writes space, tab, newline and backslash as three octal digits.
fn unescape(field: &[u8]) -> OsString {
    let mut out = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((byte, tail)) = rest.split_first() {
        let escaped = if *byte == b'\\' { octal(tail) } else { None };
        out.push(escaped.unwrap_or(*byte));
        rest = if escaped.is_some() { &tail[3..] } else { tail };
    }
    OsString::from_vec(out)
}

fn octal(digits: &[u8]) -> Option<u8> {
    let digits = OsStr::from_bytes(digits.get(..3)?).to_str()?;
    if digits.starts_with('+') { None } else { u8::from_str_radix(digits, 8).ok() }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const TABLE: &str = r"27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard
24 27 0:6 / /dev rw,relatime shared:2 - devtmpfs devtmpfs rw,mode=755
40 27 7:3 / /pods/a rw,relatime shared:2 master:1 - xfs /dev/loop3 rw,attr2
41 27 254:0 /var/data/vol\0401 /pods/b ro,relatime - ext4 /dev/vda rw
42 27 0:44 /vol /pods/c rw - btrfs /dev/loop4 rw,ssd,subvolid=256,subvol=/vol
43 27 0:44 /vol/in /pods/d rw - btrfs /dev/loop4 rw,ssd,subvolid=256,subvol=/vol
44 24 0:6 /loop5 /pods/e rw - devtmpfs devtmpfs rw,mode=755
45 40 7:6 / /pods/a rw - ext4 /dev/loop6 ro
46 27 0:9 / /with\040space\134and\011tab rw - tmpfs none rw
nonsense
47 27 0:9 / /short rw - tmpfs
";

    #[rstest]
    #[case::top_of_two("/pods/a", "ext4", (7, 6), false, true)]
    #[case::folder("/pods/b", "ext4", (254, 0), true, true)]
    #[case::subvolume("/pods/c", "btrfs", (0, 44), false, false)]
    #[case::folder_of_subvolume("/pods/d", "btrfs", (0, 44), true, false)]
    #[case::device_node("/pods/e", "devtmpfs", (0, 6), true, false)]
    #[case::escaped("/with space\\and\ttab", "tmpfs", (0, 9), false, false)]
    fn the_mount_at_a_path(
        #[case] path: &str,
        #[case] fs_type: &str,
        #[case] number: (u64, u64),
        #[case] part: bool,
        #[case] read_only: bool,
    ) {
        let mounts = parse(TABLE.as_bytes());
        let mount = at(&mounts, Path::new(path)).unwrap();
        assert_eq!((mount.fs_type.as_str(), mount.number), (fs_type, number));
        assert_eq!((mount.is_part(), mount.is_read_only()), (part, read_only));
    }

    #[test]
    fn what_is_no_mount_lies_in_one() {
        let mounts = parse(TABLE.as_bytes());
        assert_eq!(mounts.len(), 9);
        assert!(at(&mounts, Path::new("/pods")).is_none());
        assert_eq!(around(&mounts, Path::new("/pods/a/x/y")).unwrap().number, (7, 6));
        assert_eq!(around(&mounts, Path::new("/pods")).unwrap().point, Path::new("/"));
        assert_eq!(mounts[3].root, Path::new("/var/data/vol 1"));
    }

    #[rstest]
    #[case(br"\040", b" ")]
    #[case(br"a\134b", br"a\b")]
    #[case(br"\04", br"\04")]
    #[case(br"\999", br"\999")]
    #[case(br"\777", br"\777")]
    #[case(b"\xff\xfe", b"\xff\xfe")]
    fn octal_escapes(#[case] field: &[u8], #[case] want: &[u8]) {
        assert_eq!(unescape(field).as_bytes(), want);
    }

    #[test]
    fn this_kernels_own_table_can_be_read() {
        let mounts = read().unwrap();
        assert!(at(&mounts, Path::new("/proc")).is_some_and(|m| m.fs_type == "proc"));
    }
}
