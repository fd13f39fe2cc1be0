//! From what a process said to an answer, or to why there is none.

use std::os::unix::process::ExitStatusExt as _;

use serde::Deserialize;

use super::exec::{Ended, ExecError};
use crate::words::clean;

/// What a driver said. All but the status may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    status: Option<String>,
    message: Option<String>,
    /// Why it failed, in CSI's words (`NOT_FOUND`); an extension.
    code: Option<String>,
    /// Where the volume is attached.
    pub device: Option<String>,
    /// The volume's name.
    pub volume_name: Option<String>,
    /// Whether it is attached.
    pub attached: Option<bool>,
    /// The size after growth, bytes.
    pub volume_new_size: Option<u64>,
    /// Of `init`.
    pub capabilities: Option<Capabilities>,
}

/// What a driver can do. What it does not mention is as the orchestrator assumes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Capabilities {
    /// Volumes are attached to a node before they are mounted.
    pub attach: bool,
    /// `expandfs` has to follow `expandvolume`.
    #[serde(rename = "requiresFSResize")]
    pub requires_fs_resize: bool,
    /// It has `createvolume` and `deletevolume`: an extension, for FlexVolume has neither.
    pub create_delete: bool,
}

impl Default for Capabilities {
    fn default() -> Self {
        Self { attach: true, requires_fs_resize: true, create_delete: false }
    }
}

/// Why a call brought no success.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The driver does not know the operation.
    #[error("the driver does not support it")]
    NotSupported,
    /// The driver's own words.
    #[error("{message}")]
    Failure {
        /// CSI's code, if the driver has them.
        code: Option<String>,
        /// Why.
        message: String,
    },
    /// The process did not come to its end.
    #[error(transparent)]
    Exec(#[from] ExecError),
    /// Its words are not one JSON object with a status.
    #[error("{how}, and its answer cannot be read ({why}): {said}")]
    Unreadable {
        /// How the process ended.
        how: String,
        /// What is wrong.
        why: String,
        /// What it said.
        said: String,
    },
    /// `Success` from a process that failed.
    #[error("it said Success, and {how}: a fault of the driver")]
    Contradiction {
        /// How the process ended.
        how: String,
    },
}

/// Makes sense of a process that has ended.
pub fn read(ended: &Ended) -> Result<Answer, Trouble> {
    let how = how(ended);
    let unreadable = |why: &dyn ToString| {
        let said = String::from_utf8_lossy(&ended.said);
        let said = if said.trim().is_empty() { "(nothing)".into() } else { clean(said.trim()) };
        Trouble::Unreadable { how: how.clone(), why: why.to_string(), said }
    };
    let answer: Answer = serde_json::from_slice(&ended.said).map_err(|e| unreadable(&e))?;
    match answer.status.as_deref() {
        None | Some("") => Err(unreadable(&"it has no status")),
        Some("Success") if ended.status.success() => Ok(answer),
        Some("Success") => Err(Trouble::Contradiction { how }),
        Some("Not supported") => Err(Trouble::NotSupported),
        Some(_) => {
            let message = answer.message.filter(|text| !text.is_empty());
            let message = message.map_or_else(|| "failed without a word".into(), |m| clean(&m));
            Err(Trouble::Failure { code: answer.code, message })
        }
    }
}

fn how(ended: &Ended) -> String {
    match (ended.status.code(), ended.status.signal()) {
        (Some(code), _) => format!("it ended with exit code {code}"),
        (None, Some(signal)) => format!("it was killed by signal {signal}"),
        (None, None) => "it ended".into(),
    }
}
