//! What a scripted server answers.

use serde_json::Value;

use crate::host::{HttpResponse, TransportError};

/// What a server answers, and when.
pub struct Reply {
    pub(super) answer: Result<HttpResponse, TransportError>,
    pub(super) after_ms: u32,
    comes: bool,
}

impl Reply {
    /// An answer with a JSON body.
    pub fn json(status: u16, body: Value) -> Self {
        Self::bytes(status, body.to_string().into_bytes())
    }

    /// An answer with any body.
    pub fn bytes(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::of(Ok(HttpResponse {
            status,
            headers: Vec::new(),
            body: body.into(),
        }))
    }

    /// No answer.
    pub fn error(error: TransportError) -> Self {
        Self::of(Err(error))
    }

    /// Neither an answer nor an error, ever.
    pub fn never() -> Self {
        let mut reply = Self::error(TransportError::TimedOut);
        reply.comes = false;
        reply
    }

    /// The same, but later.
    pub fn after_ms(mut self, milliseconds: u32) -> Self {
        self.after_ms = milliseconds;
        self
    }

    /// The same with a header; the name in lower case.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Ok(response) = &mut self.answer {
            response.headers.push((name.into(), value.into()));
        }
        self
    }

    /// The same, unless it takes longer than the caller waits.
    pub(super) fn within(self, timeout_ms: u32) -> Self {
        if self.comes && self.after_ms < timeout_ms {
            self
        } else {
            Self::error(TransportError::TimedOut).after_ms(timeout_ms)
        }
    }

    fn of(answer: Result<HttpResponse, TransportError>) -> Self {
        Self {
            answer,
            after_ms: 0,
            comes: true,
        }
    }
}
