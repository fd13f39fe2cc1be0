//! The rules: one normative sentence each, as data. The text comes from `proto/clauses/*.yaml`;
//! this crate only knows its shape.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// RFC 2119's words.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[expect(missing_docs, reason = "RFC 2119 says it")]
pub enum Level {
    #[serde(rename = "MAY")]
    May,
    #[serde(rename = "SHOULD NOT")]
    ShouldNot,
    #[serde(rename = "SHOULD")]
    Should,
    #[serde(rename = "MUST NOT")]
    MustNot,
    #[serde(rename = "MUST")]
    Must,
}

/// Who has to obey.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Party {
    /// The storage plugin.
    #[default]
    #[serde(rename = "SP")]
    Plugin,
    /// The container orchestrator, which the harness plays.
    #[serde(rename = "CO")]
    Orchestrator,
}

/// How firmly the specification says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// With an RFC 2119 word.
    Explicit,
    /// Without one.
    Descriptive,
    /// Our consequence; never counted as coverage of the specification.
    Derived,
}

/// A row of an error table: the gRPC code that is due.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TableCode {
    /// `OUT_OF_RANGE`.
    pub name: String,
    /// 11.
    pub number: u8,
}

/// Kinds of reason for which a clause is not checked, and what each means.
pub const EXCEPTIONS: &[(&str, &str)] = &[
    ("binds the CO", "the harness plays the orchestrator, so it would only judge itself"),
    ("judged as", "said elsewhere, too; broken under that clause, whose id follows"),
    ("allows", "a permission: whatever the driver does, it keeps to it"),
    ("unobservable", "no answer and no measurement can show it broken"),
    ("needs a second node", "the harness has one node"),
    ("needs the backend", "only the backend can bring that state about, and only its owner can"),
    ("needs the profile", "what to send is the driver's own, and no profile key says it"),
    ("not yet", "it can be seen broken, but the scenario language cannot provoke it yet"),
];

/// One normative sentence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Clause {
    /// `controller-expand.never-shrinks`.
    pub id: String,
    /// MUST and so on.
    pub level: Level,
    /// Who has to obey.
    pub party: Party,
    /// First release tag that has it.
    pub since: String,
    /// May still change.
    #[serde(default)]
    pub alpha: bool,
    /// How firmly it is said.
    pub basis: Basis,
    /// What a derived clause follows from.
    #[serde(default)]
    pub derived_from: Vec<String>,
    /// The rule, in our words.
    pub paraphrase: String,
    /// When an error table's row applies.
    #[serde(default)]
    pub condition: Option<String>,
    /// What an error table's row asks for.
    #[serde(default)]
    pub code: Option<TableCode>,
    /// How one can see it kept or broken.
    pub observable: String,
    /// Capabilities that gate it.
    #[serde(default)]
    pub requires: Vec<String>,
    /// Why nothing checks it, `kind: reason` with a kind out of [`EXCEPTIONS`]; `None`: a check or
    /// a scenario claims it, or nobody has come to it yet.
    #[serde(default)]
    pub excepted: Option<String>,
    /// 1 growth, 2 life cycle, 3 the rest.
    pub tier: u8,
    /// Line of spec.md at tag v1.12.0.
    pub spec_line: u32,
}

/// All clauses, by id.
#[derive(Clone, Debug, Default)]
pub struct Catalogue(BTreeMap<String, Clause>);

impl Catalogue {
    /// Collects clauses; an id given twice is the later one's.
    pub fn new(clauses: impl IntoIterator<Item = Clause>) -> Self {
        Self(clauses.into_iter().map(|clause| (clause.id.clone(), clause)).collect())
    }

    /// The clause of that id.
    pub fn get(&self, id: &str) -> Option<&Clause> {
        self.0.get(id)
    }

    /// In order of id.
    pub fn iter(&self) -> impl Iterator<Item = &Clause> {
        self.0.values()
    }
}

impl Clause {
    /// Kind and reason of the exception; the kind is empty if it is none of [`EXCEPTIONS`].
    pub fn exception(&self) -> Option<(&str, &str)> {
        let text = self.excepted.as_deref()?;
        let known = |(kind, _): &(&str, &str)| EXCEPTIONS.iter().any(|(name, _)| name == kind);
        Some(text.split_once(": ").filter(known).unwrap_or(("", text)))
    }
}

impl Level {
    /// A breach is a failure (MUST, MUST NOT), not just an advisory.
    pub fn binds(self) -> bool {
        matches!(self, Self::Must | Self::MustNot)
    }

    /// As in the specification.
    pub fn name(self) -> &'static str {
        match self {
            Self::May => "MAY",
            Self::ShouldNot => "SHOULD NOT",
            Self::Should => "SHOULD",
            Self::MustNot => "MUST NOT",
            Self::Must => "MUST",
        }
    }
}
