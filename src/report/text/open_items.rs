//! What has to be done, at the end of a report: what exactly stands with the observations.

use crate::report::{Kind, OPEN, Observation, RESPONSIBLE, Report};
use crate::words;

/// Enough to find the observation again.
const WORDS_OF_AN_ITEM: usize = 12;

struct OpenItem<'a> {
    /// The observations it stands with: several for a photo in several groups.
    numbers: Vec<&'a str>,
    photo: Option<u32>,
    what: String,
    /// Who has to act, and whether that was done.
    standing: (&'a str, &'a str),
}

/// One line for each deficiency and for everything else that calls for action.
pub(super) fn open_items(report: &Report) -> Vec<String> {
    let mut items: Vec<OpenItem> = Vec::new();
    let sections = report.sections.iter();
    for observation in sections.flat_map(|section| &section.observations) {
        let Some(item) = item(observation, report) else {
            continue;
        };
        let is_same = |known: &&mut OpenItem| {
            known.photo.is_some() && known.photo == item.photo && known.what == item.what
        };
        match items.iter_mut().find(is_same) {
            Some(known) => known.numbers.extend(item.numbers),
            None => items.push(item),
        }
    }
    items.iter().map(OpenItem::line).collect()
}

fn item<'a>(observation: &'a Observation, report: &'a Report) -> Option<OpenItem<'a>> {
    let mut actions = report.actions.iter();
    let action = actions.find(|action| action.observation == observation.number);
    let (text, standing) = match action {
        Some(action) => (
            &action.text,
            (action.responsible.as_str(), action.status.as_str()),
        ),
        None if observation.kind == Kind::Deficiency => (&observation.text, (RESPONSIBLE, OPEN)),
        None => return None,
    };
    Some(OpenItem {
        numbers: vec![&observation.number],
        photo: observation.images.first().map(|image| image.photo),
        what: match observation.title.as_str() {
            "" => words::beginning(text, WORDS_OF_AN_ITEM),
            title => title.to_owned(),
        },
        standing,
    })
}

impl OpenItem<'_> {
    fn line(&self) -> String {
        let (responsible, status) = self.standing;
        let numbers = self.numbers.join(", ");
        format!("{numbers} {} ({responsible}, {status})", self.what)
    }
}
