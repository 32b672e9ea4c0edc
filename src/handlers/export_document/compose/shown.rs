//! The photographs of a document: their places, which were shown already, and the tags that stand for them in texts.

use document_kernel::order::{Link, Photo, PhotoFile, Span, Text};

use super::labels::Labels;
use super::words::{self, TAG};
use crate::handlers::export_document::photos::PreparedPhoto;
use crate::report::{PhotoReference, Report};

/// A report's photographs in its order.
pub(super) struct ShownPhotos<'a> {
    labels: &'static Labels,
    photos: Vec<(u32, Option<&'a PhotoReference>)>,
    references: Vec<&'a PhotoReference>,
    is_shown: Vec<bool>,
}

impl<'a> ShownPhotos<'a> {
    pub(super) fn of(report: &'a Report, labels: &'static Labels) -> Self {
        let sections = report.sections.iter();
        let observations = sections.flat_map(|section| &section.observations);
        let references: Vec<_> = observations
            .flat_map(|observation| &observation.images)
            .collect();
        let photos = report.photos.iter().map(|photo| {
            let mut references = references.iter().copied();
            let reference = references.find(|reference| reference.photo == photo.photo);
            (photo.photo, reference)
        });
        Self {
            labels,
            photos: photos.collect(),
            is_shown: vec![false; report.photos.len()],
            references,
        }
    }

    /// Links to the photographs of a point: `(Photo 1, Photo 2)`.
    pub(super) fn links(&self, references: &[PhotoReference]) -> Text {
        let mut spans: Text = Vec::new();
        for reference in references {
            let between = if spans.is_empty() { " (" } else { ", " };
            spans.push(span(between.into()));
            spans.push(self.link(reference.photo));
        }
        if !spans.is_empty() {
            spans.push(span(")".into()));
        }
        spans
    }

    /// A link to a photograph by its number; its words alone if there is none.
    pub(super) fn link(&self, number: u32) -> Span {
        let text = self.label(number);
        let place = self.place(number);
        let link = place.map(Link::Photo);
        Span { text, link }
    }

    /// The places of photographs that are to be shown here, because they were not before.
    pub(super) fn take(&mut self, references: &[PhotoReference]) -> Vec<usize> {
        let places = references
            .iter()
            .filter_map(|reference| self.place(reference.photo));
        let places: Vec<usize> = places.collect();
        let fresh = places.into_iter().filter(|place| {
            let shown = self.is_shown.get_mut(*place);
            shown.is_some_and(|shown| !std::mem::replace(shown, true))
        });
        fresh.collect()
    }

    /// The places of those that were not shown.
    pub(super) fn left(&self) -> Vec<usize> {
        let places = self.is_shown.iter().enumerate();
        let left = places.filter(|(_, is_shown)| !**is_shown);
        left.map(|(place, _)| place).collect()
    }

    /// All places.
    pub(super) fn all(&self) -> Vec<usize> {
        (0..self.photos.len()).collect()
    }

    /// A text in which tags have become links.
    pub(super) fn text(&self, text: &str) -> Text {
        let lines = words::lines(text);
        let (mut spans, mut rest) = (Vec::new(), lines.as_str());
        while let Some((before, from)) = rest.find(TAG).and_then(|at| rest.split_at_checked(at)) {
            let (tag, behind) = self.tag(from);
            spans.extend(words::linked(match tag {
                Some(_) => before,
                None => before.trim_end_matches(' '),
            }));
            spans.extend(tag);
            rest = behind;
        }
        spans.extend(words::linked(rest));
        spans.retain(|span: &Span| !span.text.is_empty());
        spans
    }

    /// What the tag that a text begins with stands for, and the text behind it.
    fn tag<'b>(&self, text: &'b str) -> (Option<Span>, &'b str) {
        for reference in &self.references {
            // A group's name may hold brackets itself.
            let tag = format!(
                "{TAG}{}:{}]",
                reference.number,
                words::line(&reference.group)
            );
            if let Some(behind) = text.strip_prefix(&tag) {
                return (Some(self.link(reference.photo)), behind);
            }
        }
        let behind = text.strip_prefix(TAG).unwrap_or_default();
        (None, words::behind_tag(behind))
    }

    /// The photographs themselves.
    pub(super) fn photos(&self, prepared: &[PreparedPhoto]) -> Vec<Photo> {
        let photos = self.photos.iter().enumerate();
        let photos = photos.map(|(place, (number, reference))| {
            let label = self.label(*number);
            let made = prepared.get(place).and_then(|photo| photo.as_ref().ok());
            Photo {
                missing: self.labels.missing.replace("{}", &label),
                caption: reference.map_or_else(String::new, |photo| self.caption(photo)),
                label,
                file: made.map(|made| PhotoFile {
                    bytes: made.bytes(),
                    width: made.width,
                    height: made.height,
                }),
            }
        });
        photos.collect()
    }

    fn caption(&self, reference: &PhotoReference) -> String {
        let spans = self.text(&reference.caption);
        let words: String = spans.iter().map(|span| span.text.as_str()).collect();
        words::line(&words)
    }

    fn label(&self, number: u32) -> String {
        format!("{} {number}", self.labels.photo)
    }

    fn place(&self, number: u32) -> Option<usize> {
        self.photos.iter().position(|(photo, _)| *photo == number)
    }
}

fn span(text: String) -> Span {
    Span { text, link: None }
}
