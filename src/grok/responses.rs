//! The body of a call of `/responses`: the same as a chat completion's in other words. Nothing is stored at xAI: with
//! images the API asks for that, and without them there is no reason for it.

use serde_json::{Value, json};

use super::body::{MOST_COMPLETION_TOKENS, RequestOptions, TEMPERATURE};
use super::body::{address, encode, rules, schema, text};
use super::question::{Part, Question};
use crate::config::Transport;
use crate::host::Body;

/// The body as JSON.
pub(super) fn body(question: &Question, options: &RequestOptions) -> Body {
    let content: Vec<Value> = question.parts.iter().map(part).collect();
    let format = json!({
        "type": "json_schema", "name": question.name, "strict": true, "schema": schema(question),
    });
    let request = json!({
        "model": options.model,
        "input": [
            { "role": "system", "content": text(&rules(question, options)) },
            { "role": "user", "content": content },
        ],
        "text": { "format": format },
        "reasoning": { "effort": question.effort },
        "max_output_tokens": MOST_COMPLETION_TOKENS,
        "temperature": TEMPERATURE,
        "store": false,
        "prompt_cache_key": options.conversation,
        "stream": (options.transport == Transport::Stream).then_some(true),
    });
    encode(request, question, options)
}

fn part(part: &Part) -> Value {
    match part {
        Part::Text(words) => json!({ "type": "input_text", "text": text(words) }),
        Part::Image(source) => {
            json!({ "type": "input_image", "image_url": address(source), "detail": "auto" })
        }
    }
}
