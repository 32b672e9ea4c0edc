//! What the model wrote, in a reply of either endpoint.

use std::fmt;

use serde_json::Value;

use crate::grok::wrapped::json_object;

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

fn text_at<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer).and_then(Value::as_str)
}

/// What the model wrote, or why it is of no use.
pub(super) fn content(completion: &Value) -> Result<String, ContentProblem> {
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
