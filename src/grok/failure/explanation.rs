//! What an error of the API says, and what that means.

use std::fmt;

use serde_json::Value;

use super::FailureClass;
use crate::grok::parameters::Parameter;

/// Enough for a person to understand; servers repeat what they were sent.
const MOST_CHARACTERS: usize = 300;
/// A longer error is not read to its end.
const MOST_CHARACTERS_READ: usize = 4_000;
const SOON: FailureClass = FailureClass::Transient {
    retry_after_seconds: None,
};

/// An error's own words, in whatever shape they came, on one line.
pub(super) struct Explanation {
    /// Empty when there is none.
    code: String,
    message: String,
    /// The parameter it is about; empty when it does not say.
    parameter: String,
}

impl Explanation {
    pub(super) fn read(body: &[u8], api_key: &str) -> Self {
        let body = String::from_utf8_lossy(body);
        let error: Option<Value> = serde_json::from_str(&body).ok();
        let (code, message, parameter) = match &error {
            Some(error) => (
                field(error, "code"),
                message(error).unwrap_or("neither a completion nor an error"),
                field(error, "param"),
            ),
            None => ("", message_of_text(&body), ""),
        };
        let line = |text: &str| presentable(&text.replace(api_key, "…"));
        Self {
            code: line(code),
            message: line(message),
            parameter: line(parameter),
        }
    }

    pub(super) fn class(&self, status: u16) -> FailureClass {
        match status {
            _ if self.is_about_credit() => FailureClass::Permanent,
            429 if self.is_about_tokens() => FailureClass::Split { passes: true },
            408 | 409 | 425 | 429 => SOON,
            413 => FailureClass::Split { passes: false },
            200..=299 | 400..=499 => self.class_of_refusal(status),
            // What nobody has classified is tried again.
            _ => SOON,
        }
    }

    fn class_of_refusal(&self, status: u16) -> FailureClass {
        let is_about_the_caller =
            matches!(status, 401 | 402 | 404 | 405) || self.says(&["api key"]);
        if is_about_the_caller {
            return FailureClass::Permanent;
        }
        if self.is_about_content() {
            return FailureClass::Content;
        }
        if status == 403 {
            return FailureClass::Permanent;
        }
        if let Some(parameter) = self.refused_parameter() {
            return FailureClass::Parameter(parameter);
        }
        if self.is_about_an_image() {
            return FailureClass::Image;
        }
        if self.is_about_length() {
            return FailureClass::Split { passes: false };
        }
        if (200..=299).contains(&status) && !self.is_refusal() {
            return SOON;
        }
        if self.says(&["model"]) {
            return FailureClass::Permanent;
        }
        FailureClass::Unexplained
    }

    /// What the request shows or says is against xAI's rules.
    fn is_about_content(&self) -> bool {
        let rules = [
            "usage guideline",
            "content policy",
            "content filter",
            "safety",
            "moderation",
        ];
        self.says(&rules)
            || self.says(&["violat"]) && self.says(&["content", "guideline", "polic", "terms"])
    }

    fn refused_parameter(&self) -> Option<Parameter> {
        let is_refused = self.says(&[
            "support",
            "unknown",
            "recogni",
            "unexpected",
            "allow",
            "permit",
            "accept",
            "not take",
            "invalid",
            "extra",
        ]);
        let in_message = || Parameter::named_in(&self.message).filter(|_| is_refused);
        Parameter::named_in(&self.parameter).or_else(in_message)
    }

    /// A limit of tokens per minute: smaller requests meet it later, and alone a request may be too large for it.
    fn is_about_tokens(&self) -> bool {
        self.says(&["tokens per minute", "too many tokens"])
    }

    /// More than the model or a server on the way takes in one request.
    fn is_about_length(&self) -> bool {
        let lengths = [
            "prompt length",
            "prompt is too long",
            "context length",
            "context_length",
            "context window",
            "too many tokens",
            "too large",
        ];
        self.says(&lengths)
    }

    /// Not the whole model's refusal of images: without any photo seen there is no report to sell.
    fn is_about_an_image(&self) -> bool {
        self.says(&["image"]) && !self.says(&["model"])
    }

    fn says(&self, words: &[&str]) -> bool {
        let said = format!("{} {}", self.message, self.code).to_ascii_lowercase();
        words.iter().any(|words| said.contains(words))
    }

    /// A 429 that no waiting cures.
    fn is_about_credit(&self) -> bool {
        self.says(&["credits", "spending limit"])
    }

    /// The codes of an error that came with status 200 and would come again.
    fn is_refusal(&self) -> bool {
        let code = self.code.to_ascii_lowercase().replace([' ', '_'], "-");
        let refusals = [
            "invalid-argument",
            "unauthenticated",
            "permission-denied",
            "not-found",
            "unimplemented",
        ];
        refusals.iter().any(|refusal| code.contains(refusal))
    }

    pub(super) fn advice(&self, status: u16) -> &'static str {
        match status {
            _ if self.is_about_credit() => {
                "; add credit to the xAI account or raise its limit, then retry the job"
            }
            _ if self.is_about_content() => "",
            401 | 403 => "; check GROK_API_KEY",
            400 if self.says(&["api key"]) => "; check GROK_API_KEY",
            404 => "; check GROK_MODEL and GROK_BASE_URL",
            _ => "",
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.message.chars().take(MOST_CHARACTERS);
        formatter.write_str(&shown.collect::<String>())?;
        match self.code.as_str() {
            "" => Ok(()),
            code => write!(formatter, " ({code})"),
        }
    }
}

/// The message, wherever it stands: xAI's own errors are flat, `{code, error}`; others nest them, list them, or call
/// them something else.
fn message(error: &Value) -> Option<&str> {
    const NAMES: [&str; 6] = ["error", "message", "detail", "msg", "errors", "reason"];
    match error {
        Value::String(text) if !text.trim().is_empty() => Some(text),
        Value::Array(errors) => errors.iter().find_map(message),
        Value::Object(fields) => NAMES.iter().find_map(|name| message(fields.get(*name)?)),
        _ => None,
    }
}

/// A text field of an error, or of what it nests; empty when there is none.
fn field<'a>(error: &'a Value, name: &str) -> &'a str {
    let nested = match error {
        Value::Array(errors) => errors.first(),
        error => error.get("error").filter(|nested| !nested.is_string()),
    };
    match nested {
        Some(nested) if !nested.is_null() => field(nested, name),
        _ => error.get(name).and_then(Value::as_str).unwrap_or_default(),
    }
}

fn message_of_text(body: &str) -> &str {
    match body.trim() {
        "" => "nothing",
        page if page.starts_with('<') => "a web page",
        // What was to be JSON may be anything, and nobody's to read.
        json if json.starts_with(['{', '[']) => "what is no JSON",
        text => text,
    }
}

/// The text on one line, without addresses and ids.
fn presentable(text: &str) -> String {
    let text: String = text.chars().take(MOST_CHARACTERS_READ).collect();
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    let words = words.filter(|word| !word.is_empty());
    let words = words.map(|word| if is_secret(word) { "…" } else { word });
    let line = words.collect::<Vec<_>>().join(" ");
    line.trim_end_matches('.').to_owned()
}

/// Whether a word is an address, a photo or an id of a team or a key.
fn is_secret(word: &str) -> bool {
    let is_id = |part: &str| {
        let is_hex = part
            .bytes()
            .all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
        part.len() >= 16 && is_hex
    };
    let mut parts = word.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    word.contains("://") || word.contains("base64,") || word.contains("xai-") || parts.any(is_id)
}
