//! The finished report: findings in their order, with the numbers and references that only code makes.

mod body;

use self::body::Body;
use super::draft::Draft;
use super::findings::Finding;
use super::formatting::Layout;
use super::output::{Report, SCHEMA, Stats, Status};
use super::prompt::PROMPT_VERSION;
use super::text;
use super::visit::Visit;
use crate::grok::Spending;
use crate::job::Job;

/// Puts a report together.
pub fn assemble(
    visit: &Visit,
    draft: &Draft,
    findings: &[Finding],
    layout: Layout,
    spending: &Spending,
    job: &Job,
) -> Report {
    let stats = stats(visit, draft, &layout, spending, job);
    let status = match draft.unasked {
        0 => layout.status,
        _ => Status::Partial,
    };
    let body = Body::of(visit, findings, layout.outline.sections);
    let mut report = Report {
        schema: SCHEMA,
        success: true,
        message: message(status),
        report_id: visit.report_id,
        status,
        stats,
        formatting: layout.formatting,
        header: visit.header.clone(),
        summary: layout.outline.summary,
        notes: body.notes(visit),
        photos: body.photos(visit, draft),
        sections: body.sections,
        actions: body.actions,
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
        Status::Partial => "Report generated in part: it reached its cost limit",
    }
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
