//! The report that a document is made of.

use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::output::{DocumentWarning, DocumentWarningCode};
use super::plan::ReportSource;
use crate::error::JobError;
use crate::handler::JobContext;
use crate::host::Host;
use crate::report::Report;

/// How long to wait for a report that is being written.
const PAUSE_SECONDS: u32 = 10;

/// What the database answers.
#[derive(Deserialize)]
struct FoundReport {
    status: String,
    report: Option<Box<RawValue>>,
    is_edited: bool,
}

/// Reads the report, and tells what is odd about it.
///
/// # Errors
/// [`JobError::Snoozed`] while it is being written; [`JobError::Permanent`] when there is none.
pub(super) async fn read<H: Host>(
    context: &JobContext<'_, H>,
    source: &ReportSource,
) -> Result<(Report, Vec<DocumentWarning>), JobError> {
    let (field, arguments) = match source {
        ReportSource::Given(report) => return Ok((parsed("report", report)?, Vec::new())),
        ReportSource::Row(id) => (
            "reportId",
            json!({ "report_id": id, "report_job_id": null }),
        ),
        ReportSource::Job(id) => ("jobId", json!({ "report_id": null, "report_job_id": id })),
    };
    let found: Option<FoundReport> = context.call("find_report", arguments).await?;
    let missing = |what: &str| JobError::permanent(format!("input_data.{field}: {what}"));
    let found = found.ok_or_else(|| missing("no job has made such a report"))?;
    let report = match (found.report, found.status.as_str()) {
        (Some(report), _) => parsed(field, &report)?,
        (None, "queued" | "processing") => {
            return Err(JobError::Snoozed {
                seconds: PAUSE_SECONDS,
            });
        }
        (None, _) => {
            return Err(missing(
                "the job that was to make this report did not end well",
            ));
        }
    };
    let edited = found.is_edited.then(|| DocumentWarning {
        code: DocumentWarningCode::ReportEdited,
        photo: None,
        message: "the row of reports says something else than the job wrote: the document has what the job wrote"
            .into(),
    });
    Ok((report, edited.into_iter().collect()))
}

fn parsed(field: &str, json: &RawValue) -> Result<Report, JobError> {
    let mut json = serde_json::Deserializer::from_str(json.get());
    serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path();
        JobError::permanent(format!(
            "input_data.{field}: it is no report of the schema report/1, at {path}"
        ))
    })
}
