//! The parts of a report: sections with their observations, and what refers to them.

use serde::{Deserialize, Serialize};

/// Who has to act, unless somebody says otherwise.
pub const RESPONSIBLE: &str = "Contractor";
/// What is asked for and not yet done.
pub const OPEN: &str = "open";

/// A numbered heading with what belongs under it.
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "ReportSection"))]
#[derive(Debug, Serialize, Deserialize)]
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
#[derive(Debug, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// The model's.
    Model,
    /// The engineer's own.
    Input,
}

/// A clause of a specification.
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "ReportCitation"))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Citation {
    /// The caller's name for it.
    pub id: String,
    pub document: String,
    pub section: String,
}

/// A photo where the text speaks of it.
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "ReportPhotoReference"))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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

/// What somebody has to do.
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "ReportAction"))]
#[derive(Debug, Serialize, Deserialize)]
pub struct Action {
    /// The number of the observation that calls for it.
    pub observation: String,
    pub text: String,
    pub responsible: String,
    pub status: String,
}

/// A line of the engineer's notes.
#[cfg_attr(test, derive(ts_rs::TS))]
#[derive(Debug, Serialize, Deserialize)]
pub struct ReportNote {
    /// Word for word.
    pub text: String,
    /// The number of the observation it became; `None` for a note that only says how to write.
    pub observation: Option<String>,
}

/// A photo of the report.
#[cfg_attr(test, derive(ts_rs::TS))]
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReportPhoto {
    /// Its number in the report.
    pub photo: u32,
    /// The caller's name for it.
    pub image_id: String,
    #[cfg_attr(test, ts(optional))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bucket: Option<String>,
    #[cfg_attr(test, ts(optional))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    #[cfg_attr(test, ts(optional))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Pixels as stored; `None` when the worker did not see the photo.
    pub w: Option<u32>,
    pub h: Option<u32>,
    /// Degrees to turn it clockwise.
    pub rotation: u16,
}
