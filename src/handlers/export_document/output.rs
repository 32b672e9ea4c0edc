//! What a caller gets.

use document_kernel::order::DocumentFormat;
use serde::{Deserialize, Serialize};

/// A document in Storage.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DocumentOutput {
    /// As the input says.
    pub bucket: String,
    /// As the input says.
    pub path: String,
    /// What it is.
    pub format: DocumentFormat,
    /// What was made.
    #[serde(flatten)]
    pub document: StoredDocument,
}

/// A document that was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredDocument {
    /// How long its file is.
    pub bytes: usize,
    /// Of its file, in hexadecimal.
    pub sha256: String,
    /// How many it has, in a format that has pages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pages: Option<usize>,
    /// Of the report's photographs.
    pub photos: PhotoCounts,
    /// What went otherwise than asked for.
    pub warnings: Vec<DocumentWarning>,
}

/// What became of the report's photographs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhotoCounts {
    /// Shown in the document.
    pub embedded: usize,
    /// In whose place it says that they are missing.
    pub missing: usize,
}

/// What went otherwise than asked for, without harm to the document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentWarning {
    /// For programs.
    pub code: DocumentWarningCode,
    /// The number of the photograph it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub photo: Option<u32>,
    /// A sentence for people.
    pub message: String,
}

/// What a warning is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DocumentWarningCode {
    /// A photograph cannot be had: a grey box is in its place.
    PhotoMissing,
    /// The row of `reports` says something else than the document.
    ReportEdited,
}
