//! The finished report: findings in their order, with everything that only code makes.

#[cfg(test)]
mod tests;

use super::draft::Draft;
use super::findings::{About, Finding};
use super::formatting::Layout;
use super::grouping::GENERAL;
use super::plan::OutlineSection;
use super::prompt::PROMPT_VERSION;
use super::visit::{Placement, Visit};
use crate::grok::Spending;
use crate::job::Job;
use crate::report::{
    Action, Citation, OPEN, Observation, PhotoReference, RESPONSIBLE, Report, ReportNote,
    ReportPhoto, Schema, Section, Source, Stats, Status, text,
};

const PARTIAL: (Status, &str) = (
    Status::Partial,
    "Report generated in part: it reached its cost limit",
);

/// Puts a report together. Until it is numbered, observations go by their ids and photos by their places in the visit.
pub fn assemble(
    visit: &Visit,
    draft: &Draft,
    findings: &[Finding],
    layout: Layout,
    spending: &Spending,
    job: &Job,
) -> Report {
    let (status, message) = outcome(draft, findings, &layout);
    let sections = layout.outline.sections.iter();
    let mut report = Report {
        schema: Schema::First,
        success: true,
        message: message.into(),
        report_id: visit.report_id,
        status,
        stats: stats(visit, draft, &layout, spending, job),
        sections: sections
            .map(|outline| section(visit, findings, outline))
            .collect(),
        actions: findings.iter().flat_map(actions).collect(),
        notes: notes(visit, findings),
        photos: photos(visit, draft),
        formatting: layout.formatting,
        header: visit.header.clone(),
        summary: layout.outline.summary,
        text: String::new(),
        warnings: draft.warnings.clone(),
    };
    report.number();
    report.text = text::render(&visit.contract_name, &visit.location, &report);
    report
}

/// How the report came out, and the sentence that says so.
fn outcome(draft: &Draft, findings: &[Finding], layout: &Layout) -> (Status, &'static str) {
    let has_own_words_alone = findings
        .iter()
        .all(|finding| finding.source == Source::Input);
    match layout.status {
        _ if draft.unasked > 0 => PARTIAL,
        Status::Partial => PARTIAL,
        _ if has_own_words_alone => (
            Status::Degraded,
            "Report generated from the engineer's own words alone",
        ),
        Status::Degraded => (Status::Degraded, "Report generated with partial formatting"),
        Status::Complete => (Status::Complete, "Report generated successfully"),
    }
}

fn section(visit: &Visit, findings: &[Finding], outline: &OutlineSection) -> Section {
    let findings = outline.findings.iter().map(|place| &findings[*place]);
    Section {
        id: String::new(),
        number: String::new(),
        title: outline.title.clone(),
        observations: findings
            .map(|finding| observation(visit, finding))
            .collect(),
    }
}

fn observation(visit: &Visit, finding: &Finding) -> Observation {
    let (tag, images) = match finding.about {
        About::Note(_) => (String::new(), Vec::new()),
        About::Photo(placement) => (
            visit.photos[placement.photo].tag.clone(),
            vec![reference(visit, finding, placement)],
        ),
    };
    Observation {
        id: finding.id.clone(),
        number: finding.id.clone(),
        title: finding.title.clone(),
        text: finding.text.clone(),
        kind: finding.kind,
        tag,
        source: finding.source,
        spec: finding.spec.map(|place| citation(visit, place)),
        images,
    }
}

fn reference(
    visit: &Visit,
    finding: &Finding,
    Placement { photo, number }: Placement,
) -> PhotoReference {
    PhotoReference {
        image_id: visit.photos[photo].id.clone(),
        photo: photo as u32,
        group: finding.group.clone().unwrap_or_else(|| GENERAL.into()),
        number,
        caption: visit.photos[photo].description.clone(),
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

fn actions(finding: &Finding) -> impl Iterator<Item = Action> {
    finding.actions.iter().map(|text| Action {
        observation: finding.id.clone(),
        text: text.clone(),
        responsible: RESPONSIBLE.into(),
        status: OPEN.into(),
    })
}

fn notes(visit: &Visit, findings: &[Finding]) -> Vec<ReportNote> {
    let notes = visit.notes.iter().enumerate().map(|(place, note)| {
        let mut findings = findings.iter();
        let finding = findings.find(|finding| finding.about == About::Note(place));
        ReportNote {
            text: note.text.clone(),
            observation: finding.map(|finding| finding.id.clone()),
        }
    });
    notes.collect()
}

fn photos(visit: &Visit, draft: &Draft) -> Vec<ReportPhoto> {
    let photos = visit.photos.iter().zip(0..).map(|(photo, place)| {
        let seen = draft.seen.iter().find(|seen| seen.alias == photo.alias);
        let (bucket, path) = photo.stored.clone().unzip();
        ReportPhoto {
            photo: place,
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

fn stats(visit: &Visit, draft: &Draft, layout: &Layout, spending: &Spending, job: &Job) -> Stats {
    let usage = spending.usage();
    Stats {
        images: visit.photos.len(),
        batches: draft.batches,
        calls: usage.calls,
        reused_steps: job.steps.len(),
        reused_answers: spending.reused_answers(),
        retries: draft.repeats + layout.repeats,
        duplicate_risk: spending.duplicate_risk(),
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
