//! What comes back from a call: kept as it came, and read whenever it is needed. Reading it is a pure function, so a
//! mistake in here is put right by a new version of the worker, without paying for the answer again.

mod content;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::content::ContentProblem;
use self::content::content;
use super::failure::{Failure, FailureClass};
use super::usage::TokenUsage;
use crate::foreign_json;
use crate::host::HttpResponse;

/// A longer wait than this is not believed.
const LONGEST_WAIT_SECONDS: u32 = 86_400;

/// The API's reply as it came, which is what steps keep.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiReply {
    status: u16,
    /// `None` when it was longer than the worker takes.
    body: Option<String>,
    /// How long the API asks to wait; worth knowing only now.
    #[serde(skip)]
    retry_after_seconds: Option<u32>,
}

/// What a reply that was paid for says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelAnswer {
    /// What the model wrote, or why it is of no use.
    pub content: Result<String, ContentProblem>,
    /// What it cost.
    pub usage: TokenUsage,
}

impl ModelAnswer {
    /// The answer as the refusal of a part of what was asked, if it is one.
    pub fn refusal(&self) -> Option<Failure> {
        let problem = self.content.as_ref().err()?;
        let class = match problem {
            ContentProblem::TooLong | ContentProblem::Cut => FailureClass::Split { passes: false },
            ContentProblem::Withheld => FailureClass::Content,
            _ => return None,
        };
        let message = format!("grok: {problem}");
        Some(Failure { class, message })
    }
}

impl ApiReply {
    pub(super) fn of(response: &HttpResponse) -> Self {
        // A database's text holds no NUL; JSON has none but as an escape.
        let body = String::from_utf8_lossy(&response.body).replace('\0', "");
        Self {
            status: response.status,
            body: Some(body),
            retry_after_seconds: retry_after_seconds(response),
        }
    }

    pub(super) fn too_long() -> Self {
        Self {
            status: 200,
            body: None,
            retry_after_seconds: None,
        }
    }

    pub(super) fn status(&self) -> u16 {
        self.status
    }

    /// The body that came with a good status.
    pub(super) fn success(&self) -> Option<&str> {
        let is_success = (200..300).contains(&self.status);
        self.body.as_deref().filter(|_| is_success)
    }

    /// What it says. Whatever comes with a good status and does not say that it is an error was paid for.
    ///
    /// # Errors
    /// [`Failure`] when it is an error; such come with any status, 200 included.
    pub(super) fn read(&self, api_key: &str) -> Result<ModelAnswer, Failure> {
        let Some(body) = &self.body else {
            return Ok(unusable(ContentProblem::TooLong));
        };
        let error = || {
            let failure = Failure::response(self.status, body.as_bytes(), api_key);
            failure.waiting_as_told(self.retry_after_seconds)
        };
        let body = self.success().ok_or_else(error)?;
        match foreign_json::read(body) {
            Ok(completion) if is_completion(&completion) => Ok(ModelAnswer {
                content: content(&completion),
                usage: TokenUsage::of_answer(&completion),
            }),
            // Begun as a completion, it was paid for.
            Err(_) if body.trim_start().starts_with('{') => {
                Ok(unusable(ContentProblem::Unreadable))
            }
            Ok(_) | Err(_) => Err(error()),
        }
    }
}

fn unusable(problem: ContentProblem) -> ModelAnswer {
    ModelAnswer {
        content: Err(problem),
        usage: TokenUsage::of_answer(&Value::Null),
    }
}

/// Errors come with good statuses too, and not all of them call themselves one.
fn is_completion(body: &Value) -> bool {
    let has = |name: &str| body.get(name).is_some_and(|value| !value.is_null());
    let is_error = has("error") || body.get("object").and_then(Value::as_str) == Some("error");
    let is_explained = has("message") || has("detail");
    let has_answer = has("choices") || has("output");
    body.is_object() && !is_error && (has_answer || !is_explained)
}

fn retry_after_seconds(response: &HttpResponse) -> Option<u32> {
    let seconds: u32 = response.header("retry-after")?.trim().parse().ok()?;
    Some(seconds.min(LONGEST_WAIT_SECONDS))
}
