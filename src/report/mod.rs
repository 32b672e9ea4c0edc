//! A field-review report: its parts, its text, its warnings. As JSON it is `output_data` of a report job, schema
//! `report/1`.

mod body;
mod header;
mod numbering;
mod stats;
pub mod text;
mod warning;

use serde::{Deserialize, Serialize};

pub use self::body::{
    Action, Citation, Kind, OPEN, Observation, PhotoReference, RESPONSIBLE, ReportNote,
    ReportPhoto, Section, Source,
};
pub use self::header::{Attendee, Header};
pub use self::stats::Stats;
pub use self::warning::{Warning, WarningCode};

/// The name of this shape; a change that breaks readers changes the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Schema {
    /// The only one so far.
    #[serde(rename = "report/1")]
    First,
}

/// A finished report.
#[cfg_attr(test, derive(ts_rs::TS))]
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The name of this shape, `report/1`.
    #[cfg_attr(test, ts(as = "String"))]
    pub schema: Schema,
    /// Always true: a job without a report has no output. Callers of the first version read it.
    pub success: bool,
    /// A sentence for callers of the first version.
    pub message: String,
    /// The row of `reports` it belongs to.
    pub report_id: uuid::Uuid,
    /// Whether everything went as planned.
    pub status: Status,
    /// Who put the report in order.
    pub formatting: Formatting,
    /// What stands at its head.
    pub header: Header,
    /// A few sentences about the whole; may be empty.
    pub summary: Vec<String>,
    /// The report's body.
    pub sections: Vec<Section>,
    /// What somebody has to do.
    pub actions: Vec<Action>,
    /// The engineer's notes, word for word, and where each went.
    pub notes: Vec<ReportNote>,
    /// The photos in the order of the report.
    pub photos: Vec<ReportPhoto>,
    /// The report as plain text, a paragraph to a line.
    pub text: String,
    /// What it took.
    pub stats: Stats,
    /// What the engineer should know and the customer need not.
    pub warnings: Vec<Warning>,
}

/// Whether everything went as planned.
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "ReportStatus"))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It did.
    Complete,
    /// Everything is there, but the model did not put it in order, or wrote nothing of it.
    Degraded,
    /// It has cost what it may: what the model was not asked about is in the engineer's words.
    Partial,
}

/// Who put the report in order.
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "ReportFormatting"))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Formatting {
    /// The model, or code.
    pub mode: FormattingMode,
    /// Why it was code; none when it was the model.
    pub reason: Option<String>,
}

/// The model, or code.
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "ReportFormattingMode"))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FormattingMode {
    /// The model chose the order and wrote the summary.
    Model,
    /// Groups in the engineer's order, photos by number, no summary.
    Deterministic,
}
