//! The JSON argument: what the orchestrator knows of a volume, and the user's own options.

use std::collections::HashMap;

use serde_json::{Map, Value};

/// The largest size wanted, in bytes; an extension, for CSI can say so and FlexVolume cannot.
const LIMIT: &str = "csi.limitBytes";

/// What the JSON says.
#[derive(Clone, Debug, Default)]
pub struct Options<'a> {
    /// Name of the volume.
    pub volume: &'a str,
    /// File system; empty: the driver's own choice.
    pub fs_type: &'a str,
    /// Nobody will write.
    pub readonly: bool,
    /// The largest size wanted; 0: any.
    pub limit: u64,
    /// The user's own, which win over all others.
    pub user: Option<&'a HashMap<String, String>>,
}

impl Options<'_> {
    /// As the driver gets it.
    pub fn json(&self) -> String {
        let readwrite = if self.readonly { "ro" } else { "rw" };
        let mut map = Map::from_iter([
            ("kubernetes.io/fsType".to_owned(), Value::from(self.fs_type)),
            ("kubernetes.io/readwrite".to_owned(), Value::from(readwrite)),
            ("kubernetes.io/pvOrVolumeName".to_owned(), Value::from(self.volume)),
        ]);
        if self.limit > 0 {
            map.insert(LIMIT.to_owned(), Value::from(self.limit.to_string()));
        }
        for (key, value) in self.user.into_iter().flatten() {
            map.insert(key.clone(), Value::from(value.as_str()));
        }
        Value::Object(map).to_string()
    }
}
