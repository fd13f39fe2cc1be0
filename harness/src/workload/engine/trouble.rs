//! What goes wrong with a database, and whose it is: the volume's, or the harness's and its host's.

use std::{fmt, io};

use serde::{Deserialize, Serialize};

use crate::workload::{files::errno_name, writer::is_full};

/// Something that went wrong while an engine ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// When, as in [`super::Tick`].
    pub at_us: u64,
    /// What it was doing, `extend data`.
    pub doing: String,
    /// What it met.
    pub met: Met,
    /// Number of the page, and its byte offset in its file or device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<(u64, u64)>,
}

/// What was met, by whose it is; the words are the kernel's name of an error, or the server's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Met {
    /// The volume is full.
    Full(String),
    /// What was read is not what was written.
    Damage(String),
    /// Another error of the volume.
    Volume(String),
    /// The harness or its host broke: the ledger, the process, the server's program.
    Lab(String),
    /// It took too long, and nobody can know why.
    Late(String),
}

impl Met {
    /// An error of the kernel about the volume.
    pub fn of(error: &io::Error) -> Self {
        let words = errno_name(error);
        if is_full(error) { Self::Full(words) } else { Self::Volume(words) }
    }

    /// Anything that is not the volume's.
    pub fn lab(why: impl fmt::Display) -> Self {
        Self::Lab(crate::words::clean(&why.to_string()))
    }

    /// A process that does not go when it is killed waits for the kernel, which waits for the volume.
    pub fn hung() -> Self {
        Self::Volume("its process did not go: the volume keeps it waiting".to_owned())
    }

    /// In words.
    pub fn words(&self) -> &str {
        match self {
            Self::Full(words)
            | Self::Damage(words)
            | Self::Volume(words)
            | Self::Lab(words)
            | Self::Late(words) => words,
        }
    }
}

impl fmt::Display for Met {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

impl std::error::Error for Met {}
