//! The file of a photograph, as it came.

use super::plan::Origin;
use crate::handler::JobContext;
use crate::host::{Host, HttpRequest, Method};
use crate::media::{self, FetchError};
use crate::storage::{self, StoragePlace};

/// More than any phone's photograph. It is in memory twice while it is processed.
const MOST_BYTES: usize = 20 << 20;
const TIMEOUT_MS: u32 = 30_000;

/// Gets the file.
///
/// # Errors
/// [`FetchError`] when it cannot be had.
pub(super) async fn get<H: Host>(
    context: &JobContext<'_, H>,
    origin: &Origin,
) -> Result<Vec<u8>, FetchError> {
    let request = match origin {
        // Only what is named by bucket and path is fetched with the project's key.
        Origin::Stored { bucket, path } => {
            let place = StoragePlace { bucket, path };
            storage::download(context.config(), place, TIMEOUT_MS, MOST_BYTES)
        }
        Origin::Web(url) => HttpRequest {
            method: Method::Get,
            url: url.to_string(),
            headers: Vec::new(),
            body: None,
            timeout_ms: TIMEOUT_MS,
            max_response_bytes: MOST_BYTES,
        },
        Origin::Closed(error) => return Err(FetchError::Address(*error)),
    };
    media::fetch_file(context, request).await
}
