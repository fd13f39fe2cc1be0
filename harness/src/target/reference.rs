//! The profile of a reference mock that declares just what the target declares, so that the two
//! can be compared step by step.

use csi_stretch_oracle::offer::Offers;
use serde_json::{Value, json};

/// Capabilities that the mock implements. What else a target declares cannot be compared.
const CONTROLLER: &[&str] = &[
    "CREATE_DELETE_VOLUME",
    "PUBLISH_UNPUBLISH_VOLUME",
    "LIST_VOLUMES",
    "GET_CAPACITY",
    "CREATE_DELETE_SNAPSHOT",
    "LIST_SNAPSHOTS",
    "CLONE_VOLUME",
    "PUBLISH_READONLY",
    "EXPAND_VOLUME",
    "LIST_VOLUMES_PUBLISHED_NODES",
    "GET_VOLUME",
    "MODIFY_VOLUME",
];
const NODE: &[&str] = &["STAGE_UNSTAGE_VOLUME", "GET_VOLUME_STATS", "EXPAND_VOLUME"];

/// Devices have whole sectors, so the mock rounds up to them where a target counts bytes; the
/// comparison allows it.
const SECTOR: u64 = 512;

/// A mock profile (the YAML of `csi-stretch mock --profile`; JSON is YAML) for a target's offers.
pub fn mock_profile(offers: &Offers) -> Value {
    let pick = |key: &str, known: &[&str]| -> Vec<String> {
        let declared = offers.declared.get(key).cloned().unwrap_or_default();
        declared.iter().filter(|c| known.contains(&c.as_str())).map(|c| c.to_lowercase()).collect()
    };
    let mut profile = json!({
        "controller_service": offers.has("controller"),
        "expansion": pick("plugin", &["ONLINE", "OFFLINE"]),
        "controller": pick("controller", CONTROLLER),
        "node": pick("node", NODE),
        "granularity": offers.granularity.max(1).next_multiple_of(SECTOR),
    });
    if let Value::Object(map) = &mut profile {
        for (key, bytes) in [("minimum", offers.minimum), ("maximum", offers.maximum)] {
            if bytes > 0 {
                map.insert(key.into(), bytes.into());
            }
        }
    }
    profile
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declares_what_the_target_declares_and_the_mock_knows() {
        let mut offers = Offers { granularity: 4097, maximum: 1 << 40, ..Offers::default() };
        offers.has.insert("controller".into());
        offers.declared.insert("plugin".into(), vec!["CONTROLLER_SERVICE".into(), "ONLINE".into()]);
        offers
            .declared
            .insert("controller".into(), vec!["EXPAND_VOLUME".into(), "UNKNOWN(99)".into()]);
        let profile = mock_profile(&offers);
        assert_eq!(profile["expansion"], json!(["online"]));
        assert_eq!(profile["controller"], json!(["expand_volume"]));
        assert_eq!(profile["granularity"], 4608);
        assert_eq!(profile.get("minimum"), None);
    }
}
