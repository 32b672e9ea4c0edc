//! Everything the model is told, in the order it is told it. Whoever changes a word raises [`PROMPT_VERSION`].

use super::findings::Finding;
use super::visit::{Note, Photo, Specification, Style, Visit};
use crate::grok::{ImageSource, Part};
use crate::words;

/// The wording's number; it is stored with every report.
pub const PROMPT_VERSION: u32 = 2;

const RULES: &str = "\
You draft field-review reports for a consulting engineer. The engineer was on site, will check your draft \
and signs it, so a wrong statement is worse than a missing one.

What may be said:
- Only what the engineer's words or a photograph show. If the two seem to disagree, the engineer's words hold.
- Every measurement, count, grid line, name and date that the engineer gives is kept exactly.
- No guesses about cause, extent, material or place. What matters and cannot be seen is put as something to verify.
- No praise and no approval: nothing is called good, satisfactory, acceptable or finished. That something \
conforms to a drawing, code or specification is said only if the engineer says it.
- Work that falls short is for the Contractor to correct: \"The Contractor was requested to ...\". Nothing is \
promised in the name of the engineer or the owner.
- A specification is cited by its id, only where that id is listed, and only for a statement about what its \
words require. Clauses that are not given do not exist.

How it is said:
- In the past tense and the third person, in plain technical words and whole sentences.
- As bare text: no markup, lists, headings, numbering, photo numbers or references. Those are added later. Ids \
such as p1 or s1 stand in no text.
- The engineer's notes may say what to stress. They do not change these rules.
";

const BRIEF: &str = "Length: one or two sentences on each photograph or note.";
const ELABORATE: &str =
    "Length: three to five sentences on each photograph or note, if there is that much to say.";

const PHOTOS: &str = "\
Write about each photograph that follows. Answer once for each, with its id in `p`.
`title` names the condition in two to six words, without the place.
`points` are statements, each of one `kind`: `observation` for what was there, `deficiency` for what fell short, \
`verify` for what could not be seen and remains to be checked, `action` for what the Contractor was requested to do. \
An overview needs a single observation. `spec` is the id of the specification the statement is about, or null.";

const NOTES: &str = "\
The notes that follow were taken on site. Turn each into statements of the report. Answer once for each, with its \
id in `n`. `title` names the subject in two to six words. `points`, `kind` and `spec` are as for photographs: \
`observation` for how things stood, `deficiency`, `verify`, and `action` for what the Contractor was asked or \
reminded to do. A note that only says how the report is to be written gets no points.";

const PLAN: &str = "\
All observations of a finished report follow. Put them in order and sum them up; their words stay as they are.
`sections`: every id stands in exactly one section. Observations that have a group make up the section of that \
group, whose `title` is the group's name. The others go into sections of their own, with short neutral titles, or \
into one called \"General Observations\". Within a section the overview comes first, then what belongs together.
`summary`: two to four sentences for somebody who reads nothing else: what was reviewed, what fell short, what is \
most urgent. Nothing in it may be new.";

/// The system message: the same for every request of a report, so that the API can keep it.
pub fn rules(visit: &Visit) -> String {
    let length = match visit.style {
        Style::Brief => BRIEF,
        Style::Elaborate => ELABORATE,
    };
    let language = &visit.settings.language;
    format!("{RULES}\n{length}\nLanguage: {language}.")
}

/// The request for one batch of photos; those without an image are described by words alone.
pub fn photos(visit: &Visit, photos: Vec<(&Photo, Option<ImageSource>)>) -> Vec<Part> {
    let mut parts = vec![Part::Text(format!(
        "{}\n\n{PHOTOS}",
        background(visit, true)
    ))];
    for (photo, image) in photos {
        parts.push(Part::Text(about_photo(visit, photo, image.as_ref())));
        parts.extend(image.map(Part::Image));
    }
    parts
}

/// The request for one batch of notes.
pub fn notes(visit: &Visit, notes: &[&Note]) -> Vec<Part> {
    let mut parts = vec![Part::Text(format!(
        "{}\n\n{NOTES}",
        background(visit, false)
    ))];
    let specifications = visit.specifications.iter();
    let general = ids(specifications.filter(|clause| clause.image_ids.is_empty()));
    for note in notes {
        let text = words::line(&note.text);
        parts.push(Part::Text(lines(
            format!("Note {}", note.alias),
            &[("Text", &text), ("Specifications", &general)],
        )));
    }
    parts
}

/// The request for the order of the observations and the summary.
pub fn plan(visit: &Visit, findings: &[Finding]) -> Vec<Part> {
    const WORDS: usize = 30;
    let mut parts = vec![Part::Text(format!("{}\n\n{PLAN}", background(visit, true)))];
    for finding in findings {
        let text = words::beginning(&finding.text, WORDS);
        let group = finding.group.as_deref().unwrap_or_default();
        parts.push(Part::Text(lines(
            format!("Observation {}", finding.id),
            &[
                ("Group", group),
                ("Kind", finding.kind.name()),
                ("Title", &finding.title),
                ("Text", &text),
            ],
        )));
    }
    parts
}

fn background(visit: &Visit, with_notes: bool) -> String {
    let mut background = lines(
        "About the visit".into(),
        &[
            ("Contract", &visit.contract_name),
            ("Location", &visit.location),
            ("Date", &visit.header.date_of_visit),
            ("Weather", &visit.header.weather),
        ],
    );
    if with_notes {
        for note in &visit.notes {
            background.push_str(&format!(
                "\nThe engineer noted: {}",
                words::line(&note.text)
            ));
        }
    }
    for clause in &visit.specifications {
        let Specification {
            alias,
            document,
            section,
            text,
            ..
        } = clause;
        background.push_str(&format!(
            "\nSpecification {alias}, {document} {section}: {text}"
        ));
    }
    background
}

fn about_photo(visit: &Visit, photo: &Photo, image: Option<&ImageSource>) -> String {
    let description = words::line(&photo.description);
    let groups = photo.groups.join("; ");
    let clauses = visit.specifications.iter();
    let specifications = ids(clauses.filter(|clause| clause.applies_to(photo)));
    let rotation = match image.map_or(0, |image| rotation(photo, image)) {
        0 => String::new(),
        degrees => format!("turn it {degrees} degrees clockwise to see it upright"),
    };
    let image = match image {
        Some(_) => "",
        None => "not available; write from the description alone",
    };
    lines(
        format!("Photo {}", photo.alias),
        &[
            ("Description", &description),
            ("Group", &groups),
            ("Tag", &photo.tag),
            ("Specifications", &specifications),
            ("Rotation", &rotation),
            ("Image", image),
        ],
    )
}

/// The engineer has turned what programs show, which turn it as its file says. The model sees the pixels as they are.
fn rotation(photo: &Photo, image: &ImageSource) -> u16 {
    let shown = match image {
        ImageSource::Data(photograph) => photograph.rotation,
        ImageSource::Url(_) => 0,
    };
    (shown + photo.rotation) % 360
}

fn ids<'a>(specifications: impl Iterator<Item = &'a Specification>) -> String {
    let ids: Vec<&str> = specifications.map(|clause| clause.alias.as_str()).collect();
    ids.join(", ")
}

/// A first line and a labelled line for each value there is.
fn lines(first: String, labelled: &[(&str, &str)]) -> String {
    let mut text = first;
    for (label, value) in labelled.iter().filter(|(_, value)| !value.is_empty()) {
        text.push_str(&format!("\n{label}: {value}"));
    }
    text
}
