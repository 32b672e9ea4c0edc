//! What stands before the body and at its end: title, facts, areas, summary, lines to sign on.

use document_kernel::order::{Block, Fact};

use super::blocks::{listed, text};
use super::labels::Labels;
use super::words;
use crate::handlers::export_document::input::DocumentStatus;
use crate::handlers::export_document::plan::Template;
use crate::report::{Header, Report};

/// What the first line of a report's text begins with.
const HEAD: &str = "FIELD REVIEW REPORT";

/// What the document is called.
pub(super) fn name(report: &Report, labels: &Labels) -> String {
    let number = words::line(&report.header.report_no);
    joined(&[labels.title, &number], " ")
}

/// The name, and what the report is about: its contract and location, which are in its text only.
pub(super) fn title(report: &Report, name: &str) -> Vec<String> {
    let mut head = report.text.lines().take_while(|line| !line.is_empty());
    let is_known = head.next().is_some_and(|line| line.starts_with(HEAD));
    let lines = head.take(2).filter(|_| is_known);
    let lines = lines.map(words::line).filter(|line| !line.is_empty());
    std::iter::once(name.to_owned()).chain(lines).collect()
}

/// Everything before the first section.
pub(super) fn blocks(report: &Report, template: &Template, labels: &Labels) -> Vec<Block> {
    let mut blocks = Vec::new();
    let facts = facts(&report.header, template.status, labels);
    if !facts.is_empty() {
        blocks.push(Block::Facts(facts));
    }
    text(&mut blocks, labels.intent, &template.intent);
    let items = |lines: &[String]| lines.iter().map(|line| words::text(line)).collect();
    let header = &report.header;
    listed(
        &mut blocks,
        labels.areas_reviewed,
        items(&header.areas_reviewed),
    );
    listed(
        &mut blocks,
        labels.areas_not_reviewed,
        items(&header.areas_not_reviewed),
    );
    listed(&mut blocks, labels.summary, items(&report.summary));
    blocks
}

/// Where somebody signs, by what stands below the line.
pub(super) fn signatures(report: &Report, template: &Template, labels: &Labels) -> Vec<String> {
    let header = &report.header;
    let reviewed = match template.status {
        DocumentStatus::Draft => labels.to_be_reviewed_by,
        DocumentStatus::Issued => labels.reviewed_by,
    };
    let named = [
        (labels.prepared_by, &header.prepared_by),
        (reviewed, &header.reviewed_by),
    ];
    let named = named.map(|(label, name)| (label, words::line(name)));
    let named = named.into_iter().filter(|(_, name)| !name.is_empty());
    let lines = named.map(|(label, name)| format!("{label}: {name} – {}", labels.signature));
    let lines: Vec<String> = lines.collect();
    match lines.is_empty() {
        true => vec![labels.signature.into()],
        false => lines,
    }
}

fn facts(header: &Header, status: DocumentStatus, labels: &Labels) -> Vec<Fact> {
    let attendees = header.attendees.iter();
    let attendees = attendees.map(|person| match person.company.as_str() {
        "" => person.name.clone(),
        company => format!("{} ({company})", person.name),
    });
    let attendees: Vec<String> = attendees.collect();
    let (stands, reviewed) = match status {
        DocumentStatus::Draft => (labels.draft_status, labels.to_be_reviewed_by),
        DocumentStatus::Issued => (labels.issued_status, labels.reviewed_by),
    };
    let facts = [
        (labels.status, stands.to_owned()),
        (
            labels.date_of_visit,
            joined(&[&header.date_of_visit, &header.time_of_visit], ", "),
        ),
        (
            labels.weather,
            joined(&[&header.weather, &header.temperature], ", "),
        ),
        (labels.permit_no, header.permit_no.clone()),
        (labels.client, header.client.clone()),
        (labels.contractor, header.contractor.clone()),
        (labels.crew_size, header.crew_size.clone()),
        (labels.attendees, attendees.join("\n")),
        (labels.prepared_by, header.prepared_by.clone()),
        (reviewed, header.reviewed_by.clone()),
    ];
    let facts = facts.into_iter().map(|(name, value)| Fact {
        name: name.into(),
        value: words::text(&value),
    });
    let is_given = |fact: &Fact| fact.value.iter().any(|span| !span.text.is_empty());
    facts.filter(is_given).collect()
}

fn joined(parts: &[&str], between: &str) -> String {
    let given = parts.iter().filter(|part| !part.is_empty());
    given.copied().collect::<Vec<_>>().join(between)
}
