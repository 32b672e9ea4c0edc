//! What comes back from a call: kept as it came, and read whenever it is needed. Reading it is a pure function, so a
//! mistake in here is put right by a new version of the worker, without paying for the answer again.

#[cfg(test)]
mod tests;

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::failure::{Failure, FailureClass};
use super::usage::TokenUsage;
use super::wrapped::json_object;
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

/// Why what the model wrote is of no use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContentProblem {
    /// It is more than the worker reads.
    TooLong,
    /// It ends where the model had to stop.
    Cut,
    /// A content filter keeps it back.
    Withheld,
    /// There is nothing.
    Empty,
    /// The reply is no JSON.
    Unreadable,
    /// The model wanted something else than to answer.
    Unfinished,
}

impl fmt::Display for ContentProblem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::TooLong => "the answer is too long",
            Self::Cut => "the answer was cut at the token limit",
            Self::Withheld => "the answer was withheld by a content filter",
            Self::Empty => "the answer is empty",
            Self::Unreadable => "the answer came in a reply that is no JSON",
            Self::Unfinished => "the answer ended for an unknown reason",
        })
    }
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
        match serde_json::from_str::<Value>(body) {
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

fn text_at<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer).and_then(Value::as_str)
}

/// What the model wrote, or why it is of no use.
fn content(completion: &Value) -> Result<String, ContentProblem> {
    let (text, end) = match completion.get("output") {
        Some(Value::Array(output)) => (output_text(output), end_of_response(completion)),
        _ => {
            let message = completion.pointer("/choices/0/message");
            let text = message.map(message_text).unwrap_or_default();
            (text, text_at(completion, "/choices/0/finish_reason"))
        }
    };
    match end.unwrap_or_default() {
        "length" | "max_output_tokens" | "max_tokens" => Err(ContentProblem::Cut),
        "content_filter" | "refusal" => Err(ContentProblem::Withheld),
        "tool_calls" | "function_call" => Err(ContentProblem::Unfinished),
        _ if is_refused(completion) => Err(ContentProblem::Withheld),
        _ if text.trim().is_empty() => Err(ContentProblem::Empty),
        _ => Ok(json_object(&text).replace('\0', " ")),
    }
}

/// The words of a message, which may come in parts.
fn message_text(message: &Value) -> String {
    match message.get("content") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => text_of_parts(parts),
        _ => String::new(),
    }
}

/// Whether the model says that it will not answer.
fn is_refused(completion: &Value) -> bool {
    let message = completion.pointer("/choices/0/message");
    let refusal = message.and_then(|message| text_at(message, "/refusal"));
    let is_silent = message.map(message_text).is_none_or(|text| text.is_empty());
    is_silent && refusal.is_some_and(|refusal| !refusal.is_empty())
}

/// The words among what a response lists: reasoning and the like may stand beside them.
fn output_text(output: &[Value]) -> String {
    let contents = output
        .iter()
        .filter_map(|item| item.get("content")?.as_array());
    contents.map(|parts| text_of_parts(parts)).collect()
}

fn text_of_parts(parts: &[Value]) -> String {
    let is_text =
        |part: &&Value| matches!(text_at(part, "/type"), None | Some("text" | "output_text"));
    let parts = parts.iter().filter(is_text);
    parts.filter_map(|part| text_at(part, "/text")).collect()
}

fn end_of_response(response: &Value) -> Option<&str> {
    text_at(response, "/incomplete_details/reason").or_else(|| text_at(response, "/status"))
}
