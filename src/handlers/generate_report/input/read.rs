//! Which field of `input_data` is which field of ours, and of what kind it must be.

use serde_json::Value;

use super::fields::Fields;
use super::{
    ApiStyle, Attendee, Effort, Header, Image, ImageTransport, Input, Options, Specification,
    Style, Transport,
};
use crate::error::JobError;

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
            reuse: fields.flag("reuse")?,
            write_report: fields.flag("writeReport")?,
        })
    }
}

const STYLES: &[(&str, Style)] = &[("brief", Style::Brief), ("elaborate", Style::Elaborate)];

const API_STYLES: &[(&str, ApiStyle)] =
    &[("chat", ApiStyle::Chat), ("responses", ApiStyle::Responses)];

const TRANSPORTS: &[(&str, Option<Transport>)] = &[
    ("sync", Some(Transport::Sync)),
    ("stream", Some(Transport::Stream)),
    ("deferred", Some(Transport::Deferred)),
    ("batch", None),
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
