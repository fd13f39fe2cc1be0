//! The command line that repeats one scenario.

use crate::history::Run;

/// The command of the run, narrowed to that scenario, with the same seed. For the run as a whole
/// (`scenario` empty) just the command with the seed.
pub fn command(run: &Run, scenario: &str) -> String {
    // A part of one scenario may be nothing.
    let one: &[&str] = &["--seed", "--scenario", "--partition"];
    let ours = if scenario.is_empty() { &["--seed"] } else { one };
    let mut words: Vec<String> = without(&run.command, ours).map(|word| quoted(word)).collect();
    if words.is_empty() {
        words = vec!["csi-stretch".to_owned(), "run".to_owned()];
    }
    if !scenario.is_empty() {
        words.extend(["--scenario".to_owned(), quoted(scenario)]);
    }
    words.extend(["--seed".to_owned(), format!("{:#x}", run.seed)]);
    words.join(" ")
}

/// The words but for these options and their values; we add our own.
fn without<'a>(words: &'a [String], options: &'a [&str]) -> impl Iterator<Item = &'a String> {
    let mut skip_value = false;
    words.iter().filter(move |word| {
        let value = std::mem::take(&mut skip_value);
        skip_value = !value && options.contains(&word.as_str());
        let joined = options
            .iter()
            .any(|option| word.strip_prefix(option).is_some_and(|rest| rest.starts_with('=')));
        !value && !skip_value && !joined
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_options_take_the_place_of_the_users() {
        let words = ["run", "--seed", "7", "--scenario=a/b", "--jobs", "1", "--seed=8"];
        let words: Vec<String> = words.iter().map(ToString::to_string).collect();
        let left: Vec<&String> = without(&words, &["--seed", "--scenario"]).collect();
        assert_eq!(left, ["run", "--jobs", "1"]);
    }
}
