//! What the report has to say, point by point, in the engineer's order: one finding for each photo of a group and
//! for each note. Where the model has nothing usable, the engineer's own words stand.

#[cfg(test)]
mod tests;

use super::batch::{Passage, Point};
use super::grouping::{self, GENERAL};
use super::visit::{Group, Note, Photo, Placement, Visit};
use crate::report::{Kind, Source, Warning, WarningCode};
use crate::words;

/// Stands for a photo about which nobody said anything.
const NO_WORDS: &str = "Photograph without a description.";

/// One point of the report, before it has a number.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// `o1`, `o2`, … in this order.
    pub id: String,
    /// The engineer's group; `None` for what has none.
    pub group: Option<String>,
    /// A few words; may be empty.
    pub title: String,
    /// What was seen.
    pub text: String,
    /// Its nature; with [`Kind::Action`] the text is what has to be done, and `actions` repeats it.
    pub kind: Kind,
    /// Whose words `text` is.
    pub source: Source,
    /// What somebody has to do about it.
    pub actions: Vec<String>,
    /// The specification it is about, by its place in the visit.
    pub spec: Option<usize>,
    /// What it is about.
    pub about: About,
}

/// What a finding is about, by its place in the visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// A photo, with its number in the group.
    Photo(Placement),
    /// A line of the notes.
    Note(usize),
}

/// Collects the findings, with a warning for each photo or note that nothing usable was written about.
pub fn collect(visit: &Visit, passages: &[Passage]) -> (Vec<Finding>, Vec<Warning>) {
    let mut findings = Vec::new();
    for (group, about) in order(visit) {
        let finding = match about {
            About::Photo(placed) => about_photo(visit, passages, placed),
            About::Note(index) => match about_note(visit, passages, index) {
                Some(finding) => finding,
                None => continue,
            },
        };
        findings.push(Finding {
            id: format!("o{}", findings.len() + 1),
            group: (group != GENERAL).then(|| group.to_owned()),
            ..finding
        });
    }
    (findings, warnings(visit, passages))
}

/// Everything there is to say something about, in the engineer's order. Notes belong to no group: they begin the
/// general part.
fn order(visit: &Visit) -> Vec<(&str, About)> {
    let notes = (0..visit.notes.len()).map(|index| (GENERAL, About::Note(index)));
    let (general, groups): (Vec<&Group>, Vec<&Group>) =
        visit.groups.iter().partition(|group| group.name == GENERAL);
    let mut order: Vec<(&str, About)> = Vec::new();
    for group in groups {
        order.extend(photos(group));
    }
    order.extend(notes);
    order.extend(general.into_iter().flat_map(photos));
    grouping::ordered(order, &visit.group_order, |(name, _)| name)
}

fn photos(group: &Group) -> impl Iterator<Item = (&str, About)> {
    let photos = group.photos.iter();
    photos.map(|placed| (group.name.as_str(), About::Photo(*placed)))
}

fn about_photo(visit: &Visit, passages: &[Passage], placed: Placement) -> Finding {
    let photo = &visit.photos[placed.photo];
    let about = About::Photo(placed);
    match find(passages, &photo.alias) {
        Some(passage) => from_model(visit, passage, &photo.description, about),
        None => own_words(&photo.description, kind_of_tag(photo), about),
    }
}

/// `None` for a note that only says how to write the rest; where there is no rest, every note counts.
fn about_note(visit: &Visit, passages: &[Passage], index: usize) -> Option<Finding> {
    let note = &visit.notes[index];
    let about = About::Note(index);
    match find(passages, &note.alias) {
        Some(passage) if is_instruction(passage) => {
            let is_all = visit.photos.is_empty();
            is_all.then(|| own_words(&note.text, Kind::Observation, about))
        }
        Some(passage) => Some(from_model(visit, passage, "", about)),
        None => Some(own_words(&note.text, Kind::Observation, about)),
    }
}

fn find<'a>(passages: &'a [Passage], alias: &str) -> Option<&'a Passage> {
    passages.iter().find(|passage| passage.alias == alias)
}

fn is_instruction(passage: &Passage) -> bool {
    passage.points.is_empty()
}

fn from_model(visit: &Visit, passage: &Passage, description: &str, about: About) -> Finding {
    let (actions, statements): (Vec<&Point>, Vec<&Point>) = passage
        .points
        .iter()
        .partition(|point| point.kind == Kind::Action);
    let texts = |points: &[&Point]| -> Vec<String> {
        points.iter().map(|point| sentence(&point.text)).collect()
    };
    let actions = texts(&actions);
    let (text, source, kind) = match (gravest(&statements), description.is_empty()) {
        (Some(kind), _) => (texts(&statements).join(" "), Source::Model, kind),
        (None, false) => (
            sentence(&words::line(description)),
            Source::Input,
            Kind::Deficiency,
        ),
        (None, true) => (actions.join(" "), Source::Model, Kind::Action),
    };
    let cited = passage
        .points
        .iter()
        .find_map(|point| point.spec.as_deref());
    let mut clauses = visit.specifications.iter();
    Finding {
        id: String::new(),
        group: None,
        title: passage.title.clone(),
        text,
        kind,
        source,
        actions,
        spec: cited.and_then(|alias| clauses.position(|clause| clause.alias == alias)),
        about,
    }
}

fn gravest(statements: &[&Point]) -> Option<Kind> {
    let is_any = |kind: &Kind| statements.iter().any(|point| point.kind == *kind);
    [Kind::Deficiency, Kind::Observation, Kind::Verify]
        .into_iter()
        .find(is_any)
}

fn own_words(text: &str, kind: Kind, about: About) -> Finding {
    let text = match words::line(text) {
        text if text.is_empty() => NO_WORDS.to_owned(),
        text => sentence(&text),
    };
    Finding {
        id: String::new(),
        group: None,
        title: String::new(),
        text,
        kind,
        source: Source::Input,
        actions: Vec::new(),
        spec: None,
        about,
    }
}

fn kind_of_tag(photo: &Photo) -> Kind {
    let grave = ["deficiency", "critical", "safety"];
    match grave.iter().any(|tag| photo.tag.eq_ignore_ascii_case(tag)) {
        true => Kind::Deficiency,
        false => Kind::Observation,
    }
}

/// Words that stand between other sentences need an end.
fn sentence(text: &str) -> String {
    match words::is_ended(text) {
        true => text.to_owned(),
        false => format!("{text}."),
    }
}

fn warnings(visit: &Visit, passages: &[Passage]) -> Vec<Warning> {
    let has_none = |alias: &String| find(passages, alias).is_none();
    let is_left_out = |note: &&Note| {
        let passage = find(passages, &note.alias);
        passage.is_some_and(is_instruction) && !visit.photos.is_empty()
    };
    let photos = visit.photos.iter().filter(|photo| has_none(&photo.alias));
    let own_words = visit.notes.iter().filter(|note| has_none(&note.alias));
    let left_out = visit.notes.iter().filter(is_left_out);
    let about_photos = photos.map(|photo| {
        let message = match photo.description.is_empty() {
            true => "nothing usable was written about the photo, and it has no description",
            false => "nothing usable was written about the photo; its description stands as it is",
        };
        Warning::about(WarningCode::OwnWords, &photo.id, message)
    });
    let about_notes = own_words.map(|note| {
        let what = "stands as it was written: nothing usable was made of it";
        Warning::new(
            WarningCode::OwnWords,
            format!("note {} {what}", note.number),
        )
    });
    let about_instructions = left_out.map(|note| {
        let what = "was taken for an instruction and is not in the text";
        Warning::new(
            WarningCode::NoteNotInText,
            format!("note {} {what}", note.number),
        )
    });
    about_photos
        .chain(about_notes)
        .chain(about_instructions)
        .collect()
}
