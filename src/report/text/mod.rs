//! The report as plain text. A paragraph is a line, however long: whoever shows it knows how wide the page is.

mod open_items;

use self::open_items::open_items;
use super::{Header, Kind, Observation, PhotoReference, Report};
use crate::words;

/// Continues a numbered point.
const INDENT: &str = "    ";

/// Renders everything the customer may read: warnings and costs are not part of it.
pub fn render(title: &str, location: &str, report: &Report) -> String {
    let mut blocks = vec![head(title, location, &report.header)];
    blocks.push(facts(&report.header));
    if !report.summary.is_empty() {
        blocks.push(block("SUMMARY", report.summary.clone()));
    }
    for section in &report.sections {
        let heading = format!("{} {}", section.number, section.title);
        let points = section
            .observations
            .iter()
            .flat_map(|observation| point(observation, report));
        blocks.push(block(&heading, points.collect()));
    }
    blocks.push(block("OPEN ITEMS", open_items(report)));
    blocks.push(block("PHOTOGRAPHS", photographs(report)));
    blocks.retain(|block| !block.is_empty());
    blocks.join("\n\n") + "\n"
}

fn head(title: &str, location: &str, header: &Header) -> String {
    let number = match header.report_no.as_str() {
        "" => String::new(),
        number => format!(" {number}"),
    };
    // An engineer signs it or does not; until then it is a draft.
    let first = format!("FIELD REVIEW REPORT{number} (DRAFT)");
    let lines = [first.as_str(), title, location];
    lines
        .into_iter()
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join("\n")
}

fn facts(header: &Header) -> String {
    let attendees = header
        .attendees
        .iter()
        .map(|person| match person.company.as_str() {
            "" => person.name.clone(),
            company => format!("{} ({company})", person.name),
        });
    let facts = [
        (
            "Date of visit",
            joined(&[&header.date_of_visit, &header.time_of_visit], ", "),
        ),
        (
            "Weather",
            joined(&[&header.weather, &header.temperature], ", "),
        ),
        ("Permit no.", header.permit_no.clone()),
        ("Client", header.client.clone()),
        ("Contractor", header.contractor.clone()),
        ("Crew on site", header.crew_size.clone()),
        ("Present", attendees.collect::<Vec<_>>().join(", ")),
        ("Areas reviewed", header.areas_reviewed.join("; ")),
        ("Not reviewed", header.areas_not_reviewed.join("; ")),
        ("Prepared by", header.prepared_by.clone()),
        ("Reviewed by", header.reviewed_by.clone()),
        ("Distribution", header.distribution.join("; ")),
    ];
    let given = facts.iter().filter(|(_, value)| !value.is_empty());
    let lines = given.map(|(label, value)| format!("{:<16}{value}", format!("{label}:")));
    lines.collect::<Vec<_>>().join("\n")
}

fn joined(parts: &[&str], between: &str) -> String {
    let given = parts.iter().filter(|part| !part.is_empty());
    given.copied().collect::<Vec<_>>().join(between)
}

/// A heading and its lines; nothing without lines.
fn block(heading: &str, lines: Vec<String>) -> String {
    match lines.is_empty() {
        true => String::new(),
        false => format!("{heading}\n{}", lines.join("\n")),
    }
}

fn point(observation: &Observation, report: &Report) -> Vec<String> {
    let mut paragraphs = paragraphs(observation, report).into_iter();
    let first = paragraphs.next().unwrap_or_default();
    let mut first = format!("{} {first}", observation.number);
    for PhotoReference { group, number, .. } in &observation.images {
        first.push_str(&format!(" [IMAGE:{number}:{group}]"));
    }
    let rest = paragraphs.map(|paragraph| format!("{INDENT}{paragraph}"));
    std::iter::once(first).chain(rest).collect()
}

/// What an observation says: what was seen and the clause it is about, then what has to be done.
pub fn paragraphs(observation: &Observation, report: &Report) -> Vec<String> {
    let mut first = observation.text.clone();
    if let Some(spec) = &observation.spec {
        let cited = joined(&[&spec.document, &spec.section], ", ");
        if !cited.is_empty() {
            first.push_str(&format!(" ({cited})"));
        }
    }
    let mut paragraphs = vec![first];
    // Where the text itself says what has to be done, once is enough.
    if observation.kind != Kind::Action {
        let actions = report
            .actions
            .iter()
            .filter(|action| action.observation == observation.number);
        paragraphs.extend(actions.map(|action| format!("Action: {}", action.text)));
    }
    paragraphs
}

fn photographs(report: &Report) -> Vec<String> {
    let observations = report
        .sections
        .iter()
        .flat_map(|section| &section.observations);
    let references: Vec<&PhotoReference> = observations
        .flat_map(|observation| &observation.images)
        .collect();
    let photos = report.photos.iter();
    let places = photos.map(|photo| {
        let places = references.iter().copied();
        let places = places.filter(|place| place.photo == photo.photo);
        places.collect::<Vec<_>>()
    });
    places.filter_map(|places| photograph(&places)).collect()
}

/// The line about a photo, from all references to it.
fn photograph(references: &[&PhotoReference]) -> Option<String> {
    let first = references.first()?;
    let places = references.iter();
    let places: Vec<String> = places
        .map(|place| format!("{}, no. {}", place.group, place.number))
        .collect();
    let caption = match words::line(&first.caption) {
        caption if caption.is_empty() => String::new(),
        caption => format!(": {caption}"),
    };
    let (photo, places) = (first.photo, places.join("; "));
    Some(format!("Photo {photo} ({places}){caption}"))
}
