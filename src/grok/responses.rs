//! The body of a call of `/responses`: the same as a chat completion's in other words. Nothing is stored at xAI: with
//! images the API asks for that, and without them there is no reason for it.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Value, json};

use super::body::{
    MOST_COMPLETION_TOKENS, Message, PictureUrl, RequestOptions, TEMPERATURE, encode, messages,
};
use super::parameters::Parameter;
use super::question::{Part, Question};
use crate::host::Body;

/// The body as JSON.
pub(super) fn body(question: &Question, options: &RequestOptions) -> Body {
    let schema: Value = serde_json::from_str(&question.schema).unwrap_or_default();
    let request = ResponseRequest {
        model: options.model,
        input: messages(
            options.rules(question),
            question.parts.iter().map(InputPart::of).collect(),
        ),
        text: options.optional(
            Parameter::Schema,
            json!({ "format": {
                "type": "json_schema", "name": question.name, "strict": true, "schema": schema,
            } }),
        ),
        reasoning: options.optional(Parameter::Effort, json!({ "effort": question.effort })),
        max_output_tokens: options.optional(Parameter::MaxTokens, MOST_COMPLETION_TOKENS),
        temperature: options.optional(Parameter::Temperature, TEMPERATURE),
        store: options.optional(Parameter::Store, false),
        prompt_cache_key: options.optional(Parameter::CacheKey, options.conversation),
        stream: options.stream(),
    };
    encode(&request, &question.parts)
}

#[derive(Serialize)]
struct ResponseRequest<'a> {
    model: &'a str,
    input: (Message<Cow<'a, str>>, Message<Vec<InputPart<'a>>>),
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    store: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_cache_key: Option<&'a str>,
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
        image_url: PictureUrl<'a>,
        detail: &'static str,
    },
}

impl<'a> InputPart<'a> {
    fn of(part: &'a Part) -> Self {
        match part {
            Part::Text(text) => Self::InputText { text },
            Part::Image(source) => Self::InputImage {
                image_url: PictureUrl(source),
                detail: "auto",
            },
        }
    }
}
