//! Turns a [`Report`] into what people and machines read: `report.json`, `report.html`,
//! `junit.xml`, `summary.md`, console text and the annotations of a CI system.
//!
//! All of them come from the same data and nothing here judges: a renderer sorts, groups, draws and
//! escapes. It must not know how a run is made (runner) or what is on the wire (proto). Whatever a
//! driver says is taken as hostile: `tame` makes every string harmless once, before any format.

use std::fmt;

use csi_stretch_oracle::report::Report;

mod annotations;
pub mod console;
pub mod diff;
mod html;
mod junit;
mod markdown;
pub mod score;
mod tame;
mod text;
mod view;
mod write;

pub use annotations::annotations;
pub use html::Exchanges;
pub use write::{WriteError, write, write_all};

/// The file formats of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// The whole report as data; the only format that cuts nothing.
    Json,
    /// One self-contained page for people.
    Html,
    /// For the test tab of a CI system.
    Junit,
    /// For a CI job's summary or a merge request.
    Markdown,
}

impl Format {
    /// Every format, in the order in which they are written.
    pub const ALL: [Self; 4] = [Self::Json, Self::Html, Self::Junit, Self::Markdown];

    /// Name of the file in the run's folder.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Json => "report.json",
            Self::Html => "report.html",
            Self::Junit => "junit.xml",
            Self::Markdown => "summary.md",
        }
    }

    /// The word for a command line: `json`, `html`, `junit`, `markdown`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Html => "html",
            Self::Junit => "junit",
            Self::Markdown => "markdown",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a report could not be put into a format. Each is a defect of this crate, not of the report.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The report did not survive serialization.
    #[error("the report cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// A template failed.
    #[error("the HTML template failed: {0}")]
    Html(#[from] askama::Error),
    /// The XML writer failed.
    #[error("the JUnit file cannot be serialized: {0}")]
    Junit(#[from] quick_junit::SerializeError),
}

/// Renders a report in one format. Equal reports give equal bytes.
pub fn render(report: &Report, format: Format) -> Result<String, RenderError> {
    rendered(report, &tame::tame(report)?, format)
}

/// Renders a report in every format; it is tamed once for all of them.
fn render_all(report: &Report) -> Result<Vec<(Format, String)>, (Format, RenderError)> {
    let tame = tame::tame(report).map_err(|error| (Format::Html, error.into()))?;
    let each = |format| match rendered(report, &tame, format) {
        Ok(text) => Ok((format, text)),
        Err(error) => Err((format, error)),
    };
    Format::ALL.into_iter().map(each).collect()
}

fn rendered(whole: &Report, tame: &Report, format: Format) -> Result<String, RenderError> {
    match format {
        Format::Json => Ok(serde_json::to_string_pretty(whole)? + "\n"),
        Format::Html => html::render(tame, Exchanges::Found),
        Format::Junit => junit::render(tame),
        Format::Markdown => Ok(markdown::render(tame)),
    }
}

/// The page, with that much of what was asked and answered.
pub fn html(report: &Report, exchanges: Exchanges) -> Result<String, RenderError> {
    html::render(&tame::tame(report)?, exchanges)
}

/// The JSON Schema of `report.json`; the committed copy is `schema/report-v1.schema.json`.
pub fn schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(Report).to_value();
    if let Some(fields) = schema.as_object_mut() {
        fields.insert("title".into(), "csi-stretch report, version 1".into());
    }
    schema
}
