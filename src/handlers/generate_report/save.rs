//! Writes the report where the application reads it: the row of `reports`. The result of the job has it anyway, so a
//! project without such a table, or a report deleted meanwhile, costs a warning and not the job.

use serde_json::{Value, json};

use super::output::{Report, Section, Warning, WarningCode};
use crate::error::JobError;
use crate::handler::JobContext;
use crate::host::Host;
use crate::queue::QueueError;

/// Saves the report; says so in the report's warnings when there is no place for it.
///
/// # Errors
/// When the job is no longer this worker's or the database stays away; then its result cannot be stored either.
pub async fn save<H: Host>(
    context: &JobContext<'_, H>,
    report: &mut Report,
) -> Result<(), JobError> {
    let job = context.job();
    let arguments = json!({
        "job_id": job.id,
        "lease_token": job.lease_token,
        "report_id": report.report_id,
        "generated_content": report.text,
        "sections_json": sections_json(&report.sections),
    });
    let reason = match context.call::<bool>("save_report", arguments).await {
        Ok(true) => return Ok(()),
        Ok(false) => "there is no report with this reportId".into(),
        Err(error) if error.is_missing_function() => {
            "the project has no function save_report".into()
        }
        Err(error) => refusal(error)?,
    };
    let message = format!("the report is in output_data only: {reason}");
    report
        .warnings
        .push(Warning::new(WarningCode::ReportNotSaved, message));
    Ok(())
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
fn sections_json(sections: &[Section]) -> Value {
    let sections = sections.iter().map(|section| {
        let children = section.observations.iter().map(|observation| {
            let images = observation
                .images
                .iter()
                .map(|image| json!({ "number": image.number, "group": [image.group] }));
            json!({
                "id": observation.id,
                "number": observation.number,
                "bodyMd": [observation.text],
                "images": images.collect::<Vec<_>>(),
            })
        });
        json!({
            "id": section.id,
            "number": section.number,
            "title": section.title,
            "children": children.collect::<Vec<_>>(),
        })
    });
    json!({ "sections": sections.collect::<Vec<_>>() })
}
