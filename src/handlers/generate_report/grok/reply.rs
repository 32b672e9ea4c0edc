//! What comes back from a call: a completion, or an error in its place.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::failure::Failure;
use super::usage::Usage;
use crate::host::HttpResponse;

/// An answer that was paid for, as steps keep it: before anybody has tried to read it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Answer {
    /// What the model wrote; `None` when it is of no use.
    pub content: Option<String>,
    /// Why it is of no use; empty when there is content.
    pub problem: String,
    /// What it cost.
    pub usage: Usage,
}

impl Answer {
    pub(super) fn useless(problem: &str, usage: Usage) -> Self {
        Self {
            content: None,
            problem: problem.into(),
            usage,
        }
    }

    /// What the model wrote.
    ///
    /// # Errors
    /// Why it is of no use.
    pub fn content(&self) -> Result<&str, String> {
        let content = self.content.as_deref();
        content.ok_or_else(|| self.problem.clone())
    }
}

/// Errors come with any status, 200 included, so the body decides.
pub(super) fn read(response: &HttpResponse, api_key: &str) -> Result<Answer, Failure> {
    let body: Option<Value> = serde_json::from_slice(&response.body).ok();
    let is_success = (200..300).contains(&response.status);
    let completion = body.filter(|body| is_success && body["choices"].is_array());
    let completion = completion.ok_or_else(|| Failure::response(response, api_key))?;
    let usage = Usage::of_call(&completion);
    let choice = &completion["choices"][0];
    let content = choice["message"]["content"].as_str().unwrap_or_default();
    let problem = match choice["finish_reason"].as_str() {
        Some("length") => "the answer was cut at the token limit",
        Some("content_filter") => "the answer was withheld by a content filter",
        None | Some("stop") if content.trim().is_empty() => "the answer is empty",
        None | Some("stop") => {
            return Ok(Answer {
                // The one character that Postgres keeps in no text.
                content: Some(content.replace('\0', " ")),
                problem: String::new(),
                usage,
            });
        }
        Some(_) => "the answer ended for an unknown reason",
    };
    Ok(Answer::useless(problem, usage))
}
