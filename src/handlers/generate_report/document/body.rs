//! Sections, actions, notes and photos, numbered as they stand in the report.

use crate::handlers::generate_report::draft::Draft;
use crate::handlers::generate_report::findings::{About, Finding};
use crate::handlers::generate_report::grouping::GENERAL;
use crate::handlers::generate_report::plan::OutlinedSection;
use crate::handlers::generate_report::visit::{Placement, Visit};
use crate::report::{
    Action, Citation, Note, OPEN, Observation, Photo, PhotoReference, RESPONSIBLE, Section,
};

/// The numbered parts of a report.
#[derive(Default)]
pub(super) struct Body {
    pub(super) sections: Vec<Section>,
    pub(super) actions: Vec<Action>,
    /// Places of notes, and the numbers of their observations.
    notes: Vec<(usize, String)>,
    /// Places of photos in the order the report first speaks of them, which is how they are numbered.
    photos: Vec<usize>,
}

impl Body {
    /// Numbers everything.
    pub(super) fn of(visit: &Visit, findings: &[Finding], outline: Vec<OutlinedSection>) -> Self {
        let mut body = Self::default();
        for (section, outlined) in (1..).zip(outline) {
            let mut observations = Vec::new();
            for (point, place) in (1..).zip(outlined.findings) {
                let number = format!("{section}.{point}");
                observations.push(body.observation(visit, &findings[place], number));
            }
            body.sections.push(Section {
                id: format!("section-{section}"),
                number: format!("{section}."),
                title: outlined.title,
                observations,
            });
        }
        body
    }

    fn observation(&mut self, visit: &Visit, finding: &Finding, number: String) -> Observation {
        self.actions
            .extend(finding.actions.iter().map(|text| Action {
                observation: number.clone(),
                text: text.clone(),
                responsible: RESPONSIBLE,
                status: OPEN,
            }));
        let (tag, images) = match finding.about {
            About::Note(note) => {
                self.notes.push((note, number.clone()));
                (String::new(), Vec::new())
            }
            About::Photo(placed) => {
                let tag = visit.photos[placed.photo].tag.clone();
                (tag, vec![self.reference(visit, finding, placed)])
            }
        };
        Observation {
            id: finding.id.clone(),
            number,
            title: finding.title.clone(),
            text: finding.text.clone(),
            kind: finding.kind,
            tag,
            source: finding.source,
            spec: finding.spec.map(|place| citation(visit, place)),
            images,
        }
    }

    fn reference(&mut self, visit: &Visit, finding: &Finding, placed: Placement) -> PhotoReference {
        let known = self.photos.iter().position(|known| *known == placed.photo);
        let place = known.unwrap_or_else(|| {
            self.photos.push(placed.photo);
            self.photos.len() - 1
        });
        let photo = &visit.photos[placed.photo];
        PhotoReference {
            image_id: photo.id.clone(),
            photo: place as u32 + 1,
            group: finding.group.clone().unwrap_or_else(|| GENERAL.into()),
            number: placed.number,
            caption: photo.description.clone(),
        }
    }

    /// The notes in the engineer's order.
    pub(super) fn notes(&self, visit: &Visit) -> Vec<Note> {
        let notes = visit.notes.iter().enumerate().map(|(place, note)| {
            let numbered = self.notes.iter().find(|(of, _)| *of == place);
            Note {
                text: note.text.clone(),
                observation: numbered.map(|(_, number)| number.clone()),
            }
        });
        notes.collect()
    }

    /// The photos by number.
    pub(super) fn photos(&self, visit: &Visit, draft: &Draft) -> Vec<Photo> {
        let photos = (1..).zip(&self.photos).map(|(number, place)| {
            let photo = &visit.photos[*place];
            let seen = draft.seen.iter().find(|seen| seen.alias == photo.alias);
            let (bucket, path) = photo.stored.clone().unzip();
            Photo {
                photo: number,
                image_id: photo.id.clone(),
                bucket,
                path,
                url: photo.url.clone(),
                w: seen.map(|seen| seen.size.w),
                h: seen.map(|seen| seen.size.h),
                rotation: photo.rotation,
            }
        });
        photos.collect()
    }
}

fn citation(visit: &Visit, place: usize) -> Citation {
    let clause = &visit.specifications[place];
    Citation {
        id: clause.id.clone(),
        document: clause.document.clone(),
        section: clause.section.clone(),
    }
}
