//! The site visit a report is about: what the input says, in one shape and without gaps.

use uuid::Uuid;

use crate::address::AddressError;
use crate::config::{ApiStyle, Transport};
use crate::grok::Effort;
use crate::report::{Header, Warning};

/// Everything the engineer brought back, and how the report is to be made.
#[derive(Debug)]
pub struct Visit {
    /// The row of `reports` to write.
    pub report_id: Uuid,
    /// The report's title; may be empty.
    pub contract_name: String,
    /// Where the visit was; may be empty.
    pub location: String,
    /// The lines of the engineer's notes.
    pub notes: Vec<Note>,
    /// In the order of the input.
    pub photos: Vec<Photo>,
    /// The photos' groups in the order of the report.
    pub groups: Vec<Group>,
    /// Groups the engineer put in an order.
    pub group_order: Vec<String>,
    /// Clauses the report may cite.
    pub specifications: Vec<Specification>,
    /// The report's head.
    pub header: Header,
    /// How much to write.
    pub style: Style,
    /// How the report is made.
    pub settings: Settings,
    /// What the input left open, and how it was settled.
    pub warnings: Vec<Warning>,
}

/// One line of the engineer's notes.
#[derive(Debug)]
pub struct Note {
    /// Its place in the notes, from 1.
    pub number: usize,
    /// What the model calls it: `n1`, `n2`, …
    pub alias: String,
    /// The engineer's words, without the bullet they began with.
    pub text: String,
}

/// A photo and what the engineer says about it.
#[derive(Debug)]
pub struct Photo {
    /// What the model calls it: `p1`, `p2`, …
    pub alias: String,
    /// What the caller calls it.
    pub id: String,
    /// Where it can be fetched without a key.
    pub url: Option<String>,
    /// Why there is no `url`, if the one that was given is not called.
    pub url_error: Option<AddressError>,
    /// Bucket and path in the project's Storage.
    pub stored: Option<(String, String)>,
    /// The engineer's words; may be empty.
    pub description: String,
    /// What it shows; may be empty.
    pub tag: String,
    /// The groups the engineer named; may be none.
    pub groups: Vec<String>,
    /// The number the engineer gave it within its groups.
    pub number: Option<u32>,
    /// Degrees to turn it clockwise, 0 to 359.
    pub rotation: u16,
}

/// A heading of the engineer's, or [`GENERAL`](super::grouping::GENERAL), and its photos by number.
#[derive(Debug, PartialEq, Eq)]
pub struct Group {
    /// As the engineer wrote it.
    pub name: String,
    /// Its photos; a photo in two groups is in both.
    pub photos: Vec<Placement>,
}

/// A photo in a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placement {
    /// The photo, by its place in the visit.
    pub photo: usize,
    /// Its number in the group, which no other photo of the group has.
    pub number: u32,
}

/// A clause the report may cite.
#[derive(Debug)]
pub struct Specification {
    /// What the model calls it: `s1`, `s2`, …
    pub alias: String,
    /// What the caller calls it; may be empty.
    pub id: String,
    /// The document it is from; may be empty.
    pub document: String,
    /// The section or clause; may be empty.
    pub section: String,
    /// Its words; may be empty.
    pub text: String,
    /// Ids of the photos it applies to; none means all.
    pub image_ids: Vec<String>,
}

impl Specification {
    /// Whether a statement about the photo may cite it.
    pub fn applies_to(&self, photo: &Photo) -> bool {
        self.image_ids.is_empty() || self.image_ids.contains(&photo.id)
    }
}

/// How the report is made.
#[derive(Debug)]
pub struct Settings {
    /// The model, if not the configured one.
    pub model: Option<String>,
    /// Which endpoint to ask, if not the configured one.
    pub api_style: Option<ApiStyle>,
    /// How to wait for the model, if not as configured.
    pub transport: Option<Transport>,
    /// How long the model thinks.
    pub effort: Effort,
    /// Photos in one request.
    pub batch_size: usize,
    /// How photos travel to the model.
    pub image_transport: ImageTransport,
    /// Whether the model orders the report and sums it up.
    pub final_formatting: bool,
    /// The language to write in.
    pub language: String,
    /// Whether answers that an earlier job about the same report has paid for are taken again.
    pub reuse: bool,
    /// Whether the report is also written to `reports`.
    pub write_report: bool,
    /// What the report may cost, if that is limited.
    pub max_cost_usd: Option<f64>,
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
