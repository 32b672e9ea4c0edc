//! What went otherwise than asked for, without harm to the report.

use serde::{Deserialize, Serialize};

/// What the engineer should know and the customer need not.
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "ReportWarning"))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Warning {
    pub code: WarningCode,
    /// The photo it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_id: Option<String>,
    /// A sentence for people.
    pub message: String,
}

/// What a warning is about, for programs.
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "ReportWarningCode"))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WarningCode {
    /// A photo had no number and got one.
    MissingNumber,
    /// Two photos of a group had the same number and one got another.
    DuplicateNumber,
    /// An image is in the list twice, and once in the report.
    DuplicateImage,
    /// The order of the groups names one that no photo is in.
    EmptyGroup,
    /// A specification names an image that is not there.
    UnknownImage,
    /// An option has no effect.
    OptionIgnored,
    /// A photo's address, or one it redirects to, is none that the worker calls.
    ImageAddress,
    /// A photo is gone, or its place does not let the worker in.
    ImageNotFound,
    /// A photo, or its batch, is larger than a request may be.
    ImageTooLarge,
    /// A photo is neither JPEG nor PNG, or not whole.
    ImageUnsupported,
    /// A photo did not come in time, or its place did not answer.
    ImageUnreachable,
    /// xAI does not take a photo.
    ImageRefused,
    /// The report has cost what it may, so the model was asked no further.
    CostLimit,
    /// The model wrote nothing usable; the engineer's own words stand in the report.
    OwnWords,
    /// A note says how to write and is therefore not in the text.
    NoteNotInText,
    /// The report could not be written to `reports`; it is in `output_data`.
    ReportNotSaved,
    /// The report has been written by somebody else meanwhile and was left as it is; this one is in `output_data`.
    ReportEdited,
}

impl Warning {
    /// A warning about the whole report.
    pub fn new(code: WarningCode, message: impl Into<String>) -> Self {
        Self {
            code,
            image_id: None,
            message: message.into(),
        }
    }

    /// A warning about a photo.
    pub fn about(code: WarningCode, image_id: &str, message: impl Into<String>) -> Self {
        Self {
            code,
            image_id: Some(image_id.into()),
            message: message.into(),
        }
    }
}
