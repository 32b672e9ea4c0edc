//! Where variants are kept.

use std::rc::Rc;

use serde::Deserialize;

use super::output::VariantFile;
use crate::error::JobError;
use crate::handler::JobContext;
use crate::host::{Host, HttpRequest, HttpResponse};
use crate::storage::{self, StoragePlace, StorageRefusal};

const MEDIA_TYPE: &str = "image/jpeg";
const TRIES: u32 = 3;
const PAUSE_MS: u32 = 1_000;

/// What is in the place of a variant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    Empty,
    /// The variant itself.
    Taken(VariantFile),
    /// Something that no job has put there.
    Foreign,
}

/// Looks what is in a place.
///
/// # Errors
/// [`JobError`] when Storage does not tell.
pub(super) async fn look<H: Host>(
    context: &JobContext<'_, H>,
    place: StoragePlace<'_>,
) -> Result<Place, JobError> {
    #[derive(Deserialize)]
    struct Info {
        metadata: Option<VariantFile>,
    }
    let request = storage::info(context.config(), place);
    match send(context, request).await? {
        Ok(response) => {
            let info = serde_json::from_slice(&response.body);
            let file = info.ok().and_then(|info: Info| info.metadata);
            Ok(file.map_or(Place::Foreign, Place::Taken))
        }
        Err(refusal) if refusal.status == 404 => Ok(Place::Empty),
        Err(refusal) => Err(refused(&refusal)),
    }
}

/// Puts a variant into its place.
///
/// # Errors
/// [`JobError`] when Storage does not take it.
pub(super) async fn put<H: Host>(
    context: &JobContext<'_, H>,
    place: StoragePlace<'_>,
    bytes: Vec<u8>,
    file: &VariantFile,
) -> Result<(), JobError> {
    let metadata = serde_json::to_string(file).unwrap_or_default();
    let request = storage::upload(
        context.config(),
        place,
        &Rc::new(bytes),
        MEDIA_TYPE,
        &metadata,
    );
    send(context, request)
        .await?
        .map_err(|refusal| refused(&refusal))?;
    Ok(())
}

/// What Storage refuses for one variant it refuses for all: the bucket is missing, or takes no such files.
fn refused(refusal: &StorageRefusal) -> JobError {
    let StorageRefusal { status, message } = refusal;
    JobError::permanent(format!(
        "input_data.output: Storage refuses the variants with {status}: {message}"
    ))
}

/// Sends a request until Storage answers to the point.
///
/// # Errors
/// [`JobError::Retryable`] when it does not.
pub(in crate::handlers) async fn send<H: Host>(
    context: &JobContext<'_, H>,
    request: HttpRequest,
) -> Result<Result<HttpResponse, StorageRefusal>, JobError> {
    let mut trouble = String::new();
    for left in (0..TRIES).rev() {
        match context.fetch(request.clone()).await {
            Ok(response) => match StorageRefusal::of(&response) {
                None => return Ok(Ok(response)),
                Some(refusal) if !refusal.may_pass() => return Ok(Err(refusal)),
                Some(refusal) => trouble = format!("{}: {}", refusal.status, refusal.message),
            },
            Err(error) => trouble = error.to_string(),
        }
        if left > 0 {
            context.sleep_ms(PAUSE_MS).await;
        }
    }
    Err(JobError::retryable(format!("Storage, {trouble}")))
}
