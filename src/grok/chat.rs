//! The body of a chat completion.

use serde_json::{Value, json};

use super::body::{MOST_COMPLETION_TOKENS, RequestOptions, TEMPERATURE};
use super::body::{address, encode, rules, schema, text};
use super::question::{Part, Question};
use crate::config::Transport;
use crate::host::Body;

/// The body as JSON.
pub(super) fn body(question: &Question, options: &RequestOptions) -> Body {
    let content: Vec<Value> = question.parts.iter().map(part).collect();
    let format = json!({ "name": question.name, "strict": true, "schema": schema(question) });
    let request = json!({
        "model": options.model,
        "messages": [
            { "role": "system", "content": text(&rules(question, options)) },
            { "role": "user", "content": content },
        ],
        "response_format": { "type": "json_schema", "json_schema": format },
        "reasoning_effort": question.effort,
        "max_completion_tokens": MOST_COMPLETION_TOKENS,
        "temperature": TEMPERATURE,
        "deferred": (options.transport == Transport::Deferred).then_some(true),
        "stream": (options.transport == Transport::Stream).then_some(true),
    });
    encode(request, question, options)
}

fn part(part: &Part) -> Value {
    match part {
        Part::Text(words) => json!({ "type": "text", "text": text(words) }),
        Part::Image(source) => {
            let image = json!({ "url": address(source), "detail": "auto" });
            json!({ "type": "image_url", "image_url": image })
        }
    }
}
