//! Finds the words of an error, and makes them fit to be shown.

use serde_json::Value;

use crate::error::ErrorMessage;

/// The message, wherever it stands: xAI's own errors are flat, `{code, error}`; others nest them, list them, or call
/// them something else.
pub(super) fn message(error: &Value) -> Option<&str> {
    const NAMES: [&str; 6] = ["error", "message", "detail", "msg", "errors", "reason"];
    match error {
        Value::String(text) if !text.trim().is_empty() => Some(text),
        Value::Array(errors) => errors.iter().find_map(message),
        Value::Object(fields) => NAMES.iter().find_map(|name| message(fields.get(*name)?)),
        _ => None,
    }
}

/// A text field of an error, or of what it nests; empty when there is none.
pub(super) fn field<'a>(error: &'a Value, name: &str) -> &'a str {
    let nested = match error {
        Value::Array(errors) => errors.first(),
        error => error.get("error").filter(|nested| !nested.is_string()),
    };
    match nested {
        Some(nested) if !nested.is_null() => field(nested, name),
        _ => error.get(name).and_then(Value::as_str).unwrap_or_default(),
    }
}

/// Whether what came with a good status is an error by its own account.
pub(super) fn calls_itself_error(body: &Value) -> bool {
    let has = |name: &str| body.get(name).is_some_and(|value| !value.is_null());
    has("error") || body.get("object").and_then(Value::as_str) == Some("error")
}

pub(super) fn message_of_text(body: &str, is_success: bool) -> &str {
    match body.trim() {
        "" => "nothing",
        page if page.starts_with('<') => "a web page",
        _ if is_success => "what is no JSON",
        // What was to be JSON may be anything, the model's words too, and nobody's to read.
        json if json.starts_with('[') || json.contains(['{', '}']) || json.contains("\":") => {
            "what is no JSON"
        }
        text => text,
    }
}

/// The text on one line, without what no error may show and without ids.
pub(super) fn presentable(text: &str) -> String {
    let text = ErrorMessage::of(&text);
    let words = text
        .as_str()
        .split(|c: char| c.is_whitespace() || c.is_control());
    let words = words.filter(|word| !word.is_empty());
    let words = words.map(|word| if has_id(word) { "…" } else { word });
    let line = words.collect::<Vec<_>>().join(" ");
    line.trim_end_matches('.').to_owned()
}

/// Whether a word holds what may be the id of a team or a key.
fn has_id(word: &str) -> bool {
    let is_id = |part: &str| {
        let is_hex = part
            .bytes()
            .all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
        part.len() >= 16 && is_hex
    };
    let mut parts = word.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    parts.any(is_id)
}
