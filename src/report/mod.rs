//! A field-review report: its parts, its text, its warnings. As JSON it is `output_data` of a report job, schema
//! `report/1`.

pub mod text;
mod warning;

use serde::{Deserialize, Serialize};

pub use self::warning::{Warning, WarningCode};

/// The name of this shape; a change that breaks readers changes the number.
pub const SCHEMA: &str = "report/1";

/// A finished report.
#[cfg_attr(test, derive(ts_rs::TS))]
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The name of this shape, `report/1`.
    pub schema: &'static str,
    /// Always true: a job without a report has no output. Callers of the first version read it.
    pub success: bool,
    /// A sentence for callers of the first version.
    pub message: &'static str,
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
    pub notes: Vec<Note>,
    /// The photos in the order of the report.
    pub photos: Vec<Photo>,
    /// The report as plain text, a paragraph to a line.
    pub text: String,
    /// What it took.
    pub stats: Stats,
    /// What the engineer should know and the customer need not.
    pub warnings: Vec<Warning>,
}

/// Whether everything went as planned.
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "ReportStatus"))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It did.
    Complete,
    /// Everything is there, but the model did not put it in order.
    Degraded,
    /// It has cost what it may: what the model was not asked about is in the engineer's words.
    Partial,
}

/// Who put the report in order.
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "ReportFormatting"))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Formatting {
    /// The model, or code.
    pub mode: FormattingMode,
    /// Why it was code; none when it was the model.
    pub reason: Option<String>,
}

/// The model, or code.
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "ReportFormattingMode"))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FormattingMode {
    /// The model chose the order and wrote the summary.
    Model,
    /// Groups in the engineer's order, photos by number, no summary.
    Deterministic,
}

/// What stands at the report's head, as the engineer gave it; what was not given is empty.
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "ReportHeader"))]
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Header {
    pub report_no: String,
    pub date_of_visit: String,
    pub time_of_visit: String,
    pub weather: String,
    pub temperature: String,
    pub permit_no: String,
    pub crew_size: String,
    pub attendees: Vec<Attendee>,
    pub client: String,
    pub contractor: String,
    pub prepared_by: String,
    pub reviewed_by: String,
    pub areas_reviewed: Vec<String>,
    pub areas_not_reviewed: Vec<String>,
    pub distribution: Vec<String>,
}

/// Someone who was there.
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "ReportAttendee"))]
#[derive(Debug, Clone, Serialize)]
pub struct Attendee {
    pub name: String,
    pub company: String,
}

/// A numbered heading with what belongs under it.
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "ReportSection"))]
#[derive(Debug, Serialize)]
pub struct Section {
    /// `section-1`, `section-2`, …
    pub id: String,
    /// `1.`, `2.`, …
    pub number: String,
    /// The engineer's group, word for word, or a heading for what has none.
    pub title: String,
    /// What was seen.
    pub observations: Vec<Observation>,
}

/// One numbered point: a photo of a group, or a note.
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "ReportObservation"))]
#[derive(Debug, Serialize)]
pub struct Observation {
    /// `o1`, `o2`, … by the engineer's order, whatever place it has in the report.
    pub id: String,
    /// `1.1`, `1.2`, …
    pub number: String,
    /// A few words for lists; may be empty.
    pub title: String,
    /// What was seen.
    pub text: String,
    /// Its nature.
    pub kind: Kind,
    /// The engineer's tag; may be empty.
    pub tag: String,
    /// Whose words `text` is.
    pub source: Source,
    /// The clause it is about.
    pub spec: Option<Citation>,
    /// The photo it is about; empty for a note.
    pub images: Vec<PhotoReference>,
}

/// The nature of a statement.
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "ReportKind"))]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// What was there.
    #[default]
    Observation,
    /// What was wrong.
    Deficiency,
    /// What somebody has to do.
    Action,
    /// What remains to be checked.
    Verify,
}

impl Kind {
    /// What the model and the readers of the output call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Observation => "observation",
            Self::Deficiency => "deficiency",
            Self::Action => "action",
            Self::Verify => "verify",
        }
    }
}

/// Whose words a text is.
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "ReportSource"))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// The model's.
    Model,
    /// The engineer's own.
    Input,
}

/// A clause of a specification.
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "ReportCitation"))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Citation {
    /// The caller's name for it.
    pub id: String,
    pub document: String,
    pub section: String,
}

/// A photo where the text speaks of it.
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "ReportPhotoReference"))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PhotoReference {
    /// The caller's name for it.
    pub image_id: String,
    /// Its number in the report.
    pub photo: u32,
    /// The group it is shown for.
    pub group: String,
    /// Its number in that group.
    pub number: u32,
    /// The engineer's description, word for word.
    pub caption: String,
}

/// Who has to act, unless somebody says otherwise.
pub const RESPONSIBLE: &str = "Contractor";
/// What is asked for and not yet done.
pub const OPEN: &str = "open";

/// What somebody has to do.
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "ReportAction"))]
#[derive(Debug, Serialize)]
pub struct Action {
    /// The number of the observation that calls for it.
    pub observation: String,
    pub text: String,
    pub responsible: &'static str,
    pub status: &'static str,
}

/// A line of the engineer's notes.
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "ReportNote"))]
#[derive(Debug, Serialize)]
pub struct Note {
    /// Word for word.
    pub text: String,
    /// The number of the observation it became; `None` for a note that only says how to write.
    pub observation: Option<String>,
}

/// A photo of the report.
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "ReportPhoto"))]
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Photo {
    /// Its number in the report.
    pub photo: u32,
    /// The caller's name for it.
    pub image_id: String,
    #[cfg_attr(test, ts(optional))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bucket: Option<String>,
    #[cfg_attr(test, ts(optional))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    #[cfg_attr(test, ts(optional))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Pixels as stored; `None` when the worker did not see the photo.
    pub w: Option<u32>,
    pub h: Option<u32>,
    /// Degrees to turn it clockwise.
    pub rotation: u16,
}

/// What a report took, all attempts together.
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "ReportStats"))]
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stats {
    pub images: usize,
    /// Requests planned for photos and notes, repeats not counted.
    pub batches: usize,
    /// Answers of the model.
    pub calls: u32,
    /// Steps that an earlier attempt had done.
    pub reused_steps: usize,
    /// Answers that an earlier job about the same report had paid for: not among `calls`.
    pub reused_answers: u32,
    /// Calls beyond the first for the same thing, because its answer was of no use.
    pub retries: u32,
    /// Calls that may have been paid twice, at most: an earlier run began them and never had an answer to keep.
    pub duplicate_risk: u32,
    pub prompt_tokens: u64,
    pub image_tokens: u64,
    pub cached_tokens: u64,
    pub completion_tokens: u64,
    pub reasoning_tokens: u64,
    /// `None` when the API did not say; 0 when nothing was asked.
    pub cost_usd: Option<f64>,
    /// The models that answered, by the names they gave.
    pub models: Vec<String>,
    /// Which wording of the prompts was used.
    pub prompt_version: u32,
}
