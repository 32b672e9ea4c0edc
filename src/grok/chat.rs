//! The body of a chat completion.

use serde::Serialize;
use serde_json::{Value, json};

use super::body::{
    MOST_COMPLETION_TOKENS, Message, PictureUrl, RequestOptions, TEMPERATURE, encode, messages,
};
use super::question::{Effort, Part, Question};
use crate::host::Body;

/// The body as JSON.
pub(super) fn body(question: &Question, options: RequestOptions) -> Body {
    let schema: Value = serde_json::from_str(&question.schema).unwrap_or_default();
    let completion = Completion {
        model: options.model,
        messages: messages(
            question.rules,
            question.parts.iter().map(ChatPart::of).collect(),
        ),
        response_format: json!({
            "type": "json_schema",
            "json_schema": { "name": question.name, "strict": true, "schema": schema },
        }),
        reasoning_effort: question.effort,
        max_completion_tokens: MOST_COMPLETION_TOKENS,
        temperature: TEMPERATURE,
        deferred: options.is_deferred.then_some(true),
        stream: options.is_streamed.then_some(true),
    };
    encode(&completion, &question.parts)
}

#[derive(Serialize)]
struct Completion<'a> {
    model: &'a str,
    messages: (Message<&'a str>, Message<Vec<ChatPart<'a>>>),
    response_format: Value,
    reasoning_effort: Effort,
    max_completion_tokens: u32,
    temperature: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    deferred: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<bool>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ChatPart<'a> {
    Text { text: &'a str },
    ImageUrl { image_url: ImageUrl<'a> },
}

#[derive(Serialize)]
struct ImageUrl<'a> {
    url: PictureUrl<'a>,
    detail: &'static str,
}

impl<'a> ChatPart<'a> {
    fn of(part: &'a Part) -> Self {
        match part {
            Part::Text(text) => Self::Text { text },
            Part::Image(source) => Self::ImageUrl {
                image_url: ImageUrl {
                    url: PictureUrl(source),
                    detail: "auto",
                },
            },
        }
    }
}
