//! From the input as it was written to a visit: checks every field and settles what callers leave open.

mod photos;
mod settings;

#[cfg(test)]
mod tests;

use uuid::Uuid;

use self::photos::photos;
use self::settings::settings;
use super::grouping::{self, GENERAL};
use super::input::{self, Input};
use super::visit::{Note, Photo, Specification, Visit};
use crate::error::JobError;
use crate::report::{Attendee, Header, Warning, WarningCode};
use crate::words;

/// What engineers put in front of a note.
const BULLETS: [char; 5] = ['-', '*', '•', '–', '·'];

impl Visit {
    /// Checks an input and settles what it leaves open.
    ///
    /// # Errors
    /// [`JobError::Permanent`] naming the field that is not what was expected.
    pub fn from_input(input: Input) -> Result<Self, JobError> {
        let mut warnings = Vec::new();
        let report_id = uuid("reportId", input.report_id.as_deref())?;
        uuid("projectId", input.project_id.as_deref())?;
        let bullet_points = input
            .bullet_points
            .ok_or_else(|| invalid("bulletPoints", "is missing, expected the engineer's notes"))?;
        let photos = photos(input.images_with_numbering, input.images, &mut warnings)?;
        let notes = notes(&bullet_points);
        if photos.is_empty() && notes.is_empty() {
            return Err(invalid(
                "bulletPoints",
                "is empty and there are no images, expected notes or images to write about",
            ));
        }
        let settings = settings(input.options, &mut warnings)?;
        let specifications = specifications(input.specifications);
        warn_of_unknown_images(&specifications, &photos, &mut warnings);
        let group_order = group_names(input.group_order);
        warn_of_empty_groups(&group_order, &photos, &mut warnings);
        let groups = grouping::group(&photos, &group_order, &mut warnings);
        Ok(Self {
            report_id,
            contract_name: line(input.contract_name),
            location: line(input.location),
            notes,
            photos,
            groups,
            group_order,
            specifications,
            header: header(input.header),
            style: input.report_style.unwrap_or_default(),
            settings,
            warnings,
        })
    }
}

fn invalid(field: &str, expected: &str) -> JobError {
    JobError::permanent(format!("input_data.{field}: {expected}"))
}

fn uuid(field: &str, text: Option<&str>) -> Result<Uuid, JobError> {
    let text = text.ok_or_else(|| invalid(field, "is missing, expected a uuid"))?;
    Uuid::try_parse(text).map_err(|_| invalid(field, "expected a uuid"))
}

/// Each line that says something is a note; the bullet it may begin with is not part of it.
fn notes(bullet_points: &str) -> Vec<Note> {
    bullet_points
        .lines()
        .map(|text| words::without_bullet(text, &BULLETS).0)
        .filter(|text| !text.is_empty())
        .enumerate()
        .map(|(index, text)| Note {
            number: index + 1,
            alias: format!("n{}", index + 1),
            text: text.to_owned(),
        })
        .collect()
}

fn specifications(given: Vec<input::Specification>) -> Vec<Specification> {
    let clause = |(index, clause): (usize, input::Specification)| Specification {
        alias: format!("s{}", index + 1),
        id: line(clause.id),
        document: line(clause.document),
        section: line(clause.section),
        text: line(clause.text),
        image_ids: clause.image_ids,
    };
    given.into_iter().enumerate().map(clause).collect()
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

fn header(header: input::Header) -> Header {
    let attendees = header.attendees.into_iter();
    Header {
        report_no: line(header.report_no),
        date_of_visit: line(header.date_of_visit),
        time_of_visit: line(header.time_of_visit),
        weather: line(header.weather),
        temperature: line(header.temperature),
        permit_no: line(header.permit_no),
        crew_size: line(header.crew_size),
        attendees: attendees
            .map(|person| Attendee {
                name: line(person.name),
                company: line(person.company),
            })
            .collect(),
        client: line(header.client),
        contractor: line(header.contractor),
        prepared_by: line(header.prepared_by),
        reviewed_by: line(header.reviewed_by),
        areas_reviewed: names(header.areas_reviewed),
        areas_not_reviewed: names(header.areas_not_reviewed),
        distribution: names(header.distribution),
    }
}

fn filled(text: Option<String>) -> Option<String> {
    let text = text?.trim().to_owned();
    (!text.is_empty()).then_some(text)
}

fn line(text: Option<String>) -> String {
    words::line(&text.unwrap_or_default())
}

/// The names that are not blank, each once.
fn names(names: Vec<String>) -> Vec<String> {
    each_once(names.iter().map(|name| words::line(name)))
}

/// The names of groups, word for word: the application finds its photos by them. Only what would break a line is a
/// space.
fn group_names(names: Vec<String>) -> Vec<String> {
    let name = |name: &String| name.trim().replace(char::is_control, " ");
    each_once(names.iter().map(name))
}

fn each_once(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut known: Vec<String> = Vec::new();
    for name in names {
        if !name.is_empty() && !known.contains(&name) {
            known.push(name);
        }
    }
    known
}
