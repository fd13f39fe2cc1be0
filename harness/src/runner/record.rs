//! What a history keeps of what a driver said: no secret of ours, and no string longer than a
//! reader needs. Only the record is cut; what is sent back to the driver stays as it came.

use std::collections::BTreeMap;

use csi_stretch_oracle::history::{Completion, Failure, Leak, Outcome, Reply, Target};

use crate::client::secrets::{REDACTED, Secrets};

/// Longest string that is kept whole, bytes. CSI's own limits are far below, so that a breach of
/// them still shows in the record.
pub const STRING_BYTES_MAX: usize = 4096;

/// Most entries of a map or list of words that are kept: more than 4 KiB of them, CSI's limit.
pub const ENTRIES_MAX: usize = 4096;

const CUT: &str = "… (";

/// Makes answers fit for a history.
#[derive(Clone, Debug, Default)]
pub struct Recorder {
    secrets: Secrets,
}

impl Recorder {
    /// Removes the values of these.
    pub fn new(secrets: Secrets) -> Self {
        Self { secrets }
    }

    /// The completion as it is recorded.
    pub fn completion(&self, completion: &Completion) -> Completion {
        match completion {
            Completion::Ok(Outcome::Reply(reply)) => {
                let mut reply = reply.clone();
                self.reply(&mut reply);
                Completion::Ok(Outcome::Reply(reply))
            }
            Completion::Ok(outcome) => Completion::Ok(outcome.clone()),
            Completion::Fail(failure) => Completion::Fail(self.failure(failure)),
            Completion::Info(failure) => Completion::Info(self.failure(failure)),
        }
    }

    /// The target as it is recorded.
    pub fn target(&self, mut target: Target) -> Target {
        for text in [&mut target.name, &mut target.vendor_version, &mut target.endpoint] {
            self.keep(text);
        }
        for words in target.offers.declared.values_mut() {
            self.words(words);
        }
        target
    }

    /// What was left behind, as it is recorded.
    pub fn leak(&self, mut leak: Leak) -> Leak {
        for text in [&mut leak.what, &mut leak.why] {
            self.keep(text);
        }
        leak
    }

    /// Other words, such as those of a command.
    pub fn text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        self.keep(&mut text);
        text
    }

    fn failure(&self, failure: &Failure) -> Failure {
        Failure { code: failure.code, message: self.text(&failure.message) }
    }

    fn reply(&self, reply: &mut Reply) {
        if let Some(volume) = &mut reply.volume {
            self.keep(&mut volume.id);
            self.map(&mut volume.context);
            volume.content_source.iter_mut().for_each(|text| self.keep(text));
        }
        if let Some(snapshot) = &mut reply.snapshot {
            self.keep(&mut snapshot.id);
            self.keep(&mut snapshot.source_volume_id);
        }
        for entry in reply.entries.iter_mut().flatten() {
            self.keep(&mut entry.id);
            self.words(&mut entry.nodes);
        }
        reply.publish_context.iter_mut().for_each(|map| self.map(map));
        reply.capabilities.iter_mut().for_each(|words| self.words(words));
        let texts = [&mut reply.next_token, &mut reply.text, &mut reply.vendor_version];
        texts.into_iter().flatten().for_each(|text| self.keep(text));
    }

    fn words(&self, words: &mut Vec<String>) {
        let more = words.len().saturating_sub(ENTRIES_MAX);
        words.truncate(ENTRIES_MAX);
        for word in words.iter_mut() {
            self.keep(word);
        }
        if more > 0 {
            words.push(format!("{CUT}{more} more)"));
        }
    }

    fn map(&self, map: &mut BTreeMap<String, String>) {
        let more = map.len().saturating_sub(ENTRIES_MAX);
        let entries = std::mem::take(map).into_iter().take(ENTRIES_MAX);
        *map = entries.map(|(key, value)| (self.text(&key), self.text(&value))).collect();
        if more > 0 {
            map.insert(format!("{CUT}{more} more)"), String::new());
        }
    }

    /// Scrubs before it cuts, or half a secret stays.
    fn keep(&self, text: &mut String) {
        if let std::borrow::Cow::Owned(scrubbed) = self.secrets.scrub(text) {
            *text = scrubbed;
        }
        if text.len() > STRING_BYTES_MAX {
            cut(text);
        }
    }
}

/// Keeps the beginning, and what tells the string from others of the same beginning.
fn cut(text: &mut String) {
    let (bytes, sum) = (text.len(), crc32c::crc32c(text.as_bytes()));
    let end = (0..=STRING_BYTES_MAX).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    text.truncate(end);
    text.extend([CUT, &bytes.to_string(), " bytes, crc32c ", &format!("{sum:08x}"), ")"]);
}

/// The record does not hold the whole string: it cannot be sent to a driver.
pub fn is_partial(text: &str) -> bool {
    text.contains(REDACTED) || text.len() > STRING_BYTES_MAX && text.contains(CUT)
}

#[cfg(test)]
mod tests {
    use csi_stretch_oracle::{action::Rpc, history::VolumeInfo};

    use super::*;

    fn recorder() -> Recorder {
        let map = BTreeMap::from([("key".to_owned(), "hunter2".to_owned())]);
        Recorder::new(Secrets::new(BTreeMap::from([(Rpc::CreateVolume, map)])))
    }

    fn volume(id: &str, context: &[(&str, &str)]) -> VolumeInfo {
        let context = context.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
        VolumeInfo { id: id.into(), capacity_bytes: 1, context, content_source: None }
    }

    fn recorded(volume: VolumeInfo) -> VolumeInfo {
        let reply = Reply { volume: Some(volume), ..Reply::default() };
        let completion = Completion::Ok(Outcome::Reply(Box::new(reply)));
        recorder().completion(&completion).reply().unwrap().volume.clone().unwrap()
    }

    #[test]
    fn secrets_are_taken_out_of_ids_and_contexts() {
        let info = recorded(volume("id-hunter2", &[("hunter2", "a"), ("b", "x hunter2 y")]));
        assert_eq!(info, volume("id-[redacted]", &[("[redacted]", "a"), ("b", "x [redacted] y")]));
        assert!(is_partial(&info.id));
    }

    #[test]
    fn long_strings_are_cut_and_still_told_apart() {
        let long = |last: &str| recorded(volume(&("ß".repeat(1 << 20) + last), &[])).id;
        let (one, other) = (long("1"), long("2"));
        assert!(one.len() < STRING_BYTES_MAX + 60, "{} bytes", one.len());
        assert!(one.contains("… (2097153 bytes, crc32c "), "{one}");
        assert!(one != other && is_partial(&one));
        let whole = "y".repeat(STRING_BYTES_MAX);
        assert_eq!(recorded(volume(&whole, &[])).id, whole);
        assert!(!is_partial(&whole));
    }

    #[test]
    fn a_secret_on_the_edge_goes_before_the_cut() {
        let text = "x".repeat(STRING_BYTES_MAX - 3) + "hunter2" + &"y".repeat(100);
        assert!(!recorder().text(&text).contains("hun"));
    }

    #[test]
    fn huge_maps_are_cut() {
        let keys: Vec<String> = (0..ENTRIES_MAX + 5).map(|n| format!("{n:06}")).collect();
        let entries: Vec<(&str, &str)> = keys.iter().map(|key| (key.as_str(), "")).collect();
        let context = recorded(volume("id", &entries)).context;
        assert_eq!(context.len(), ENTRIES_MAX + 1);
        assert!(context.contains_key("… (5 more)"));
    }
}
