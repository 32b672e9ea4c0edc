//! The table of what has to be done.

use document_kernel::order::{Column, Table, Text, plain};

use super::labels::Labels;
use super::shown::ShownPhotos;
use super::words;
use crate::report::{Action, Kind, OPEN, Observation, RESPONSIBLE, Report};

/// One row, as long as it may become one with others.
#[derive(PartialEq, Eq)]
struct OpenAction<'a> {
    numbers: Vec<&'a str>,
    photo: Option<u32>,
    text: &'a str,
    responsible: &'a str,
    status: &'a str,
}

/// A row for everything that calls for action; no table without any.
pub(super) fn table(report: &Report, labels: &Labels, shown: &ShownPhotos) -> Option<Table> {
    let mut rows: Vec<OpenAction> = Vec::new();
    for action in open_actions(report) {
        // A photograph in two groups is one thing to do.
        let is_same = |known: &&mut OpenAction| {
            known.photo.is_some() && known.photo == action.photo && known.text == action.text
        };
        match rows.iter_mut().find(is_same) {
            Some(known) => known.numbers.extend(action.numbers),
            None => rows.push(action),
        }
    }
    let names = [
        (labels.number, 10),
        (labels.what, 48),
        (labels.photo, 14),
        (labels.responsible, 17),
        (labels.status, 11),
    ];
    let columns = names.map(|(name, width)| Column {
        name: name.into(),
        width,
    });
    let rows: Vec<_> = rows.iter().map(|row| cells(row, labels, shown)).collect();
    (!rows.is_empty()).then(|| Table {
        columns: columns.into(),
        rows,
    })
}

fn cells(row: &OpenAction, labels: &Labels, shown: &ShownPhotos) -> Vec<Text> {
    let photo = row.photo.map(|photo| vec![shown.link(photo)]);
    vec![
        plain(words::line(&row.numbers.join(", "))),
        shown.text(row.text),
        photo.unwrap_or_default(),
        plain(labels.responsible_is(&words::line(row.responsible))),
        plain(labels.status_is(&words::line(row.status))),
    ]
}

fn open_actions(report: &Report) -> Vec<OpenAction<'_>> {
    let sections = report.sections.iter();
    let mut open: Vec<OpenAction> = Vec::new();
    for observation in sections.flat_map(|section| &section.observations) {
        let actions = report.actions.iter();
        let own = actions.filter(|action| action.observation == observation.number);
        let before = open.len();
        open.extend(own.map(|action| of_action(action, Some(observation))));
        if open.len() == before && observation.kind == Kind::Deficiency {
            open.push(of_deficiency(observation));
        }
    }
    let is_known = |number: &str| {
        let sections = report.sections.iter();
        let mut observations = sections.flat_map(|section| &section.observations);
        observations.any(|observation| observation.number == number)
    };
    let others = report.actions.iter();
    let others = others.filter(|action| !is_known(&action.observation));
    open.extend(others.map(|action| of_action(action, None)));
    open
}

fn of_action<'a>(action: &'a Action, observation: Option<&'a Observation>) -> OpenAction<'a> {
    OpenAction {
        numbers: vec![&action.observation],
        photo: observation.and_then(photo),
        text: &action.text,
        responsible: &action.responsible,
        status: &action.status,
    }
}

fn of_deficiency(observation: &Observation) -> OpenAction<'_> {
    let text = match observation.title.as_str() {
        "" => &observation.text,
        title => title,
    };
    OpenAction {
        numbers: vec![&observation.number],
        photo: photo(observation),
        text,
        responsible: RESPONSIBLE,
        status: OPEN,
    }
}

fn photo(observation: &Observation) -> Option<u32> {
    observation.images.first().map(|image| image.photo)
}
