//! Reports that jobs have made.

use serde_json::{Value, json};

use super::world::{World, input, report};
use crate::error::JobError;

const ID: &str = "5f0c6f0e-8a43-4b43-9c84-6a1d0d3f1201";

fn by(field: &str) -> Value {
    let mut input = input("md", Value::Null);
    input[field] = json!(ID);
    input
}

fn found(status: &'static str, report: Value) -> impl Fn(&Value) -> Value {
    move |_| json!({ "status": status, "report": report, "is_edited": false })
}

#[test]
fn a_report_is_found_by_its_row_or_by_the_job_that_made_it() {
    for (field, arguments) in [
        (
            "reportId",
            json!({ "report_id": ID, "report_job_id": null }),
        ),
        ("jobId", json!({ "report_id": null, "report_job_id": ID })),
    ] {
        let world = World::with_reports(found("completed", report()));
        let output = world.run(by(field)).expect("a result");
        assert_eq!(output["warnings"], json!([]));
        assert_eq!(world.host.calls_of("find_report"), [arguments]);
    }
}

#[test]
fn a_report_that_is_being_written_is_waited_for() {
    for status in ["queued", "processing"] {
        let world = World::with_reports(found(status, Value::Null));
        let snoozed = world.run(by("jobId"));
        assert_eq!(snoozed, Err(JobError::Snoozed { seconds: 10 }));
    }
}

#[test]
fn a_report_that_will_never_be_there_fails_the_job() {
    let missing = World::new().run(by("jobId")).expect_err("a refusal");
    assert_eq!(
        missing.to_string(),
        "input_data.jobId: no job has made such a report"
    );
    let failed = World::with_reports(found("failed", Value::Null));
    let failed = failed.run(by("reportId")).expect_err("a refusal");
    assert_eq!(
        failed.to_string(),
        "input_data.reportId: the job that was to make this report did not end well"
    );
}

#[test]
fn a_row_that_somebody_has_edited_is_warned_of() {
    let world = World::with_reports(
        |_| json!({ "status": "completed", "report": report(), "is_edited": true }),
    );
    let output = world.run(by("reportId")).expect("a result");
    assert_eq!(output["warnings"][0]["code"], "report_edited");
}
