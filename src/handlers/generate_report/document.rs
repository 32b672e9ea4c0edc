//! The finished report: findings in their order, with the numbers and references that only code makes.

use super::draft::Draft;
use super::findings::{About, Finding};
use super::formatting::Formatted;
use super::grok::Usage;
use super::output::{
    Action, Citation, Note, Observation, Photo, PhotoReference, Report, SCHEMA, Section, Stats,
    Status,
};
use super::prompt::PROMPT_VERSION;
use super::text;
use super::visit::Visit;
use crate::job::Job;

/// Who has to act, unless somebody says otherwise.
const RESPONSIBLE: &str = "Contractor";
const OPEN: &str = "open";

/// Puts a report together.
pub fn assemble(
    visit: &Visit,
    draft: &Draft,
    findings: &[Finding],
    formatted: Formatted,
    job: &Job,
) -> Report {
    let mut photos = PhotoNumbers::default();
    let mut body = Body::default();
    for (index, section) in formatted.outline.sections.into_iter().enumerate() {
        let number = index + 1;
        let places = section.findings.iter().enumerate();
        let observations = places.map(|(at, place)| {
            let number = format!("{number}.{}", at + 1);
            body.add(visit, &findings[*place], number, &mut photos)
        });
        let observations = observations.collect();
        body.sections.push(Section {
            id: format!("section-{number}"),
            number: format!("{number}."),
            title: section.title,
            observations,
        });
    }
    let mut report = Report {
        schema: SCHEMA,
        success: true,
        message: message(formatted.status),
        report_id: visit.report_id,
        status: formatted.status,
        stats: stats(visit, draft, &formatted.usage, job),
        formatting: formatted.formatting,
        header: visit.header.clone(),
        summary: formatted.outline.summary,
        sections: body.sections,
        actions: body.actions,
        notes: notes(visit, &body.numbers_of_notes),
        photos: photos.list(visit, draft),
        text: String::new(),
        warnings: draft.warnings.clone(),
    };
    report.text = text::render(&visit.contract_name, &visit.location, &report);
    report
}

fn message(status: Status) -> &'static str {
    match status {
        Status::Complete => "Report generated successfully",
        Status::Degraded => "Report generated with partial formatting",
    }
}

/// What the sections are made of, while they are made.
#[derive(Default)]
struct Body {
    sections: Vec<Section>,
    actions: Vec<Action>,
    /// Place of a note, number of its observation.
    numbers_of_notes: Vec<(usize, String)>,
}

impl Body {
    fn add(
        &mut self,
        visit: &Visit,
        finding: &Finding,
        number: String,
        photos: &mut PhotoNumbers,
    ) -> Observation {
        self.actions
            .extend(finding.actions.iter().map(|text| Action {
                observation: number.clone(),
                text: text.clone(),
                responsible: RESPONSIBLE,
                status: OPEN,
            }));
        let (tag, images) = match finding.about {
            About::Note(note) => {
                self.numbers_of_notes.push((note, number.clone()));
                (String::new(), Vec::new())
            }
            About::Photo(placed) => {
                let photo = &visit.photos[placed.photo];
                let reference = PhotoReference {
                    image_id: photo.id.clone(),
                    photo: photos.number_of(placed.photo),
                    group: finding
                        .group
                        .clone()
                        .unwrap_or_else(|| super::grouping::GENERAL.into()),
                    number: placed.number,
                    caption: photo.description.clone(),
                };
                (photo.tag.clone(), vec![reference])
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
}

fn citation(visit: &Visit, place: usize) -> Citation {
    let clause = &visit.specifications[place];
    Citation {
        id: clause.id.clone(),
        document: clause.document.clone(),
        section: clause.section.clone(),
    }
}

fn notes(visit: &Visit, numbers: &[(usize, String)]) -> Vec<Note> {
    let notes = visit.notes.iter().enumerate();
    notes
        .map(|(place, note)| Note {
            text: note.text.clone(),
            observation: numbers
                .iter()
                .find(|(of, _)| *of == place)
                .map(|(_, number)| number.clone()),
        })
        .collect()
}

/// Numbers photos in the order the report first speaks of them.
#[derive(Default)]
struct PhotoNumbers(Vec<usize>);

impl PhotoNumbers {
    fn number_of(&mut self, photo: usize) -> u32 {
        let known = self.0.iter().position(|known| *known == photo);
        let place = known.unwrap_or_else(|| {
            self.0.push(photo);
            self.0.len() - 1
        });
        place as u32 + 1
    }

    fn list(&self, visit: &Visit, draft: &Draft) -> Vec<Photo> {
        let numbered = self.0.iter().zip(1..);
        let photo = |(place, number): (&usize, u32)| {
            let photo = &visit.photos[*place];
            let seen = draft.seen.iter().find(|seen| seen.alias == photo.alias);
            let size = seen.map(|seen| seen.size);
            let (bucket, path) = photo.stored.clone().unzip();
            Photo {
                photo: number,
                image_id: photo.id.clone(),
                bucket,
                path,
                url: photo.url.clone(),
                w: size.map(|size| size.w),
                h: size.map(|size| size.h),
                rotation: photo.rotation,
            }
        };
        numbered.map(photo).collect()
    }
}

fn stats(visit: &Visit, draft: &Draft, formatting: &Usage, job: &Job) -> Stats {
    let mut usage = draft.usage.clone();
    usage.add(formatting);
    Stats {
        images: visit.photos.len(),
        batches: draft.batches,
        calls: usage.calls,
        reused_steps: job.steps.len(),
        retries: draft.repeats + formatting.calls.saturating_sub(1),
        duplicate_risk: job.retry_count,
        prompt_tokens: usage.prompt_tokens,
        image_tokens: usage.image_tokens,
        cached_tokens: usage.cached_tokens,
        completion_tokens: usage.completion_tokens,
        reasoning_tokens: usage.reasoning_tokens,
        cost_usd: usage.cost_usd(),
        models: usage.models,
        prompt_version: PROMPT_VERSION,
    }
}
