//! Secrets of calls: sent to the driver, and nowhere else. They never enter an `Action`, so no
//! history can hold them; what a driver says back is scrubbed of their values.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    fmt,
};

use csi_stretch_oracle::action::Rpc;

/// What stands where a secret value was.
pub const REDACTED: &str = "[redacted]";

/// A value shorter than this is only scrubbed where it stands as a word of its own: a secret `1`
/// must not eat the digits of every size.
const SHORT_BYTES: usize = 4;

/// A line of a longer value that is at least this long is a secret of its own.
const LINE_BYTES_MIN: usize = 8;

/// Secrets by procedure. `Debug` shows the keys only.
#[derive(Clone, Default)]
pub struct Secrets {
    by_rpc: BTreeMap<Rpc, HashMap<String, String>>,
    /// What must not be repeated, longest first, so that a value inside another goes with it.
    scrubbed: Vec<String>,
}

impl Secrets {
    /// Secrets for each procedure; the others are sent none.
    pub fn new(by_rpc: BTreeMap<Rpc, BTreeMap<String, String>>) -> Self {
        let by_rpc: BTreeMap<Rpc, HashMap<String, String>> =
            by_rpc.into_iter().map(|(rpc, map)| (rpc, map.into_iter().collect())).collect();
        let values: Vec<String> = by_rpc.values().flat_map(HashMap::values).cloned().collect();
        Self { by_rpc, scrubbed: Vec::new() }.hiding(values.iter().map(String::as_str))
    }

    /// These, too, must not be repeated; they are sent with no call.
    #[must_use]
    pub fn hiding<'a>(mut self, values: impl IntoIterator<Item = &'a str>) -> Self {
        self.scrubbed.extend(values.into_iter().flat_map(spellings));
        self.scrubbed.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        self.scrubbed.dedup();
        self
    }

    /// The same secrets for every procedure that takes any.
    pub fn same_for_all(map: &BTreeMap<String, String>) -> Self {
        Self::new(Rpc::ALL.iter().map(|(rpc, ..)| (*rpc, map.clone())).collect())
    }

    /// What to send with a procedure.
    pub(crate) fn of(&self, rpc: Rpc) -> HashMap<String, String> {
        self.by_rpc.get(&rpc).cloned().unwrap_or_default()
    }

    /// The text without any secret value. Call it before text is cut, or half a secret stays.
    pub fn scrub<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut text = Cow::Borrowed(text);
        for secret in &self.scrubbed {
            if text.contains(secret.as_str()) {
                text = Cow::Owned(remove(&text, secret));
            }
        }
        text
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.by_rpc.iter().map(|(rpc, map)| {
            let mut keys: Vec<_> = map.keys().collect();
            keys.sort();
            (rpc, keys)
        });
        f.debug_map().entries(keys).finish()
    }
}

/// A value as it is, as a program prints it with its special characters escaped, also within
/// something escaped, and each line of it that is long enough: logs are written by the line.
fn spellings(value: &str) -> Vec<String> {
    if value.is_empty() {
        return Vec::new();
    }
    // As programs quote it, and as a log quotes the JSON or the text that holds it.
    let quoted = |text: &str| {
        let json = serde_json::Value::from(text).to_string();
        [format!("{text:?}"), json].map(|text| text[1..text.len() - 1].to_owned())
    };
    let once = quoted(value);
    let twice = once.iter().flat_map(|text| quoted(text));
    let lines = value.lines().map(str::trim).filter(|line| line.len() >= LINE_BYTES_MIN);
    let mut all = vec![value.to_owned()];
    all.extend(twice.chain(once.clone()));
    all.extend(lines.map(str::to_owned));
    all
}

fn remove(text: &str, secret: &str) -> String {
    if secret.len() >= SHORT_BYTES {
        return text.replace(secret, REDACTED);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(secret) {
        let (before, after) = (&rest[..at], &rest[at + secret.len()..]);
        let joined = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let word = !joined(before.chars().next_back().or(out.chars().next_back()))
            && !joined(after.chars().next());
        out.push_str(before);
        out.push_str(if word { REDACTED } else { secret });
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn secrets(values: &[&str]) -> Secrets {
        let map = values.iter().enumerate().map(|(n, v)| (format!("k{n}"), (*v).into())).collect();
        Secrets::new(BTreeMap::from([(Rpc::CreateVolume, map)]))
    }

    #[rstest]
    #[case::none(&[], "all is well", "all is well")]
    #[case::inside(&["hunter2"], "bad password 'hunter2'!", "bad password '[redacted]'!")]
    #[case::twice(&["hunter2"], "hunter2hunter2", "[redacted][redacted]")]
    #[case::nested(&["abcd", "xabcdx"], "got xabcdx", "got [redacted]")]
    #[case::escaped(&["pass\"word"], r#"invalid: "pass\"word""#, r#"invalid: "[redacted]""#)]
    #[case::quoted_in_json(&["pa\"ss"], r#"{"req":"{\"k\":\"pa\\\"ss\"}"}"#, r#"{"req":"{\"k\":\"[redacted]\"}"}"#)]
    #[case::short_word(&["1"], "key 1, size 1024", "key [redacted], size 1024")]
    #[case::empty(&[""], "nothing to hide", "nothing to hide")]
    fn values_are_scrubbed(#[case] values: &[&str], #[case] text: &str, #[case] want: &str) {
        assert_eq!(secrets(values).scrub(text), want);
    }

    #[test]
    fn what_else_is_hidden_is_scrubbed_and_not_sent() {
        let secrets = secrets(&["hunter2"]).hiding(["a-token"]);
        assert_eq!(secrets.scrub("a-token, hunter2"), "[redacted], [redacted]");
        assert_eq!(secrets.of(Rpc::CreateVolume).len(), 1);
    }

    #[test]
    fn debug_shows_no_value() {
        let text = format!("{:?}", secrets(&["hunter2"]));
        assert!(text.contains("k0") && !text.contains("hunter2"), "{text}");
    }

    #[test]
    fn only_the_named_procedure_gets_them() {
        let secrets = secrets(&["hunter2"]);
        assert_eq!(secrets.of(Rpc::CreateVolume).len(), 1);
        assert!(secrets.of(Rpc::DeleteVolume).is_empty());
    }
}
