//! What comes back from a call: kept as it came, and read whenever it is needed. Reading it is a pure function, so a
//! mistake in here is put right by a new version of the worker, without paying for the answer again.

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::failure::Failure;
use super::usage::Usage;
use crate::host::HttpResponse;

/// The API's reply as it came, which is what steps keep.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    status: u16,
    /// `None` when it was longer than the worker takes.
    body: Option<String>,
}

/// What a reply that was paid for says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// What the model wrote, or why it is of no use.
    pub content: Result<String, &'static str>,
    /// What it cost.
    pub usage: Usage,
}

impl Reply {
    pub(super) fn of(response: &HttpResponse) -> Self {
        // A database's text holds no NUL; JSON has none but as an escape.
        let body = String::from_utf8_lossy(&response.body).replace('\0', "");
        Self {
            status: response.status,
            body: Some(body),
        }
    }

    pub(super) fn too_long() -> Self {
        Self {
            status: 200,
            body: None,
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
    pub(super) fn read(&self, api_key: &str) -> Result<Answer, Failure> {
        let Some(body) = &self.body else {
            return Ok(Answer {
                content: Err("the answer is too long"),
                usage: Usage::of_call(&Value::Null),
            });
        };
        let completion = self
            .success()
            .and_then(|body| serde_json::from_str(body).ok());
        let completion = completion
            .filter(|body: &Value| body.is_object() && body["error"].is_null())
            .ok_or_else(|| Failure::response(self.status, body.as_bytes(), api_key))?;
        Ok(Answer {
            content: content(&completion),
            usage: Usage::of_call(&completion),
        })
    }
}

/// What the model wrote, or why it is of no use.
fn content(completion: &Value) -> Result<String, &'static str> {
    let (text, end) = match &completion["output"] {
        Value::Array(output) => (output_text(output), end_of_response(completion)),
        _ => {
            let choice = &completion["choices"][0];
            let text = choice["message"]["content"].as_str().unwrap_or_default();
            (text.to_owned(), choice["finish_reason"].as_str())
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
    let parts = output.iter().filter_map(|item| item["content"].as_array());
    let parts = parts.flatten().filter(|part| part["type"] == "output_text");
    parts.filter_map(|part| part["text"].as_str()).collect()
}

fn end_of_response(response: &Value) -> Option<&str> {
    match response["incomplete_details"]["reason"].as_str() {
        None => response["status"].as_str(),
        reason => reason,
    }
}
