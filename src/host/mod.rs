//! The one seam between the worker and the world: HTTP, heavy computations, the clock, sleep and the log.
//!
//! Everything above it is plain Rust that runs natively in tests; `wasm.rs` implements it on the edge.

mod body;
mod kernel;

use std::fmt;
use std::future::Future;

pub use self::body::{Body, Piece};
pub use self::kernel::{ComputeError, Kernel};
use crate::error::ErrorMessage;

/// What the worker needs from the place it runs in.
///
/// Futures are not `Send`: an isolate has one thread. Dropping the future of a request aborts the request.
pub trait Host {
    /// Posts `arguments`, a JSON object, to the database function `function` through PostgREST. After
    /// `timeout_ms` without an answer the request is aborted.
    ///
    /// # Errors
    /// [`TransportError`] when no answer came; an answer with an error status is an `Ok`.
    fn rpc(
        &self,
        function: &str,
        arguments: String,
        timeout_ms: u32,
    ) -> impl Future<Output = Result<HttpResponse, TransportError>>;

    /// Sends a request to any other server. An answer that redirects is an answer like any other: whoever follows it
    /// decides where a key and the worker itself may go.
    ///
    /// # Errors
    /// [`TransportError`] when no answer came in time; an answer with an error status is an `Ok`.
    fn fetch(
        &self,
        request: HttpRequest,
    ) -> impl Future<Output = Result<HttpResponse, TransportError>>;

    /// The same, but the body is handed to `on_piece` as it comes, and is empty in the answer.
    ///
    /// # Errors
    /// As for [`Self::fetch`]; pieces may have been handed over before.
    fn fetch_in_pieces(
        &self,
        request: HttpRequest,
        on_piece: impl FnMut(&[u8]),
    ) -> impl Future<Output = Result<HttpResponse, TransportError>>;

    /// Lets a kernel answer one input, a head and a body. It has a memory of its own, and the isolate to itself
    /// meanwhile.
    ///
    /// # Errors
    /// [`ComputeError`] when there is no answer.
    fn compute(
        &self,
        kernel: Kernel,
        head: &[u8],
        body: &[u8],
    ) -> impl Future<Output = Result<Vec<u8>, ComputeError>>;

    /// Milliseconds on a clock that is good for measuring this worker's own time and nothing else.
    fn now_ms(&self) -> u64;

    /// Seconds since 1970, for what others limit by the hour. Jobs know only the database's clock.
    fn unix_seconds(&self) -> u64;

    /// The CPU time of this isolate so far in microseconds, as far as it can be measured.
    fn cpu_us(&self) -> u64;

    /// The memory of this isolate in bytes, as far as it can be measured.
    fn memory_bytes(&self) -> u64;

    /// Completes after `milliseconds`.
    fn sleep_ms(&self, milliseconds: u32) -> impl Future<Output = ()>;

    /// Writes a message of one or more lines to the function's log.
    fn log(&self, message: &str);
}

/// A request to a server.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpRequest {
    /// What to do with `url`.
    pub method: Method,
    /// With `http://` or `https://`.
    pub url: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// Text, usually JSON, or bytes.
    pub body: Option<Body>,
    /// The request is aborted, and fails, after this many milliseconds without a complete answer.
    pub timeout_ms: u32,
    /// A longer answer is not read: the request fails with [`TransportError::TooLarge`].
    pub max_response_bytes: usize,
}

impl HttpRequest {
    /// Whether a key travels in the headers. Such a request follows no redirect: the key would go along.
    pub fn carries_key(&self) -> bool {
        let is_key = |name: &str| matches!(name, "apikey" | "authorization");
        self.headers.iter().any(|(name, _)| is_key(name))
    }
}

/// The methods the worker uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Read.
    Get,
    /// Send `body`.
    Post,
}

/// A complete answer, whatever its status.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpResponse {
    /// The HTTP status.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// All of it.
    pub body: Vec<u8>,
}

impl HttpResponse {
    /// The first header called `name` (lower case).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// No answer came. Whether the request took effect is unknown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransportError {
    /// Refused, reset, unresolvable, or a bad URL; [`TransportError::failed`] makes it.
    Failed(String),
    /// Nothing within the request's `timeout_ms`.
    TimedOut,
    /// The answer was longer than `max_response_bytes`.
    TooLarge,
}

impl TransportError {
    /// A failure in the runtime's words, but without addresses: some are signed, and all of them are input.
    pub fn failed(reason: &str) -> Self {
        Self::Failed(ErrorMessage::of(&reason).to_string())
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(reason) => write!(formatter, "no answer: {reason}"),
            Self::TimedOut => formatter.write_str("no answer in time"),
            Self::TooLarge => formatter.write_str("the answer is larger than allowed"),
        }
    }
}

impl std::error::Error for TransportError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_does_not_show_the_address_it_happened_at() {
        let reason = "error sending request for url (https://x.test/p.jpg?token=1): tcp  refused";
        assert_eq!(
            TransportError::failed(reason).to_string(),
            "no answer: error sending request for url (<address>): tcp  refused"
        );
    }

    #[test]
    fn a_request_with_a_key_in_its_headers_is_told_from_one_without() {
        let carries_key = |header: &str| {
            let request = HttpRequest {
                method: Method::Get,
                url: "https://x.test/p.jpg".into(),
                headers: vec![(header.into(), "value".into())],
                body: None,
                timeout_ms: 1,
                max_response_bytes: 1,
            };
            request.carries_key()
        };
        assert!(carries_key("apikey"));
        assert!(carries_key("authorization"));
        assert!(!carries_key("content-type"));
    }
}
