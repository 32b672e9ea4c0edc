//! What a caller asks for.

use document_kernel::order::{DocumentFormat, Paper};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use uuid::Uuid;

/// A finished report, and what document to make of it. One of `reportId`, `jobId` and `report` says which report.
#[derive(Debug, Deserialize)]
pub struct ExportInput {
    /// The latest report that a job has made for this row of `reports`.
    #[serde(rename = "reportId")]
    pub report_id: Option<Uuid>,
    /// The report that this job has made or is making.
    #[serde(rename = "jobId")]
    pub job_id: Option<Uuid>,
    /// The report itself, as `output_data` of a report job has it.
    pub report: Option<Box<RawValue>>,
    /// What to make.
    pub format: DocumentFormat,
    /// What it looks like.
    #[serde(default)]
    pub template: TemplateInput,
    /// Where it belongs.
    pub output: DocumentPlace,
    /// How long an address of the document is to be good that needs no key.
    pub signed_url_seconds: Option<u32>,
}

/// What a document looks like, and what it says beside the report.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct TemplateInput {
    /// Who writes it, at the head of each page.
    pub firm: String,
    /// Of headings and lines: `#rrggbb`.
    #[serde(alias = "color")]
    pub colour: Option<String>,
    /// There is no place for one yet.
    pub logo: Option<IgnoredAny>,
    /// There is one only so far.
    pub font: Option<IgnoredAny>,
    /// Letter if nothing is said.
    pub paper: Option<Paper>,
    /// Where the photographs are.
    pub layout: PhotoLayout,
    /// Whether it may leave the house.
    pub status: DocumentStatus,
    /// What the review was for, as the firm words it.
    pub intent: String,
    /// What it cannot tell, as the firm words it.
    pub limitations: String,
    /// Of the headings and labels; what the report says stays as it is.
    pub language: Language,
}

/// Where the photographs are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PhotoLayout {
    /// Below the point that they belong to.
    #[default]
    Below,
    /// All of them behind the text, two to a row.
    Appendix,
}

/// Whether a document may leave the house.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DocumentStatus {
    /// Nobody has signed it: it says so on each page.
    #[default]
    Draft,
    /// An engineer stands by it.
    Issued,
}

/// A language that there are labels in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English.
    #[default]
    En,
    /// French.
    Fr,
}

/// Where a document belongs.
#[derive(Debug, Clone, Deserialize)]
pub struct DocumentPlace {
    /// The name of a bucket.
    pub bucket: String,
    /// The path in it.
    pub path: String,
}
