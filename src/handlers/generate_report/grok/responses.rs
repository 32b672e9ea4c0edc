//! The body of a call of `/responses`: the same as a chat completion's in other words. Nothing is stored at xAI: with
//! images the API asks for that, and without them there is no reason for it.

use serde::Serialize;
use serde_json::{Value, json};

use super::Question;
use super::request::{Form, MOST_COMPLETION_TOKENS, Message, Part, Picture, TEMPERATURE, encoded};
use crate::config::Transport;
use crate::host::Body;

/// The body as JSON.
pub(super) fn body(question: &Question, form: &Form) -> Body {
    let response = Response {
        model: form.model,
        input: (
            Message {
                role: "system",
                content: question.rules,
            },
            Message {
                role: "user",
                content: question.parts.iter().map(InputPart::of).collect(),
            },
        ),
        text: json!({ "format": {
            "type": "json_schema",
            "name": question.name,
            "strict": true,
            "schema": question.schema(),
        } }),
        reasoning: json!({ "effort": form.effort }),
        max_output_tokens: MOST_COMPLETION_TOKENS,
        temperature: TEMPERATURE,
        store: false,
        prompt_cache_key: form.conversation,
        stream: (form.transport == Transport::Stream).then_some(true),
    };
    encoded(&response, &question.parts)
}

#[derive(Serialize)]
struct Response<'a> {
    model: &'a str,
    input: (Message<&'a str>, Message<Vec<InputPart<'a>>>),
    text: Value,
    reasoning: Value,
    max_output_tokens: u32,
    temperature: f64,
    store: bool,
    prompt_cache_key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<bool>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum InputPart<'a> {
    InputText {
        text: &'a str,
    },
    InputImage {
        image_url: &'a Picture,
        detail: &'static str,
    },
}

impl<'a> InputPart<'a> {
    fn of(part: &'a Part) -> Self {
        match part {
            Part::Text { text } => Self::InputText { text },
            Part::ImageUrl { image_url } => Self::InputImage {
                image_url: &image_url.url,
                detail: image_url.detail,
            },
        }
    }
}
