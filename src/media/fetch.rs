//! Fetches a photograph.

use super::photograph::Photograph;
use crate::handler::JobContext;
use crate::host::{Host, HttpRequest, TransportError};

const TRIES: u32 = 2;
const PAUSE_MS: u32 = 1_000;

/// Why a photograph cannot be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FetchError {
    /// It is not there, or its server does not let the worker in; the status.
    NotFound(u16),
    /// It is larger than the request allows.
    TooLarge,
    /// It is neither JPEG nor PNG.
    Unsupported,
    /// It did not come in time.
    TimedOut,
    /// No connection, or a server that cannot answer now: may pass.
    Unreachable,
}

/// Sends `request`, once more if the server stumbles, and takes the photograph it answers.
///
/// # Errors
/// [`FetchError`] when there is none.
pub async fn fetch<H: Host>(
    context: &JobContext<'_, H>,
    request: HttpRequest,
) -> Result<Photograph, FetchError> {
    let mut tries = 1;
    let bytes = loop {
        match fetch_once(context, request.clone()).await {
            Err(FetchError::Unreachable) if tries < TRIES => {
                tries += 1;
                context.sleep_ms(PAUSE_MS).await;
            }
            bytes => break bytes?,
        }
    };
    Photograph::from_bytes(bytes).ok_or(FetchError::Unsupported)
}

async fn fetch_once<H: Host>(
    context: &JobContext<'_, H>,
    request: HttpRequest,
) -> Result<Vec<u8>, FetchError> {
    let response = match context.fetch(request).await {
        Ok(response) => response,
        Err(TransportError::TooLarge) => return Err(FetchError::TooLarge),
        Err(TransportError::TimedOut) => return Err(FetchError::TimedOut),
        Err(TransportError::Failed(_)) => return Err(FetchError::Unreachable),
    };
    match response.status {
        200..=299 => Ok(response.body),
        408 | 425 | 429 | 500..=599 => Err(FetchError::Unreachable),
        status => Err(FetchError::NotFound(status)),
    }
}
