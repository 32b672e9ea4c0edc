//! The body of a call of `/responses`: the same as a chat completion's in other words. Nothing is stored at xAI: with
//! images the API asks for that, and without them there is no reason for it.

use serde::Serialize;
use serde_json::{Value, json};

use super::body::{
    MOST_COMPLETION_TOKENS, Message, PictureUrl, RequestOptions, TEMPERATURE, encode, messages,
};
use super::question::{Part, Question};
use crate::host::Body;

/// The body as JSON.
pub(super) fn body(question: &Question, options: RequestOptions) -> Body {
    let schema: Value = serde_json::from_str(&question.schema).unwrap_or_default();
    let request = ResponseRequest {
        model: options.model,
        input: messages(
            question.rules,
            question.parts.iter().map(InputPart::of).collect(),
        ),
        text: json!({ "format": {
            "type": "json_schema", "name": question.name, "strict": true, "schema": schema,
        } }),
        reasoning: json!({ "effort": question.effort }),
        max_output_tokens: MOST_COMPLETION_TOKENS,
        temperature: TEMPERATURE,
        store: false,
        prompt_cache_key: options.conversation,
        stream: options.is_streamed.then_some(true),
    };
    encode(&request, &question.parts)
}

#[derive(Serialize)]
struct ResponseRequest<'a> {
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
