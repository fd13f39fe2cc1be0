//! Whether the folder that the harness and the drivers it starts work in is full. What fails then
//! says nothing of the driver.

use std::path::Path;

use csi_stretch_oracle::history::{Completion, Failure};
use nix::sys::statvfs::statvfs;

/// Less than this is nothing: drivers write state, and file systems keep some blocks back.
const FULL_BYTES: u64 = 1 << 20;

/// Somebody says that there is no space, and there is not much: what failed may have been undone
/// since, which makes room again.
const SCARCE_BYTES: u64 = 64 << 20;

/// Why an action that did not succeed may have failed by the lab's fault.
pub(super) fn trouble(folder: &Path, completion: &Completion) -> Option<String> {
    let (Completion::Fail(failure) | Completion::Info(failure)) = completion else { return None };
    let said = statvfs(folder).ok()?;
    // Root may also use what is kept back for it.
    let blocks =
        if nix::unistd::geteuid().is_root() { said.blocks_free() } else { said.blocks_available() };
    let free = blocks.saturating_mul(said.fragment_size());
    let no_files = said.files() > 0 && said.files_available() == 0;
    is_lab(failure, free, no_files).then(|| {
        format!(
            "the harness's own folder {} is full ({free} bytes left): give --work-dir a roomy one",
            folder.display()
        )
    })
}

fn is_lab(failure: &Failure, free: u64, no_files: bool) -> bool {
    let message = failure.message.to_lowercase();
    let said = ["no space left", "enospc", "disk quota exceeded"];
    let complains = said.iter().any(|words| message.contains(words));
    free < FULL_BYTES || no_files || (complains && free < SCARCE_BYTES)
}

#[cfg(test)]
mod tests {
    use csi_stretch_oracle::history::Code;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::roomy("volume is busy", 1 << 30, false, false)]
    #[case::full("cannot write state", 4096, false, true)]
    #[case::no_more_files("cannot write state", 1 << 30, true, true)]
    #[case::scarce_and_said("mkfs: No space left on device", 8 << 20, false, true)]
    #[case::scarce_and_something_else("volume is busy", 8 << 20, false, false)]
    #[case::the_drivers_own_pool("No space left on device", 1 << 30, false, false)]
    fn only_a_full_lab_is_to_blame(
        #[case] message: &str,
        #[case] free: u64,
        #[case] no_files: bool,
        #[case] lab: bool,
    ) {
        let failure = Failure { code: Code::Internal, message: message.into() };
        assert_eq!(is_lab(&failure, free, no_files), lab);
    }

    #[test]
    fn what_succeeds_is_no_trouble() {
        let done = Completion::Ok(csi_stretch_oracle::history::Outcome::Done);
        assert_eq!(trouble(Path::new("/"), &done), None);
    }
}
