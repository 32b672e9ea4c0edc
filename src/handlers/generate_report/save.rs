//! Writes the report where the application reads it: the row of `reports`. The result of the job has it anyway, so a
//! project without such a table, a report deleted meanwhile, or one that a person has worked on since, costs a warning
//! and not the job.

use serde_json::{Value, json};

use crate::error::JobError;
use crate::handler::JobContext;
use crate::host::Host;
use crate::queue::QueueError;
use crate::report::text;
use crate::report::{Observation, Report, Warning, WarningCode};

/// Saves the report, as a step of the job; says so in the report's warnings when it is not to be written.
///
/// # Errors
/// When the job is no longer this worker's or the database stays away; then its result cannot be stored either.
pub async fn save<H: Host>(
    context: &JobContext<'_, H>,
    report: &mut Report,
) -> Result<(), JobError> {
    let saved = context
        .step("save", async || save_once(context, report).await)
        .await?;
    report.warnings.extend(warning(&saved));
    Ok(())
}

/// What became of the report, in the words of `save_report` or of its refusal.
async fn save_once<H: Host>(
    context: &JobContext<'_, H>,
    report: &Report,
) -> Result<Value, JobError> {
    let job = context.job();
    let arguments = json!({
        "job_id": job.id,
        "lease_token": job.lease_token,
        "report_id": report.report_id,
        "generated_content": report.text,
        "sections_json": sections_json(report),
    });
    match context.call::<Value>("save_report", arguments).await {
        Ok(saved) => Ok(saved),
        Err(error) if error.is_missing_function() => {
            Ok("the project has no function save_report".into())
        }
        Err(error) => Ok(refusal(error)?.into()),
    }
}

fn warning(saved: &Value) -> Option<Warning> {
    let (code, reason) = match saved.as_str().unwrap_or("save_report gave no answer") {
        "saved" => return None,
        "missing" => (
            WarningCode::ReportNotSaved,
            "there is no report with this reportId",
        ),
        "edited" => (
            WarningCode::ReportEdited,
            "somebody has edited the report since the job was enqueued",
        ),
        "superseded" => (
            WarningCode::ReportEdited,
            "a job that was enqueued later has written the report",
        ),
        refusal => (WarningCode::ReportNotSaved, refusal),
    };
    let message = format!("the report is in output_data only: {reason}");
    Some(Warning::new(code, message))
}

/// Why the database would not take this report, if that is all it says.
fn refusal(error: QueueError) -> Result<String, JobError> {
    let is_about_the_report = matches!(error, QueueError::Refused { .. });
    let message = error.to_string();
    match JobError::from(error) {
        JobError::Permanent { .. } => Ok(message),
        JobError::Retryable { .. } if is_about_the_report => Ok(message),
        other => Err(other),
    }
}

/// The tree that the application's editor works on.
fn sections_json(report: &Report) -> Value {
    let sections = report.sections.iter().map(|section| {
        let children = section.observations.iter();
        let children = children.map(|observation| child(observation, report));
        json!({
            "id": section.id,
            "number": section.number,
            "title": section.title,
            "children": children.collect::<Vec<_>>(),
        })
    });
    json!({ "sections": sections.collect::<Vec<_>>() })
}

fn child(observation: &Observation, report: &Report) -> Value {
    let images = observation.images.iter().map(|image| {
        json!({ "imageId": image.image_id, "number": image.number, "group": [image.group] })
    });
    json!({
        "id": observation.id,
        "number": observation.number,
        "bodyMd": text::paragraphs(observation, report),
        "images": images.collect::<Vec<_>>(),
    })
}
