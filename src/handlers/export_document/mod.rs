//! `export_document`: makes a document of a finished report and puts it into Storage.
//!
//! Each photograph is a step, and so is the document. Rendering is done by the kernel of documents; what stands in a
//! document is composed here, from the report and a template.
// Whatever comes from outside, nothing here may panic.
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::string_slice))]

mod compose;
mod document;
mod input;
mod output;
mod photos;
mod plan;
mod source;

#[cfg(test)]
mod tests;

use document_kernel::order::DocumentFormat;

use self::input::ExportInput;
use self::output::DocumentOutput;
use self::plan::ExportPlan;
use crate::error::JobError;
use crate::handler::{JobContext, JobHandler};
use crate::host::Host;

/// The job type.
pub struct ExportDocument;

impl JobHandler for ExportDocument {
    const JOB_TYPE: &'static str = "export_document";

    type Input = ExportInput;
    type Output = DocumentOutput;

    async fn run<H: Host>(
        input: ExportInput,
        context: &JobContext<'_, H>,
    ) -> Result<DocumentOutput, JobError> {
        let plan = ExportPlan::of(input)?;
        let (report, warnings) = source::read(context, &plan.source).await?;
        let prepared = match plan.format {
            DocumentFormat::Markdown => Vec::new(),
            DocumentFormat::Docx | DocumentFormat::Html => {
                photos::prepare(context, &plan, &report).await?
            }
        };
        let make = || document::make(context, &plan, &report, &prepared);
        let mut document = context.step("document", make).await?;
        document.warnings.splice(0..0, warnings);
        Ok(DocumentOutput {
            bucket: plan.output.bucket,
            path: plan.output.path,
            format: plan.format,
            document,
        })
    }
}
