//! What comes back from a call: kept as it came, and read whenever it is needed. Reading it is a pure function, so a
//! mistake in here is put right by a new version of the worker, without paying for the answer again.

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::failure::Failure;
use super::usage::TokenUsage;
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
    pub content: Result<String, &'static str>,
    /// What it cost.
    pub usage: TokenUsage,
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
            return Ok(ModelAnswer {
                content: Err("the answer is too long"),
                usage: TokenUsage::of_answer(&Value::Null),
            });
        };
        let completion = self
            .success()
            .and_then(|body| serde_json::from_str(body).ok());
        let completion = completion
            .filter(|body: &Value| body.is_object() && is_null(body.get("error")))
            .ok_or_else(|| {
                let failure = Failure::response(self.status, body.as_bytes(), api_key);
                failure.waiting_as_told(self.retry_after_seconds)
            })?;
        Ok(ModelAnswer {
            content: content(&completion),
            usage: TokenUsage::of_answer(&completion),
        })
    }
}

fn retry_after_seconds(response: &HttpResponse) -> Option<u32> {
    let seconds: u32 = response.header("retry-after")?.trim().parse().ok()?;
    Some(seconds.min(LONGEST_WAIT_SECONDS))
}

fn is_null(value: Option<&Value>) -> bool {
    value.is_none_or(Value::is_null)
}

fn text_at<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer).and_then(Value::as_str)
}

/// What the model wrote, or why it is of no use.
fn content(completion: &Value) -> Result<String, &'static str> {
    let (text, end) = match completion.get("output") {
        Some(Value::Array(output)) => (output_text(output), end_of_response(completion)),
        _ => {
            let text = text_at(completion, "/choices/0/message/content").unwrap_or_default();
            (
                text.to_owned(),
                text_at(completion, "/choices/0/finish_reason"),
            )
        }
    };
    match end {
        Some("length" | "max_output_tokens") => Err("the answer was cut at the token limit"),
        Some("content_filter") => Err("the answer was withheld by a content filter"),
        None | Some("stop" | "completed") if text.trim().is_empty() => Err("the answer is empty"),
        None | Some("stop" | "completed") => Ok(text.replace('\0', " ")),
        Some(_) => Err("the answer ended for an unknown reason"),
    }
}

/// The words among what a response lists: reasoning and the like may stand beside them.
fn output_text(output: &[Value]) -> String {
    let contents = output
        .iter()
        .filter_map(|item| item.get("content")?.as_array());
    let parts = contents.flatten();
    let parts = parts.filter(|part| text_at(part, "/type") == Some("output_text"));
    parts.filter_map(|part| text_at(part, "/text")).collect()
}

fn end_of_response(response: &Value) -> Option<&str> {
    text_at(response, "/incomplete_details/reason").or_else(|| text_at(response, "/status"))
}
