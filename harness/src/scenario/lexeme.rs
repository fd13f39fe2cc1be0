//! The words of the language that are picked from a list, or have a simple form.

mod answers;

use csi_stretch_oracle::action::{AccessMode, Engine, Guise, PathRef, Place, Rpc, Until};
use schemars::{Schema, json_schema};
use serde::Serialize;

use super::{
    error::shorten,
    size,
    word::{Lexeme, find},
};

pub(crate) use answers::Answers;

/// A name in serde's spelling (`node_expand`).
pub(crate) fn name(value: impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}

/// Declares a lexeme whose words are the serde names of a list of values.
macro_rules! listed {
    ($type:ty, $what:literal, $list:expr) => {
        impl Lexeme for $type {
            const WHAT: &'static str = $what;
            fn known() -> Vec<String> {
                $list.into_iter().map(name).collect()
            }
            fn parse(text: &str) -> Result<Self, String> {
                find(text, $list.into_iter().map(|value| (name(value), value)))
            }
        }
    };
}

impl Lexeme for Rpc {
    const WHAT: &'static str = "rpc";
    fn known() -> Vec<String> {
        Self::ALL.iter().map(|(rpc, ..)| name(rpc)).collect()
    }
    fn parse(text: &str) -> Result<Self, String> {
        if let Some((rpc, ..)) = Self::ALL.iter().find(|(_, full, _)| *full == text) {
            return Err(format!("unknown rpc `{text}`, did you mean `{}`?", name(rpc)));
        }
        find(text, Self::ALL.iter().map(|(rpc, ..)| (name(rpc), *rpc)))
    }
}

listed!(Place, "place", [Place::Append, Place::End]);
listed!(Guise, "content", [Guise::Zeros, Guise::Gpt, Guise::Ext4, Guise::Xfs]);
listed!(Engine, "engine", Engine::ALL);
listed!(
    AccessMode,
    "access mode",
    [
        AccessMode::SingleNodeWriter,
        AccessMode::SingleNodeReaderOnly,
        AccessMode::MultiNodeReaderOnly,
        AccessMode::MultiNodeSingleWriter,
        AccessMode::MultiNodeMultiWriter,
        AccessMode::SingleNodeSingleWriter,
        AccessMode::SingleNodeMultiWriter,
    ]
);

/// What a volume is used as: a file system, `block`, or whatever the driver chooses (empty).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kind(pub String);

/// File systems that have offers of their own, in order of preference.
pub(crate) const FILE_SYSTEMS: [&str; 3] = ["ext4", "xfs", "btrfs"];

impl Lexeme for Kind {
    const WHAT: &'static str = "file system";
    fn known() -> Vec<String> {
        FILE_SYSTEMS.into_iter().chain(["block"]).map(str::to_owned).collect()
    }
    fn parse(text: &str) -> Result<Self, String> {
        find(text, Self::known().into_iter().map(|kind| (kind.clone(), Self(kind))))
    }
}

/// `mount` or `block`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AccessWord {
    Mount,
    Block,
}

listed!(AccessWord, "access type", [AccessWord::Mount, AccessWord::Block]);

/// How far `unpublish` goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Keep {
    Staged,
    Attached,
}

listed!(Keep, "state", [Keep::Staged, Keep::Attached]);

impl Lexeme for PathRef {
    const WHAT: &'static str = "path";
    fn parse(text: &str) -> Result<Self, String> {
        if let Some(volume) = text.strip_suffix("/target").filter(|v| !v.starts_with('/')) {
            return Handle::parse(volume).map(|Handle(volume)| Self::Of(volume));
        }
        let number = text.strip_prefix("target").map(|n| if n.is_empty() { "0" } else { n });
        match (text, number.and_then(|n| n.parse().ok())) {
            ("staging", _) => Ok(Self::Staging),
            (_, Some(number)) => Ok(Self::Target(number)),
            (path, None) if path.starts_with('/') => Ok(Self::Literal(path.to_owned())),
            _ => Err(format!(
                "`{}` is not a path: write `staging`, `target`, `target1`, \
                 `other/target`, or an absolute path",
                shorten(text)
            )),
        }
    }
    fn schema() -> Schema {
        json_schema!({"type": "string", "pattern": "^(staging|target[0-9]*|[a-z][a-z0-9-]*/target|/.*)$"})
    }
}

/// A component of the orchestrator whose process can end by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PartWord {
    Resizer,
    Provisioner,
    Attacher,
    Kubelet,
}

listed!(
    PartWord,
    "component",
    [PartWord::Resizer, PartWord::Provisioner, PartWord::Attacher, PartWord::Kubelet]
);

/// What the objects of a claim show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ClaimState {
    /// It has a volume.
    Bound,
    /// Its pod runs.
    Running,
    /// Its pod is gone.
    Gone,
    /// Its volume is attached nowhere.
    Detached,
    /// It has what it asks for, and nothing is left of the expansion.
    Grown,
    /// The controller's half is done.
    NodePending,
    /// An expansion has failed, and says so.
    Failed,
}

listed!(
    ClaimState,
    "state",
    [
        ClaimState::Bound,
        ClaimState::Running,
        ClaimState::Gone,
        ClaimState::Detached,
        ClaimState::Grown,
        ClaimState::NodePending,
        ClaimState::Failed,
    ]
);

/// A generation of Kubernetes, by the name of its profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProfileWord(pub String);

/// The generator's profiles; a test there holds the two together.
pub(crate) const PROFILES: [&str; 5] = ["current", "1.32", "1.24", "1.16", "legacy-1.14"];

impl Default for ProfileWord {
    fn default() -> Self {
        Self("current".to_owned())
    }
}

impl Lexeme for ProfileWord {
    const WHAT: &'static str = "profile";
    fn known() -> Vec<String> {
        PROFILES.map(str::to_owned).to_vec()
    }
    fn parse(text: &str) -> Result<Self, String> {
        find(text, PROFILES.map(|name| (name.to_owned(), Self(name.to_owned()))))
    }
}

/// Milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Millis(pub u64);

/// Longest pause a scenario may ask for; a run's deadline is not a scenario's business.
const PAUSE_MAX_MS: u64 = 600_000;

impl Lexeme for Millis {
    const WHAT: &'static str = "duration";
    fn parse(text: &str) -> Result<Self, String> {
        let (digits, unit) = match (text.strip_suffix("ms"), text.strip_suffix('s')) {
            (Some(digits), _) => (digits, 1),
            (None, Some(digits)) => (digits, 1000),
            (None, None) => (text, 0),
        };
        match digits.parse::<u64>().ok().and_then(|n| n.checked_mul(unit)) {
            Some(ms) if unit > 0 && ms <= PAUSE_MAX_MS => Ok(Self(ms)),
            _ => Err(format!(
                "`{}` is not a duration: write `100ms` or `2s`, at most 600s",
                shorten(text)
            )),
        }
    }
    fn schema() -> Schema {
        json_schema!({"type": "string", "pattern": "^[0-9]+(ms|s)$"})
    }
}

/// A share of a hundred, more than 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Percent(pub u32);

impl Lexeme for Percent {
    const WHAT: &'static str = "percentage";
    fn parse(text: &str) -> Result<Self, String> {
        match text.strip_suffix('%').and_then(|digits| digits.parse().ok()) {
            Some(share) if (1..=100).contains(&share) => Ok(Self(share)),
            _ => Err(format!(
                "`{}` is not a percentage: write `30%`, from 1% to 100%",
                shorten(text)
            )),
        }
    }
    fn schema() -> Schema {
        json_schema!({"type": "string", "pattern": "^[0-9]+%$"})
    }
}

/// Length of a path: from what every plugin has to take to what leaves room for files below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PathBytes(pub u16);

impl Lexeme for PathBytes {
    const WHAT: &'static str = "length of a path";
    fn parse(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(bytes) if (128..=4000).contains(&bytes) => Ok(Self(bytes)),
            _ => {
                let text = shorten(text);
                Err(format!("`{text}` is not a length of a path: write bytes, from 128 to 4000"))
            }
        }
    }
    fn schema() -> Schema {
        json_schema!({"type": "integer", "minimum": 128, "maximum": 4000})
    }
}

/// An amount of data in bytes, more than 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Amount(pub u64);

impl Lexeme for Amount {
    const WHAT: &'static str = "amount";
    fn parse(text: &str) -> Result<Self, String> {
        match size::bytes(text).and_then(|(bytes, _)| u64::try_from(bytes).ok()) {
            Some(bytes) if bytes > 0 => Ok(Self(bytes)),
            _ => Err(format!("`{}` is not an amount: write `8MiB` or bytes", shorten(text))),
        }
    }
    fn schema() -> Schema {
        json_schema!({"type": ["integer", "string"]})
    }
}

impl Lexeme for Until {
    const WHAT: &'static str = "trigger";
    fn parse(text: &str) -> Result<Self, String> {
        let percent = text.strip_suffix('%').and_then(|digits| digits.parse().ok());
        match (text, percent, Amount::parse(text)) {
            ("full", ..) => Ok(Self::Full),
            (_, Some(percent @ 1..=99), _) => Ok(Self::Used(percent)),
            (_, None, Ok(Amount(bytes))) => Ok(Self::Written(bytes)),
            _ => Err(format!(
                "`{}` is nothing to wait for: write `full`, `80%` (used) or `8MiB` (written)",
                shorten(text)
            )),
        }
    }
    fn schema() -> Schema {
        json_schema!({"type": "string", "pattern": "^(full|[1-9][0-9]?%|[0-9.]+([KMGT]iB)?)$"})
    }
}

/// Name of a volume or snapshot within a scenario; `node` is the target's own node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Handle(pub String);

impl Lexeme for Handle {
    const WHAT: &'static str = "handle";
    fn parse(text: &str) -> Result<Self, String> {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let starts = text.starts_with(|c: char| c.is_ascii_lowercase());
        if starts && text.len() <= 20 && text.chars().all(fits) {
            return Ok(Self(text.to_owned()));
        }
        Err(format!(
            "`{}` is not a handle: use up to 20 of a-z, 0-9 and -, a letter first",
            shorten(text)
        ))
    }
    fn schema() -> Schema {
        json_schema!({"type": "string", "pattern": "^[a-z][a-z0-9-]{0,19}$"})
    }
}

/// Any text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Text(pub String);

impl Lexeme for Text {
    const WHAT: &'static str = "text";
    fn parse(text: &str) -> Result<Self, String> {
        Ok(Self(text.to_owned()))
    }
    fn schema() -> Schema {
        json_schema!({"type": ["string", "integer", "boolean"]})
    }
}

/// `true` or `false`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flag(pub bool);

impl Lexeme for Flag {
    const WHAT: &'static str = "flag";
    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map(Self).map_err(|_| format!("`{}` is neither true nor false", shorten(text)))
    }
    fn schema() -> Schema {
        json_schema!({"type": "boolean"})
    }
}

/// A whole number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Number(pub i32);

impl Lexeme for Number {
    const WHAT: &'static str = "number";
    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map(Self).map_err(|_| format!("`{}` is not a whole number", shorten(text)))
    }
    fn schema() -> Schema {
        json_schema!({"type": "integer"})
    }
}
