//! Reads `input_data` into a visit: checks every field and settles what callers leave open. Every field may be null
//! or missing here; fields we do not know are ignored.

mod fields;
mod names;
mod photos;
mod settings;

#[cfg(test)]
mod tests;

use serde_json::value::RawValue;

use self::fields::Fields;
use self::names::{each_once, group_names};
use self::photos::photos;
use self::settings::settings;
use super::grouping::{self, GENERAL};
use super::visit::{Note, Photo, Specification, Style, Visit};
use crate::address::AddressPolicy;
use crate::error::JobError;
use crate::report::{Attendee, Header, Warning, WarningCode};
use crate::words;

/// What engineers put in front of a note.
const BULLETS: [char; 5] = ['-', '*', '•', '–', '·'];

const STYLES: &[(&str, Style)] = &[("brief", Style::Brief), ("elaborate", Style::Elaborate)];

impl Visit {
    /// Reads an input whose photos may be where `policy` allows.
    ///
    /// # Errors
    /// [`JobError::Permanent`] naming the field that is not what was expected.
    pub fn read(input_data: &RawValue, policy: AddressPolicy) -> Result<Self, JobError> {
        let input = Fields::of_input(input_data)?;
        let mut warnings = Vec::new();
        let report_id = input.uuid("reportId")?;
        input.uuid("projectId")?;
        let notes = notes(&input)?;
        let photos = photos(&input, policy, &mut warnings)?;
        if photos.is_empty() && notes.is_empty() {
            return Err(input.refusal(
                "bulletPoints",
                "is empty and there are no images, expected notes or images to write about",
            ));
        }
        let settings = settings(&input, &mut warnings)?;
        let specifications = specifications(&input)?;
        warn_of_unknown_images(&specifications, &photos, &mut warnings);
        let group_order = group_names(&input.texts("groupOrder")?);
        warn_of_empty_groups(&group_order, &photos, &mut warnings);
        let groups = grouping::group(&photos, &group_order, &mut warnings);
        Ok(Self {
            report_id,
            contract_name: input.line("contractName")?,
            location: input.line("location")?,
            notes,
            photos,
            groups,
            group_order,
            specifications,
            header: header(&input)?,
            style: input.choice("reportStyle", STYLES)?.unwrap_or_default(),
            settings,
            warnings,
        })
    }
}

/// Each line that says something is a note; the bullet it may begin with is not part of it.
fn notes(input: &Fields) -> Result<Vec<Note>, JobError> {
    const NAME: &str = "bulletPoints";
    let missing = || input.refusal(NAME, "is missing, expected the engineer's notes");
    let notes = input.text(NAME)?.ok_or_else(missing)?;
    let lines = notes.lines();
    let texts = lines.map(|line| words::without_bullet(line, &BULLETS).0);
    let note = |(text, number): (&str, usize)| Note {
        number,
        alias: format!("n{number}"),
        text: text.to_owned(),
    };
    Ok(texts
        .filter(|text| !text.is_empty())
        .zip(1..)
        .map(note)
        .collect())
}

fn specifications(input: &Fields) -> Result<Vec<Specification>, JobError> {
    let specification = |(fields, number): (Fields, usize)| {
        Ok(Specification {
            alias: format!("s{number}"),
            id: fields.line("id")?,
            document: fields.line("document")?,
            section: fields.line("section")?,
            text: fields.line("text")?,
            image_ids: fields.texts("imageIds")?,
        })
    };
    let given = input.objects("specifications")?;
    given.into_iter().zip(1..).map(specification).collect()
}

fn header(input: &Fields) -> Result<Header, JobError> {
    let fields = input.object("header")?;
    Ok(Header {
        report_no: fields.line_or_number("reportNo")?,
        date_of_visit: fields.line_or_number("dateOfVisit")?,
        time_of_visit: fields.line_or_number("timeOfVisit")?,
        weather: fields.line_or_number("weather")?,
        temperature: fields.line_or_number("temperature")?,
        permit_no: fields.line_or_number("permitNo")?,
        crew_size: fields.line_or_number("crewSize")?,
        attendees: attendees(&fields)?,
        client: fields.line_or_number("client")?,
        contractor: fields.line_or_number("contractor")?,
        prepared_by: fields.line_or_number("preparedBy")?,
        reviewed_by: fields.line_or_number("reviewedBy")?,
        areas_reviewed: lines(&fields, "areasReviewed")?,
        areas_not_reviewed: lines(&fields, "areasNotReviewed")?,
        distribution: lines(&fields, "distribution")?,
    })
}

fn attendees(header: &Fields) -> Result<Vec<Attendee>, JobError> {
    let attendee = |fields: Fields| {
        Ok(Attendee {
            name: fields.line("name")?,
            company: fields.line("company")?,
        })
    };
    header
        .objects("attendees")?
        .into_iter()
        .map(attendee)
        .collect()
}

fn lines(header: &Fields, name: &str) -> Result<Vec<String>, JobError> {
    let texts = header.texts_or_text(name)?;
    Ok(each_once(texts.iter().map(|text| words::line(text))))
}

fn warn_of_unknown_images(
    specifications: &[Specification],
    photos: &[Photo],
    warnings: &mut Vec<Warning>,
) {
    for (index, clause) in specifications.iter().enumerate() {
        let is_unknown = |id: &&String| !photos.iter().any(|photo| photo.id == **id);
        for id in clause.image_ids.iter().filter(is_unknown) {
            let message =
                format!("specifications[{index}].imageIds names an image that is not there");
            warnings.push(Warning::about(WarningCode::UnknownImage, id, message));
        }
    }
}

fn warn_of_empty_groups(group_order: &[String], photos: &[Photo], warnings: &mut Vec<Warning>) {
    let is_empty = |name: &&String| !photos.iter().any(|photo| photo.groups.contains(name));
    let empty = group_order.iter().filter(|name| *name != GENERAL);
    for name in empty.filter(is_empty) {
        let message = format!("groupOrder names {name}, a group that no photo is in");
        warnings.push(Warning::new(WarningCode::EmptyGroup, message));
    }
}
