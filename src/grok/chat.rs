//! The body of a chat completion.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Value, json};

use super::body::{
    MOST_COMPLETION_TOKENS, Message, PictureUrl, RequestOptions, TEMPERATURE, encode, messages,
};
use super::parameters::Parameter;
use super::question::{Effort, Part, Question};
use crate::host::Body;

/// The body as JSON.
pub(super) fn body(question: &Question, options: &RequestOptions) -> Body {
    let schema: Value = serde_json::from_str(&question.schema).unwrap_or_default();
    let completion = Completion {
        model: options.model,
        messages: messages(
            options.rules(question),
            question.parts.iter().map(ChatPart::of).collect(),
        ),
        response_format: options.optional(
            Parameter::Schema,
            json!({
                "type": "json_schema",
                "json_schema": { "name": question.name, "strict": true, "schema": schema },
            }),
        ),
        reasoning_effort: options.optional(Parameter::Effort, question.effort),
        max_completion_tokens: options.optional(Parameter::MaxTokens, MOST_COMPLETION_TOKENS),
        temperature: options.optional(Parameter::Temperature, TEMPERATURE),
        deferred: options.deferred(),
        stream: options.stream(),
    };
    encode(&completion, &question.parts)
}

#[derive(Serialize)]
struct Completion<'a> {
    model: &'a str,
    messages: (Message<Cow<'a, str>>, Message<Vec<ChatPart<'a>>>),
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_effort: Option<Effort>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
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
