//! What comes back from a call: a completion, or an error in its place.

use serde::Deserialize;

use super::failure::Failure;
use super::usage::{self, Usage};
use crate::host::HttpResponse;

/// An answer that was paid for.
#[derive(Debug)]
pub struct Answer {
    /// The text, or why it is of no use.
    pub content: Result<String, String>,
    /// What it cost.
    pub usage: Usage,
}

#[derive(Deserialize)]
struct Completion {
    #[serde(default)]
    model: String,
    choices: Vec<Choice>,
    #[serde(default)]
    usage: usage::Reported,
}

#[derive(Deserialize)]
struct Choice {
    message: Said,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Said {
    content: Option<String>,
}

/// Errors come with any status, 200 included, so the body decides.
pub(super) fn read(response: &HttpResponse, api_key: &str) -> Result<Answer, Failure> {
    let completion: Option<Completion> = match response.status {
        200..=299 => serde_json::from_slice(&response.body).ok(),
        _ => None,
    };
    let completion = completion.ok_or_else(|| Failure::response(response, api_key))?;
    let usage = Usage::of_call(completion.model, completion.usage);
    let content = match completion.choices.into_iter().next() {
        Some(choice) => content(choice),
        None => Err("the answer is empty".into()),
    };
    Ok(Answer { content, usage })
}

fn content(choice: Choice) -> Result<String, String> {
    match choice.finish_reason.as_deref() {
        None | Some("stop") => {}
        Some("length") => return Err("the answer was cut at the token limit".into()),
        Some("content_filter") => return Err("the answer was withheld by a content filter".into()),
        Some(_) => return Err("the answer ended for an unknown reason".into()),
    }
    let text = choice.message.content.unwrap_or_default();
    match text.trim() {
        "" => Err("the answer is empty".into()),
        text => Ok(text.to_owned()),
    }
}
