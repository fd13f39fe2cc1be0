//! Mount options as people write them, split into what mount(2) takes as flags and as text.

use nix::mount::MsFlags;

/// Options for one mount(2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The ones that every file system knows.
    pub flags: MsFlags,
    /// The ones for this file system, joined by commas.
    pub data: String,
}

const FLAGS: &[(&str, MsFlags)] = &[
    ("ro", MsFlags::MS_RDONLY),
    ("nosuid", MsFlags::MS_NOSUID),
    ("nodev", MsFlags::MS_NODEV),
    ("noexec", MsFlags::MS_NOEXEC),
    ("sync", MsFlags::MS_SYNCHRONOUS),
    ("dirsync", MsFlags::MS_DIRSYNC),
    ("noatime", MsFlags::MS_NOATIME),
    ("nodiratime", MsFlags::MS_NODIRATIME),
    ("relatime", MsFlags::MS_RELATIME),
    ("strictatime", MsFlags::MS_STRICTATIME),
    ("silent", MsFlags::MS_SILENT),
    ("lazytime", MsFlags::MS_LAZYTIME),
];

/// Words that undo a flag.
const CLEARED: &[(&str, MsFlags)] = &[
    ("rw", MsFlags::MS_RDONLY),
    ("suid", MsFlags::MS_NOSUID),
    ("dev", MsFlags::MS_NODEV),
    ("exec", MsFlags::MS_NOEXEC),
    ("async", MsFlags::MS_SYNCHRONOUS),
    ("atime", MsFlags::MS_NOATIME),
    ("diratime", MsFlags::MS_NODIRATIME),
    ("norelatime", MsFlags::MS_RELATIME),
    ("nolazytime", MsFlags::MS_LAZYTIME),
];

impl Options {
    /// Splits `flags` (each may itself be a comma list) and puts `own` first in the text.
    pub fn parse(flags: &[String], own: &str) -> Self {
        let mut options = Self { flags: MsFlags::empty(), data: own.to_owned() };
        for word in flags.iter().flat_map(|flag| flag.split(',')).map(str::trim) {
            options.take(word);
        }
        options
    }

    fn take(&mut self, word: &str) {
        if let Some((_, flag)) = FLAGS.iter().find(|(name, _)| *name == word) {
            self.flags |= *flag;
        } else if let Some((_, flag)) = CLEARED.iter().find(|(name, _)| *name == word) {
            self.flags &= !*flag;
        } else if !word.is_empty() && word != "defaults" && !self.has(word) {
            if !self.data.is_empty() {
                self.data.push(',');
            }
            self.data.push_str(word);
        }
    }

    fn has(&self, word: &str) -> bool {
        self.data.split(',').any(|have| have == word)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::none(&[], "", MsFlags::empty(), "")]
    #[case::own(&[], "nouuid", MsFlags::empty(), "nouuid")]
    #[case::own_is_not_doubled(&["nouuid"], "nouuid", MsFlags::empty(), "nouuid")]
    #[case::both_kinds(&["noatime", "discard"], "", MsFlags::MS_NOATIME, "discard")]
    #[case::lists(&["ro,data=ordered", "x=1"], "a", MsFlags::MS_RDONLY, "a,data=ordered,x=1")]
    #[case::the_last_wins(&["ro", "rw", "defaults"], "", MsFlags::empty(), "")]
    fn options_are_split(
        #[case] given: &[&str],
        #[case] own: &str,
        #[case] flags: MsFlags,
        #[case] data: &str,
    ) {
        let given: Vec<String> = given.iter().map(ToString::to_string).collect();
        assert_eq!(Options::parse(&given, own), Options { flags, data: data.to_owned() });
    }
}
