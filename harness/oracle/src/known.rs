//! Faults of a target that its profile owns up to: waivers of clauses, and scenarios that are
//! expected to fail. Plain data of the history, so that a history judged again says the same; what
//! they change is `judge`'s business.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{history::Instance, pattern::fits};

/// Everything that a profile says is known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Known {
    /// Breaches of these clauses only advise.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub waivers: Vec<Waiver>,
    /// These scenarios fail.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub expected_failures: Vec<ExpectedFailure>,
    /// The plan holds every scenario, so that an entry that fits none of it is out of date.
    pub whole_plan: bool,
}

/// A clause that the driver is allowed to break.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Waiver {
    /// Id of the clause.
    pub clause: String,
    /// Why.
    #[serde(flatten)]
    pub because: Grounds,
}

/// A scenario that is known to fail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExpectedFailure {
    /// Id of an instance, of a scenario with all its instances, or a pattern with `*`.
    pub scenario: String,
    /// Only breaches of this clause; `None`: of any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clause: Option<String>,
    /// Why.
    #[serde(flatten)]
    pub because: Grounds,
}

/// Who says so, and for how long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Grounds {
    /// In a sentence.
    pub reason: String,
    /// Where it is worked on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issue: Option<String>,
    /// Last day on which it holds, `2027-01-31`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
}

impl Known {
    /// Nothing is known.
    pub fn is_empty(&self) -> bool {
        self.waivers.is_empty() && self.expected_failures.is_empty()
    }
}

impl ExpectedFailure {
    /// Whether it is about that instance.
    pub fn is_about(&self, instance: &Instance) -> bool {
        if self.scenario.contains('*') {
            return fits(&self.scenario, &instance.id);
        }
        self.scenario == instance.id || self.scenario == instance.scenario
    }
}

impl Grounds {
    /// The day after which it no longer holds, if that is over; `day` as `2027-01-31`.
    pub fn expired(&self, day: &str) -> Option<&str> {
        self.expires.as_deref().filter(|expires| *expires < day)
    }
}

impl std::fmt::Display for Grounds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.reason)?;
        match &self.issue {
            Some(issue) => write!(f, " ({issue})"),
            None => Ok(()),
        }
    }
}
