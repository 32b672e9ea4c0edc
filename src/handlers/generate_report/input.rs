//! `input_data` of a `generate_report` job as callers write it: every field may be missing or null here, fields we
//! do not know are ignored, and `check.rs` decides what that means.

mod fields;

use serde::Serialize;
use serde_json::Value;

use self::fields::Fields;
use crate::error::JobError;

/// The input of a `generate_report` job. Required are `reportId`, `projectId` and `bulletPoints`.
#[derive(Debug, Clone, Default)]
pub struct Input {
    /// The row of `reports` the report is written to; a uuid.
    pub report_id: Option<String>,
    /// The project the report belongs to; a uuid.
    pub project_id: Option<String>,
    /// The engineer's notes, one to a line.
    pub bullet_points: Option<String>,
    /// The contract's name, the report's title.
    pub contract_name: Option<String>,
    /// Where the visit was.
    pub location: Option<String>,
    /// The photos.
    pub images: Vec<Image>,
    /// The photos as newer clients call them; wins over `images` unless it is empty.
    pub images_with_numbering: Vec<Image>,
    /// Groups in the order of the report; others follow in the order they appear.
    pub group_order: Vec<String>,
    /// How much to write; brief unless told otherwise.
    pub report_style: Option<Style>,
    /// Clauses the report may cite.
    pub specifications: Vec<Specification>,
    /// What stands at the report's head.
    pub header: Header,
    /// How the report is made.
    pub options: Options,
}

/// A photo: `url`, or `bucket` and `path` in the project's Storage.
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
    pub group: Vec<String>,
    /// Its number within its group.
    pub number: Option<u32>,
    /// Degrees to turn it clockwise until it is upright.
    pub rotation: Option<f64>,
}

/// A clause of a specification that the report may cite.
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
    pub image_ids: Vec<String>,
}

/// What stands at the report's head. All of it is optional and printed as it is given.
#[derive(Debug, Clone, Default)]
pub struct Header {
    pub report_no: Option<String>,
    pub date_of_visit: Option<String>,
    pub time_of_visit: Option<String>,
    pub weather: Option<String>,
    pub temperature: Option<String>,
    pub permit_no: Option<String>,
    pub crew_size: Option<String>,
    pub attendees: Vec<Attendee>,
    pub client: Option<String>,
    pub contractor: Option<String>,
    pub prepared_by: Option<String>,
    pub reviewed_by: Option<String>,
    pub areas_reviewed: Vec<String>,
    pub areas_not_reviewed: Vec<String>,
    pub distribution: Vec<String>,
}

/// Someone who was there.
#[derive(Debug, Clone, Default)]
pub struct Attendee {
    pub name: Option<String>,
    pub company: Option<String>,
}

/// How the report is made.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The model, instead of the configured one.
    pub model: Option<String>,
    /// Ignored with a warning: the key goes to the configured address only.
    pub base_url: Option<String>,
    /// Which of xAI's endpoints to use.
    pub api_style: Option<ApiStyle>,
    /// How to wait for the model.
    pub transport: Option<Transport>,
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
    /// Whether the report is also written to `reports`.
    pub write_report: Option<bool>,
}

/// How much is written about a photo.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Style {
    /// One or two sentences.
    #[default]
    Brief,
    /// A paragraph.
    Elaborate,
}

/// Which of xAI's endpoints to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiStyle {
    /// `/chat/completions`.
    Chat,
    /// `/responses`.
    Responses,
}

/// How to wait for the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    Sync,
    Stream,
    Deferred,
    Batch,
}

/// How long the model thinks before it writes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Effort {
    None,
    #[default]
    Low,
    Medium,
    High,
    Xhigh,
}

/// How photos travel to the model.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ImageTransport {
    /// The worker fetches them and sends their bytes.
    #[default]
    Base64,
    /// xAI fetches them; they must be public or signed.
    Url,
}

impl Input {
    /// Reads an input.
    ///
    /// # Errors
    /// [`JobError::Permanent`] naming the first field of another kind than expected.
    pub fn read(input_data: &Value) -> Result<Self, JobError> {
        let fields = Fields::of_input(input_data)?;
        Ok(Self {
            report_id: fields.text("reportId")?,
            project_id: fields.text("projectId")?,
            bullet_points: fields.text("bulletPoints")?,
            contract_name: fields.text("contractName")?,
            location: fields.text("location")?,
            images: each(&fields, "images", Image::read)?,
            images_with_numbering: each(&fields, "imagesWithNumbering", Image::read)?,
            group_order: fields.texts("groupOrder")?,
            report_style: fields.choice("reportStyle", STYLES)?,
            specifications: each(&fields, "specifications", Specification::read)?,
            header: one(&fields, "header", Header::read)?,
            options: one(&fields, "options", Options::read)?,
        })
    }
}

fn each<'a, T>(
    fields: &Fields<'a>,
    name: &str,
    read: fn(&Fields<'a>) -> Result<T, JobError>,
) -> Result<Vec<T>, JobError> {
    fields.objects(name)?.iter().map(read).collect()
}

fn one<'a, T: Default>(
    fields: &Fields<'a>,
    name: &str,
    read: fn(&Fields<'a>) -> Result<T, JobError>,
) -> Result<T, JobError> {
    match fields.object(name)? {
        Some(fields) => read(&fields),
        None => Ok(T::default()),
    }
}

impl Image {
    fn read(fields: &Fields) -> Result<Self, JobError> {
        Ok(Self {
            id: fields.text("id")?,
            url: fields.text("url")?,
            bucket: fields.text("bucket")?,
            path: fields.text("path")?,
            description: fields.text("description")?,
            tag: fields.text("tag")?,
            group: fields.texts_or_text("group")?,
            number: fields.whole_number("number")?,
            rotation: fields.number("rotation")?,
        })
    }
}

impl Specification {
    fn read(fields: &Fields) -> Result<Self, JobError> {
        Ok(Self {
            id: fields.text("id")?,
            document: fields.text("document")?,
            section: fields.text("section")?,
            text: fields.text("text")?,
            image_ids: fields.texts("imageIds")?,
        })
    }
}

impl Header {
    fn read(fields: &Fields) -> Result<Self, JobError> {
        Ok(Self {
            report_no: fields.text_or_number("reportNo")?,
            date_of_visit: fields.text_or_number("dateOfVisit")?,
            time_of_visit: fields.text_or_number("timeOfVisit")?,
            weather: fields.text_or_number("weather")?,
            temperature: fields.text_or_number("temperature")?,
            permit_no: fields.text_or_number("permitNo")?,
            crew_size: fields.text_or_number("crewSize")?,
            attendees: each(fields, "attendees", Attendee::read)?,
            client: fields.text_or_number("client")?,
            contractor: fields.text_or_number("contractor")?,
            prepared_by: fields.text_or_number("preparedBy")?,
            reviewed_by: fields.text_or_number("reviewedBy")?,
            areas_reviewed: fields.texts_or_text("areasReviewed")?,
            areas_not_reviewed: fields.texts_or_text("areasNotReviewed")?,
            distribution: fields.texts_or_text("distribution")?,
        })
    }
}

impl Attendee {
    fn read(fields: &Fields) -> Result<Self, JobError> {
        Ok(Self {
            name: fields.text("name")?,
            company: fields.text("company")?,
        })
    }
}

impl Options {
    fn read(fields: &Fields) -> Result<Self, JobError> {
        Ok(Self {
            model: fields.text("model")?,
            base_url: fields.text("baseUrl")?,
            api_style: fields.choice("apiStyle", API_STYLES)?,
            transport: fields.choice("transport", TRANSPORTS)?,
            reasoning_effort: fields.choice("reasoningEffort", EFFORTS)?,
            batch_size: fields.whole_number("batchSize")?,
            image_transport: fields.choice("imageTransport", IMAGE_TRANSPORTS)?,
            max_cost_usd: fields.number("maxCostUsd")?,
            final_formatting: fields.flag("finalFormatting")?,
            language: fields.text("language")?,
            write_report: fields.flag("writeReport")?,
        })
    }
}

const STYLES: &[(&str, Style)] = &[("brief", Style::Brief), ("elaborate", Style::Elaborate)];

const API_STYLES: &[(&str, ApiStyle)] =
    &[("chat", ApiStyle::Chat), ("responses", ApiStyle::Responses)];

const TRANSPORTS: &[(&str, Transport)] = &[
    ("sync", Transport::Sync),
    ("stream", Transport::Stream),
    ("deferred", Transport::Deferred),
    ("batch", Transport::Batch),
];

const EFFORTS: &[(&str, Effort)] = &[
    ("none", Effort::None),
    ("low", Effort::Low),
    ("medium", Effort::Medium),
    ("high", Effort::High),
    ("xhigh", Effort::Xhigh),
];

const IMAGE_TRANSPORTS: &[(&str, ImageTransport)] = &[
    ("base64", ImageTransport::Base64),
    ("url", ImageTransport::Url),
];
