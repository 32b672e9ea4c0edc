//! Fetches a photograph, and goes where its server redirects to as far as a user's input may lead.

use super::photograph::Photograph;
use crate::address::{self, AddressError};
use crate::handler::JobContext;
use crate::host::{Host, HttpRequest, HttpResponse, TransportError};

const TRIES: u32 = 2;
const PAUSE_MS: u32 = 1_000;
const MOST_REDIRECTS: usize = 2;

/// Why a photograph cannot be had. Its words follow "the photograph cannot be had: " and the like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// Its address is none that a user may send the worker to.
    #[error("its address is not called, {0}")]
    Address(AddressError),
    /// Its server redirects to an address of that kind.
    #[error("its server redirects elsewhere, {0}")]
    Redirect(AddressError),
    /// It is redirected again and again.
    #[error("its server redirects again and again")]
    TooManyRedirects,
    /// It is not there, or its server does not let the worker in; the status.
    #[error("the server answered {0}")]
    NotFound(u16),
    /// It is larger than the request allows, in MiB.
    #[error("it is larger than {0} MiB")]
    TooLarge(usize),
    /// It is neither JPEG nor PNG.
    #[error("it is neither JPEG nor PNG")]
    Unsupported,
    /// The end of the file is missing.
    #[error("the end of the file is missing")]
    Truncated,
    /// It did not come in time.
    #[error("it did not come in time")]
    TimedOut,
    /// No connection, or a server that cannot answer now: may pass.
    #[error("the server did not answer")]
    Unreachable,
}

/// Takes the photograph that a server answers: JPEG or PNG, and whole.
///
/// # Errors
/// [`FetchError`] when there is none.
pub async fn fetch<H: Host>(
    context: &JobContext<'_, H>,
    request: HttpRequest,
) -> Result<Photograph, FetchError> {
    let bytes = fetch_file(context, request).await?;
    let photograph = Photograph::from_bytes(bytes).ok_or(FetchError::Unsupported)?;
    Some(photograph)
        .filter(|photograph| photograph.is_whole)
        .ok_or(FetchError::Truncated)
}

/// Sends `request`, once more if the server stumbles, and takes the file it answers. A request without a key goes where
/// it is redirected to, twice at most.
///
/// # Errors
/// [`FetchError`] when there is none.
pub async fn fetch_file<H: Host>(
    context: &JobContext<'_, H>,
    request: HttpRequest,
) -> Result<Vec<u8>, FetchError> {
    let mut tries = 1;
    loop {
        match fetch_once(context, request.clone()).await {
            Err(FetchError::Unreachable) if tries < TRIES => {
                tries += 1;
                context.sleep_ms(PAUSE_MS).await;
            }
            bytes => return bytes,
        }
    }
}

async fn fetch_once<H: Host>(
    context: &JobContext<'_, H>,
    request: HttpRequest,
) -> Result<Vec<u8>, FetchError> {
    let response = follow(context, request).await?;
    match response.status {
        200..=299 => Ok(response.body),
        408 | 425 | 429 | 500..=599 => Err(FetchError::Unreachable),
        status => Err(FetchError::NotFound(status)),
    }
}

/// The first answer that does not redirect; all of them come within the request's time.
async fn follow<H: Host>(
    context: &JobContext<'_, H>,
    mut request: HttpRequest,
) -> Result<HttpResponse, FetchError> {
    let policy = context.config().address_policy;
    let ends_at_ms = context.now_ms() + u64::from(request.timeout_ms);
    for _ in 0..=MOST_REDIRECTS {
        let response = send(context, request.clone()).await?;
        let Some(location) = location(&response).filter(|_| !request.carries_key()) else {
            return Ok(response);
        };
        let from = address::parse(&request.url, policy).map_err(FetchError::Address)?;
        let to = address::redirect(&from, location, policy).map_err(FetchError::Redirect)?;
        request.url = to.into();
        request.timeout_ms = ends_at_ms.saturating_sub(context.now_ms()) as u32;
    }
    Err(FetchError::TooManyRedirects)
}

async fn send<H: Host>(
    context: &JobContext<'_, H>,
    request: HttpRequest,
) -> Result<HttpResponse, FetchError> {
    let most_mebibytes = request.max_response_bytes >> 20;
    context.fetch(request).await.map_err(|error| match error {
        TransportError::TooLarge => FetchError::TooLarge(most_mebibytes),
        TransportError::TimedOut => FetchError::TimedOut,
        TransportError::Failed(_) => FetchError::Unreachable,
    })
}

/// Where an answer redirects to.
fn location(response: &HttpResponse) -> Option<&str> {
    let is_redirect = matches!(response.status, 301 | 302 | 303 | 307 | 308);
    response.header("location").filter(|_| is_redirect)
}
