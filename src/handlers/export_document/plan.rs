//! What is to be done, checked: everything that is wrong with an input is said before anything is done.

use document_kernel::order::{Color, DocumentFormat, Paper};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::input::{
    DocumentPlace, DocumentStatus, ExportInput, Language, PhotoLayout, TemplateInput,
};
use crate::error::JobError;
use crate::storage;

const LONGEST_LINE: usize = 200;
const LONGEST_TEXT: usize = 20_000;
/// A blue that is dark in print too.
const COLOR: Color = Color(0x0e, 0x28, 0x41);

/// What is to be done.
pub(super) struct ExportPlan {
    pub(super) source: ReportSource,
    pub(super) format: DocumentFormat,
    pub(super) template: Template,
    pub(super) output: DocumentPlace,
}

/// Where the report comes from.
pub(super) enum ReportSource {
    /// From the jobs about a row of `reports`.
    Row(Uuid),
    /// From a job.
    Job(Uuid),
    /// From the input.
    Given(Box<RawValue>),
}

/// What the document looks like, and what it says beside the report.
pub(super) struct Template {
    pub(super) firm: String,
    pub(super) color: Color,
    pub(super) paper: Paper,
    pub(super) layout: PhotoLayout,
    pub(super) status: DocumentStatus,
    pub(super) intent: String,
    pub(super) limitations: String,
    pub(super) language: Language,
}

impl ExportPlan {
    /// The plan for an input.
    ///
    /// # Errors
    /// [`JobError::Permanent`] naming the field.
    pub(super) fn of(input: ExportInput) -> Result<Self, JobError> {
        let ExportInput {
            report_id,
            job_id,
            report,
            format,
            template,
            output,
            signed_url_seconds,
        } = input;
        let source = match (report_id, job_id, report) {
            (Some(id), None, None) => ReportSource::Row(id),
            (None, Some(id), None) => ReportSource::Job(id),
            (None, None, Some(report)) => ReportSource::Given(report),
            _ => {
                return Err(JobError::permanent(
                    "input_data: expected one of reportId, jobId and report",
                ));
            }
        };
        check(
            "output.bucket",
            storage::is_bucket(&output.bucket),
            "expected the name of a bucket",
        )?;
        check(
            "output.path",
            storage::is_storage_path(&output.path),
            "expected a path in the bucket, without spaces around it, empty parts, `.`, `..`, backslashes and what \
            looks like or stands for them",
        )?;
        check(
            "signed_url_seconds",
            signed_url_seconds.is_none(),
            "addresses are not signed yet: have one made for the output's path",
        )?;
        Ok(Self {
            source,
            format,
            template: checked(template)?,
            output,
        })
    }

    /// The folder of the document, in which what is made of its photographs is kept.
    pub(super) fn folder_of_photographs(&self) -> String {
        match self.output.path.rsplit_once('/') {
            Some((folder, _)) => format!("{folder}/photographs"),
            None => "photographs".into(),
        }
    }
}

fn checked(template: TemplateInput) -> Result<Template, JobError> {
    let texts = [
        ("firm", &template.firm, LONGEST_LINE),
        ("intent", &template.intent, LONGEST_TEXT),
        ("limitations", &template.limitations, LONGEST_TEXT),
    ];
    for (name, text, most) in texts {
        let expected = format!("expected at most {most} characters");
        let is_fine = text.chars().count() <= most;
        check(&format!("template.{name}"), is_fine, &expected)?;
    }
    check(
        "template.logo",
        template.logo.is_none(),
        "documents have no place for a logo yet",
    )?;
    check(
        "template.font",
        template.font.is_none(),
        "there is no choice of fonts yet",
    )?;
    let color = template.colour.as_deref().map_or(Some(COLOR), color);
    let expected = "expected a colour like #0e2841";
    let color = color.ok_or_else(|| refusal("template.colour", expected))?;
    Ok(Template {
        firm: template.firm,
        color,
        paper: template.paper.unwrap_or(Paper::Letter),
        layout: template.layout,
        status: template.status,
        intent: template.intent,
        limitations: template.limitations,
        language: template.language,
    })
}

fn color(text: &str) -> Option<Color> {
    let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6)?;
    let number = u32::from_str_radix(digits, 16).ok()?;
    let [_, red, green, blue] = number.to_be_bytes();
    Some(Color(red, green, blue))
}

fn check(field: &str, is_fine: bool, expected: &str) -> Result<(), JobError> {
    match is_fine {
        true => Ok(()),
        false => Err(refusal(field, expected)),
    }
}

fn refusal(field: &str, expected: &str) -> JobError {
    JobError::permanent(format!("input_data.{field}: {expected}"))
}
