//! The document: composed, rendered by the kernel, put into Storage.

use std::rc::Rc;

use document_kernel::order::{Answer, Document, DocumentFormat, Order, Outcome};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::compose;
use super::output::{DocumentWarning, DocumentWarningCode, PhotoCounts, StoredDocument};
use super::photos::{self, PreparedPhoto};
use super::plan::ExportPlan;
use crate::error::JobError;
use crate::handler::JobContext;
use crate::handlers::process_images::send;
use crate::host::{ComputeError, Host, Kernel};
use crate::isolate::Semaphore;
use crate::report::Report;
use crate::storage::{self, StoragePlace, StorageRefusal};

/// The jobs of an isolate have one document in memory at a time, all of them together.
#[derive(Default)]
struct OneDocument(Semaphore);

/// What is said of a document in Storage. Whatever has nothing like it is somebody else's.
#[derive(Debug, Serialize, Deserialize)]
struct Label {
    document: DocumentFormat,
    sha256: String,
}

/// Makes the document and puts it into its place.
///
/// # Errors
/// [`JobError`] when it cannot be made, or may not be put there.
pub(super) async fn make<H: Host>(
    context: &JobContext<'_, H>,
    plan: &ExportPlan,
    report: &Report,
    prepared: &[PreparedPhoto],
) -> Result<StoredDocument, JobError> {
    let _permit = context.shared::<OneDocument>().0.acquire(1, || 1).await;
    expect_own(context, plan).await?;
    let files = photos::files(context, plan, prepared).await?;
    let document = compose::document(report, &plan.template, prepared);
    let (_, file) = rendered(context, plan.format, document, &files).await?;
    let (bytes, sha256) = (file.len(), hex(&Sha256::digest(&file)));
    put(context, plan, file, &sha256).await?;
    let embedded = prepared.iter().flatten().count();
    Ok(StoredDocument {
        bytes,
        sha256,
        pages: None,
        photos: PhotoCounts {
            embedded,
            missing: prepared.len() - embedded,
        },
        warnings: missing(report, prepared),
    })
}

fn missing(report: &Report, prepared: &[PreparedPhoto]) -> Vec<DocumentWarning> {
    let photos = report.photos.iter().zip(prepared);
    let missing = photos.filter_map(|(photo, prepared)| {
        let reason = prepared.as_ref().err()?;
        Some(DocumentWarning {
            code: DocumentWarningCode::PhotoMissing,
            photo: Some(photo.photo),
            message: format!("the photograph is not in the document: {reason}"),
        })
    });
    missing.collect()
}

async fn rendered<H: Host>(
    context: &JobContext<'_, H>,
    format: DocumentFormat,
    document: Document,
    files: &[u8],
) -> Result<(Outcome, Vec<u8>), JobError> {
    let head = document_kernel::head(&Order { format, document });
    let too_much = || JobError::permanent("the report is too much for one document");
    let frame = match context.compute(Kernel::Documents, &head, files).await {
        Ok(frame) => frame,
        Err(ComputeError::NotLoaded) => {
            return Err(JobError::unavailable(ComputeError::NotLoaded.to_string()));
        }
        Err(ComputeError::Stopped) => return Err(too_much()),
    };
    match document_kernel::read_answer(&frame) {
        Some((Answer::Done(outcome), file)) => Ok((outcome, file.to_vec())),
        Some((Answer::Refused(reason), _)) => Err(JobError::permanent(reason)),
        None => Err(too_much()),
    }
}

/// Nothing is replaced but what a job like this has made.
async fn expect_own<H: Host>(
    context: &JobContext<'_, H>,
    plan: &ExportPlan,
) -> Result<(), JobError> {
    #[derive(Deserialize)]
    struct Known {
        #[serde(rename = "metadata")]
        _label: Label,
    }
    let request = storage::info(context.config(), place(plan));
    match send(context, request).await? {
        Ok(response) if serde_json::from_slice::<Known>(&response.body).is_err() => {
            Err(JobError::permanent(
                "input_data.output.path: something else is there already, which is not replaced",
            ))
        }
        Ok(_) => Ok(()),
        Err(refusal) if refusal.status == 404 => Ok(()),
        Err(refusal) => Err(refused(&refusal)),
    }
}

async fn put<H: Host>(
    context: &JobContext<'_, H>,
    plan: &ExportPlan,
    file: Vec<u8>,
    sha256: &str,
) -> Result<(), JobError> {
    let label = serde_json::to_string(&Label {
        document: plan.format,
        sha256: sha256.into(),
    });
    let label = label.unwrap_or_default();
    let request = storage::upload(
        context.config(),
        place(plan),
        &Rc::new(file),
        media_type(plan.format),
        &label,
    );
    let answer = send(context, request).await?;
    answer.map_err(|refusal| refused(&refusal))?;
    Ok(())
}

fn refused(refusal: &StorageRefusal) -> JobError {
    let StorageRefusal { status, message } = refusal;
    JobError::permanent(format!(
        "input_data.output: Storage refuses the document with {status}: {message}"
    ))
}

fn place(plan: &ExportPlan) -> StoragePlace<'_> {
    StoragePlace {
        bucket: &plan.output.bucket,
        path: &plan.output.path,
    }
}

fn media_type(format: DocumentFormat) -> &'static str {
    match format {
        DocumentFormat::Docx => {
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
        }
        DocumentFormat::Html => "text/html; charset=utf-8",
        DocumentFormat::Markdown => "text/markdown; charset=utf-8",
    }
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().map(|byte| format!("{byte:02x}"));
    digits.collect()
}
