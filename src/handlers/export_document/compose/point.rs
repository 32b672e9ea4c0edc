//! A numbered point: what was seen, the clause it is about, what has to be done, its photographs.

use document_kernel::order::{Point, Text};

use super::labels::Labels;
use super::shown::ShownPhotos;
use super::words;
use crate::handlers::export_document::input::PhotoLayout;
use crate::report::{Kind, Observation, Report};

/// The point that an observation becomes.
pub(super) fn point(
    observation: &Observation,
    report: &Report,
    labels: &Labels,
    shown: &mut ShownPhotos,
    layout: PhotoLayout,
) -> Point {
    let mut first = shown.text(&observation.text);
    if let Some(clause) = clause(observation) {
        first.extend(words::linked(&format!(" ({clause})")));
    }
    first.extend(shown.links(&observation.images));
    let photos = match layout {
        PhotoLayout::Below => shown.take(&observation.images),
        PhotoLayout::Appendix => Vec::new(),
    };
    let mut paragraphs = vec![first];
    paragraphs.extend(actions(observation, report, labels, shown));
    Point {
        number: words::line(&observation.number),
        paragraphs,
        photos,
    }
}

fn clause(observation: &Observation) -> Option<String> {
    let spec = observation.spec.as_ref()?;
    let parts = [&spec.document, &spec.section].map(|part| words::line(part));
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// Where the text itself says what has to be done, once is enough.
fn actions(
    observation: &Observation,
    report: &Report,
    labels: &Labels,
    shown: &ShownPhotos,
) -> Vec<Text> {
    if observation.kind == Kind::Action {
        return Vec::new();
    }
    let actions = report.actions.iter();
    let actions = actions.filter(|action| action.observation == observation.number);
    actions
        .map(|action| shown.text(&format!("{} {}", labels.action, action.text)))
        .collect()
}
