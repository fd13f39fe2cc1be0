//! What a person says about a driver: where it is, how it is started, which volumes it takes.
//! `scenarios/targets/<driver>.yaml` are examples.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    known::{ExpectedEntry, WaiverEntry},
    transport::Transport,
};
use crate::{client::Dialect, scenario::LoadError};

/// A target profile. Every key is optional; unknown keys are errors.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Profile {
    /// Name for people; the driver's own name comes from GetPluginInfo.
    pub name: String,
    /// One or two sentences: what it is, and anything a reader of a report has to know.
    pub about: String,
    /// `unix:///path`, `unix-abstract:NAME`, `tcp://host:port`, `exec` (start `command`),
    /// or `flex:/path` of a FlexVolume driver, which is run with `env`.
    pub endpoint: Option<String>,
    /// Controller service elsewhere than `endpoint`.
    pub controller_endpoint: Option<String>,
    /// `v0` or `v1`; default: what the driver answers in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dialect: Option<Dialect>,
    /// How connections are made: TLS, a token, limits.
    pub transport: Transport,
    /// Started by the harness and owned by it. `{socket}` becomes the endpoint to listen on,
    /// `{run_dir}` a private folder that is removed afterwards.
    pub command: Vec<String>,
    /// Environment of `command`, or of a FlexVolume driver; the same placeholders.
    pub env: BTreeMap<String, String>,
    /// Kinds of access it supports: `mount`, `block`.
    pub access: Vec<String>,
    /// File systems it really makes; empty: it publishes directories of another file system.
    pub fs: Vec<String>,
    /// Sizes to test with.
    pub sizes: Sizes,
    /// It grows a file system that is smaller than its device when staging. Without it, an ext4
    /// grown while unpublished needs a kernel and a process that may grow it mounted.
    pub grows_at_stage: bool,
    /// `CreateVolume.parameters` of every volume.
    pub parameters: BTreeMap<String, String>,
    /// YAML file of secrets per call, with csi-sanity's keys.
    pub secrets: Option<PathBuf>,
    /// Where staging paths are made; default: in the run's folder.
    pub staging_dir: Option<PathBuf>,
    /// Where target paths are made; default: in the run's folder.
    pub target_dir: Option<PathBuf>,
    /// Longest wait for an answer: `30s`, `2m`.
    pub deadline: String,
    /// Longest wait until `command` listens: starting a driver takes longer than finding one.
    pub start_timeout: String,
    /// `access` and `fs` are guesses: a kind of volume that the driver refuses to make is then no
    /// failure.
    pub assumed: bool,
    /// `off` leaves out the comparison with the reference driver.
    pub reference: Switch,
    /// Clauses that the driver is allowed to break.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub waivers: Vec<WaiverEntry>,
    /// Scenarios that are known to fail.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub expected_failures: Vec<ExpectedEntry>,
}

/// Sizes to test with.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Sizes {
    /// Size of a volume before growth: bytes or `64MiB`. Default depends on the file system.
    pub base: Option<Size>,
    /// Size after the first growth; each further one adds as much again. Default: twice the size.
    pub grown: Option<Size>,
    /// Sizes are multiples of this.
    pub granularity: Option<Size>,
    /// Smallest volume.
    pub minimum: Option<Size>,
    /// Largest volume.
    pub maximum: Option<Size>,
}

/// Bytes, or a number with a unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Size {
    /// Bytes.
    Bytes(u64),
    /// `64MiB`, `10Gi`, `5GB`.
    Text(String),
}

/// `on` or `off`. (YAML 1.2 reads both as words.)
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Switch {
    /// Do.
    #[default]
    On,
    /// Do not.
    Off,
}

/// Why a profile cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The file is not a profile.
    #[error("{path} is not a target profile: {message}")]
    Parse {
        /// Which file.
        path: PathBuf,
        /// With line and column.
        message: String,
    },
    /// The file is not one of secrets.
    #[error("{path} is not a file of secrets: {message}")]
    Secrets {
        /// Which file.
        path: PathBuf,
        /// With line and column.
        message: String,
    },
    /// A waiver or an expected failure names what is not there.
    #[error("{0}")]
    Known(Box<LoadError>),
    /// A value makes no sense.
    #[error("{what} (in the target profile)")]
    Value {
        /// What and why.
        what: String,
    },
}

impl Default for Profile {
    fn default() -> Self {
        Self {
            name: String::new(),
            about: String::new(),
            endpoint: None,
            controller_endpoint: None,
            dialect: None,
            transport: Transport::default(),
            command: Vec::new(),
            env: BTreeMap::new(),
            access: vec!["mount".into(), "block".into()],
            fs: vec!["ext4".into(), "xfs".into(), "btrfs".into()],
            sizes: Sizes::default(),
            grows_at_stage: false,
            parameters: BTreeMap::new(),
            secrets: None,
            staging_dir: None,
            target_dir: None,
            deadline: "30s".into(),
            start_timeout: "10s".into(),
            assumed: false,
            reference: Switch::On,
            waivers: Vec::new(),
            expected_failures: Vec::new(),
        }
    }
}

impl Profile {
    /// Reads and checks a profile.
    pub fn load(path: &Path) -> Result<Self, ProfileError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ProfileError::Read { path: path.into(), source })?;
        let profile: Self = serde_saphyr::from_str(&text)
            .map_err(|e| ProfileError::Parse { path: path.into(), message: e.to_string() })?;
        profile.deadline()?;
        profile.start_timeout()?;
        profile.sizes.check()?;
        Ok(profile)
    }

    /// The profile of the embedded reference driver.
    pub fn reference() -> Result<Self, ProfileError> {
        const TEXT: &str = include_str!("../../../scenarios/targets/reference.yaml");
        serde_saphyr::from_str(TEXT).map_err(|e| ProfileError::Parse {
            path: "scenarios/targets/reference.yaml".into(),
            message: e.to_string(),
        })
    }

    /// Longest wait for an answer.
    pub fn deadline(&self) -> Result<std::time::Duration, ProfileError> {
        duration("deadline", &self.deadline)
    }

    /// Longest wait until `command` listens.
    pub fn start_timeout(&self) -> Result<std::time::Duration, ProfileError> {
        duration("start_timeout", &self.start_timeout)
    }
}

fn duration(key: &str, text: &str) -> Result<std::time::Duration, ProfileError> {
    humantime::parse_duration(text).map_err(|e| ProfileError::Value {
        what: format!("`{key}: {text}` is no duration ({e}); write `30s` or `2m`"),
    })
}

impl Sizes {
    /// Each is a size, and they agree with each other.
    pub fn check(&self) -> Result<(), ProfileError> {
        let [base, grown, granularity, minimum, maximum] =
            [&self.base, &self.grown, &self.granularity, &self.minimum, &self.maximum]
                .map(|size| size.as_ref().map(Size::bytes).transpose());
        let wrong = |what: &str| Err(ProfileError::Value { what: what.to_owned() });
        let less = |a: Option<u64>, b: Option<u64>| a.zip(b).is_some_and(|(a, b)| a < b);
        let (base, grown, granularity) = (base?, grown?, granularity?);
        let (minimum, maximum) = (minimum?, maximum?);
        if base == Some(0) || granularity == Some(0) {
            return wrong("`sizes: {base, granularity}` are at least 1");
        }
        if grown.is_some() && (grown == base || less(grown, base)) {
            return wrong("`sizes: {grown}` has to be more than `base`");
        }
        if less(maximum, minimum) {
            return wrong("`sizes: {maximum}` is less than `minimum`");
        }
        Ok(())
    }
}

impl Size {
    /// The number of bytes.
    pub fn bytes(&self) -> Result<u64, ProfileError> {
        match self {
            Self::Bytes(bytes) => Ok(*bytes),
            Self::Text(text) => parse_bytes(text).map_err(|what| ProfileError::Value { what }),
        }
    }
}

/// `64MiB`, `10Gi`, `5GB`, `1048576` in bytes.
pub fn parse_bytes(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let unit: u64 = match text[split..].trim() {
        "" | "B" => 1,
        "k" | "kB" | "KB" => 1000,
        "M" | "MB" => 1000 * 1000,
        "G" | "GB" => 1000 * 1000 * 1000,
        "T" | "TB" => 1000 * 1000 * 1000 * 1000,
        "Ki" | "KiB" => 1 << 10,
        "Mi" | "MiB" => 1 << 20,
        "Gi" | "GiB" => 1 << 30,
        "Ti" | "TiB" => 1 << 40,
        _ => return Err(format!("`{text}` is no size; write bytes or `64MiB`, `10Gi`, `5GB`")),
    };
    text[..split]
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(unit))
        .ok_or_else(|| format!("`{text}` is no size; write bytes or `64MiB`, `10Gi`, `5GB`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("1048576", 1 << 20)]
    #[case("64MiB", 64 << 20)]
    #[case("10Gi", 10 << 30)]
    #[case("5 GB", 5_000_000_000)]
    fn sizes(#[case] text: &str, #[case] bytes: u64) {
        assert_eq!(parse_bytes(text), Ok(bytes));
    }

    #[rstest::rstest]
    #[case("")]
    #[case("MiB")]
    #[case("5 apples")]
    #[case("99999999999TiB")]
    #[case("-1")]
    fn no_sizes(#[case] text: &str) {
        assert!(parse_bytes(text).is_err());
    }

    #[rstest::rstest]
    #[case("granularity: 0", "at least 1")]
    #[case("base: 0", "at least 1")]
    #[case("base: 64MiB, grown: 64MiB", "more than `base`")]
    #[case("minimum: 2GiB, maximum: 1GiB", "less than `minimum`")]
    #[case("grown: 5 apples", "is no size")]
    fn sizes_that_cannot_be(#[case] sizes: &str, #[case] words: &str) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), format!("sizes: {{ {sizes} }}\n")).unwrap();
        let error = Profile::load(file.path()).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }

    #[test]
    fn every_profile_that_comes_with_the_project_can_be_read() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/targets");
        let paths = std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path());
        let paths: Vec<_> =
            paths.filter(|path| path.extension() == Some("yaml".as_ref())).collect();
        assert!(paths.len() >= 3);
        for path in paths {
            Profile::load(&path).unwrap();
        }
    }

    #[test]
    fn the_embedded_profile_is_right() {
        let profile = Profile::reference().unwrap();
        assert!(profile.grows_at_stage);
        assert_eq!(profile.sizes.maximum.unwrap().bytes().unwrap(), 16 << 40);
    }

    #[test]
    fn unknown_keys_are_errors_with_a_place() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "name: x\nendpiont: unix:///x\n").unwrap();
        let error = Profile::load(file.path()).unwrap_err().to_string();
        assert!(error.contains("endpiont") && error.contains('2'), "{error}");
    }
}
