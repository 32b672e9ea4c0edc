//! `input_data` of a `generate_report` job as callers write it: every field may be missing or null here, fields we
//! do not know are ignored, and `check.rs` decides what that means.

mod fields;
mod read;

use crate::config::{ApiStyle, Transport};
use crate::grok::Effort;

#[cfg(test)]
use super::typescript::{TextOrNumber, TextOrTexts};

/// The input of a `generate_report` job. Required are `reportId`, `projectId` and `bulletPoints`.
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "ReportInput", rename_all = "camelCase", optional_fields = nullable))]
#[derive(Debug, Clone, Default)]
pub struct Input {
    /// The row of `reports` the report is written to; a uuid.
    #[cfg_attr(test, ts(as = "String", optional = false))]
    pub report_id: Option<String>,
    /// The project the report belongs to; a uuid.
    #[cfg_attr(test, ts(as = "String", optional = false))]
    pub project_id: Option<String>,
    /// The engineer's notes, one to a line.
    #[cfg_attr(test, ts(as = "String", optional = false))]
    pub bullet_points: Option<String>,
    /// The contract's name, the report's title.
    pub contract_name: Option<String>,
    /// Where the visit was.
    pub location: Option<String>,
    /// The photos.
    #[cfg_attr(test, ts(as = "Option<_>"))]
    pub images: Vec<Image>,
    /// The photos as newer clients call them; wins over `images` unless it is empty.
    #[cfg_attr(test, ts(as = "Option<_>"))]
    pub images_with_numbering: Vec<Image>,
    /// Groups in the order of the report; others follow in the order they appear.
    #[cfg_attr(test, ts(as = "Option<_>"))]
    pub group_order: Vec<String>,
    /// How much to write; brief unless told otherwise.
    pub report_style: Option<Style>,
    /// Clauses the report may cite.
    #[cfg_attr(test, ts(as = "Option<_>"))]
    pub specifications: Vec<Specification>,
    /// What stands at the report's head.
    #[cfg_attr(test, ts(as = "Option<_>"))]
    pub header: Header,
    /// How the report is made.
    #[cfg_attr(test, ts(as = "Option<_>"))]
    pub options: Options,
}

/// A photo: `url`, or `bucket` and `path` in the project's Storage.
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "ReportInputImage", rename_all = "camelCase", optional_fields = nullable))]
#[derive(Debug, Clone, Default)]
pub struct Image {
    /// The caller's name for it.
    pub id: Option<String>,
    /// Where it can be fetched without a key.
    pub url: Option<String>,
    /// Its bucket in the project's Storage.
    pub bucket: Option<String>,
    /// Its path in the bucket.
    pub path: Option<String>,
    /// What the engineer says about it.
    pub description: Option<String>,
    /// What it shows: overview, deficiency, safety, …
    pub tag: Option<String>,
    /// The groups it belongs to; a single one may come as a text.
    #[cfg_attr(test, ts(as = "Option<TextOrTexts>"))]
    pub group: Vec<String>,
    /// Its number within its group.
    pub number: Option<u32>,
    /// Degrees to turn it clockwise until it is upright.
    pub rotation: Option<f64>,
}

/// A clause of a specification that the report may cite.
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "ReportInputSpecification", rename_all = "camelCase", optional_fields = nullable))]
#[derive(Debug, Clone, Default)]
pub struct Specification {
    /// The caller's name for it.
    pub id: Option<String>,
    /// The document it is from.
    pub document: Option<String>,
    /// The section or clause.
    pub section: Option<String>,
    /// Its words.
    pub text: Option<String>,
    /// The photos it applies to; none means all.
    #[cfg_attr(test, ts(as = "Option<_>"))]
    pub image_ids: Vec<String>,
}

/// What stands at the report's head. All of it is optional and printed as it is given.
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "ReportInputHeader", rename_all = "camelCase", optional_fields = nullable))]
#[derive(Debug, Clone, Default)]
pub struct Header {
    #[cfg_attr(test, ts(as = "Option<TextOrNumber>"))]
    pub report_no: Option<String>,
    #[cfg_attr(test, ts(as = "Option<TextOrNumber>"))]
    pub date_of_visit: Option<String>,
    #[cfg_attr(test, ts(as = "Option<TextOrNumber>"))]
    pub time_of_visit: Option<String>,
    #[cfg_attr(test, ts(as = "Option<TextOrNumber>"))]
    pub weather: Option<String>,
    #[cfg_attr(test, ts(as = "Option<TextOrNumber>"))]
    pub temperature: Option<String>,
    #[cfg_attr(test, ts(as = "Option<TextOrNumber>"))]
    pub permit_no: Option<String>,
    #[cfg_attr(test, ts(as = "Option<TextOrNumber>"))]
    pub crew_size: Option<String>,
    #[cfg_attr(test, ts(as = "Option<_>"))]
    pub attendees: Vec<Attendee>,
    #[cfg_attr(test, ts(as = "Option<TextOrNumber>"))]
    pub client: Option<String>,
    #[cfg_attr(test, ts(as = "Option<TextOrNumber>"))]
    pub contractor: Option<String>,
    #[cfg_attr(test, ts(as = "Option<TextOrNumber>"))]
    pub prepared_by: Option<String>,
    #[cfg_attr(test, ts(as = "Option<TextOrNumber>"))]
    pub reviewed_by: Option<String>,
    #[cfg_attr(test, ts(as = "Option<TextOrTexts>"))]
    pub areas_reviewed: Vec<String>,
    #[cfg_attr(test, ts(as = "Option<TextOrTexts>"))]
    pub areas_not_reviewed: Vec<String>,
    #[cfg_attr(test, ts(as = "Option<TextOrTexts>"))]
    pub distribution: Vec<String>,
}

/// Someone who was there.
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "ReportInputAttendee", rename_all = "camelCase", optional_fields = nullable))]
#[derive(Debug, Clone, Default)]
pub struct Attendee {
    pub name: Option<String>,
    pub company: Option<String>,
}

/// How the report is made.
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "ReportInputOptions", rename_all = "camelCase", optional_fields = nullable))]
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The model, instead of the configured one.
    pub model: Option<String>,
    /// Ignored with a warning: the key goes to the configured address only.
    pub base_url: Option<String>,
    /// Which of xAI's endpoints to use.
    pub api_style: Option<ApiStyle>,
    /// How to wait for the model; `Some(None)` for a way that does not exist yet.
    pub transport: Option<Option<Transport>>,
    /// How long the model thinks.
    pub reasoning_effort: Option<Effort>,
    /// Photos in one request, 1 to 20.
    pub batch_size: Option<u32>,
    /// How photos travel to the model.
    pub image_transport: Option<ImageTransport>,
    /// What the report may cost; 0 is no limit.
    pub max_cost_usd: Option<f64>,
    /// Whether the model orders the report and sums it up.
    pub final_formatting: Option<bool>,
    /// The language to write in, such as `en`.
    pub language: Option<String>,
    /// Whether answers that an earlier job about the same report has paid for are taken again.
    pub reuse: Option<bool>,
    /// Whether the report is also written to `reports`.
    pub write_report: Option<bool>,
}

/// How much is written about a photo.
#[cfg_attr(
    test,
    derive(ts_rs::TS),
    ts(rename = "ReportStyle", rename_all = "lowercase")
)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Style {
    /// One or two sentences.
    #[default]
    Brief,
    /// A paragraph.
    Elaborate,
}

/// How photos travel to the model.
#[cfg_attr(
    test,
    derive(ts_rs::TS),
    ts(rename = "ReportImageTransport", rename_all = "lowercase")
)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ImageTransport {
    /// The worker fetches them and sends their bytes.
    #[default]
    Base64,
    /// xAI fetches them; they must be public or signed.
    Url,
}
