//! The command line that repeats one scenario.

use crate::history::Run;

/// The command of the run, narrowed to that scenario, with the same seed. For the run as a whole
/// (`scenario` empty) just the command with the seed.
pub fn command(run: &Run, scenario: &str) -> String {
    let mut words: Vec<String> = run.command.iter().map(|word| quoted(word)).collect();
    if words.is_empty() {
        words = vec!["csi-stretch".to_owned(), "run".to_owned()];
    }
    if !scenario.is_empty() {
        words.extend(["--scenario".to_owned(), quoted(scenario)]);
    }
    if !run.command.iter().any(|word| word == "--seed" || word.starts_with("--seed=")) {
        words.extend(["--seed".to_owned(), run.seed.to_string()]);
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
