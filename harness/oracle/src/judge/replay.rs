//! The command line that repeats one scenario.

use crate::history::Run;

/// `csi-stretch replay FOLDER --scenario ID`: everything else is in the folder's history. For the
/// run as a whole (`scenario` empty) every scenario of it.
pub fn command(run: &Run, scenario: &str) -> String {
    let program = run.command.first().map_or("csi-stretch", String::as_str);
    let folder = if run.folder.is_empty() { "stretch-out/latest" } else { &run.folder };
    let mut words = vec![quoted(program), "replay".to_owned(), quoted(folder)];
    if scenario.is_empty() {
        words.push("--all".to_owned());
    } else {
        words.extend(["--scenario".to_owned(), quoted(scenario)]);
    }
    words.join(" ")
}

/// For a POSIX shell.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}
