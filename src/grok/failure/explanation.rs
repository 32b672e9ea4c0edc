//! What an error of the API says, and what that means.

use std::fmt;

use serde_json::Value;

use super::FailureClass;

/// Enough for a person to understand; servers repeat what they were sent.
const MOST_CHARACTERS: usize = 300;

/// An error's own words, in whatever shape they came.
pub(super) struct Explanation {
    /// Empty when there is none.
    code: String,
    message: String,
}

impl Explanation {
    pub(super) fn read(body: &[u8], api_key: &str) -> Self {
        let (code, message) = match serde_json::from_slice::<Value>(body) {
            Ok(body) => from_json(&body),
            Err(_) => (String::new(), from_text(&String::from_utf8_lossy(body))),
        };
        let presentable = |text: String| {
            let text = text.replace(api_key, "…");
            let words: Vec<&str> = text
                .split(|c: char| c.is_whitespace() || c.is_control())
                .collect();
            let words = words.into_iter().filter(|word| !word.is_empty());
            let line = words.collect::<Vec<_>>().join(" ");
            line.trim_end_matches('.')
                .chars()
                .take(MOST_CHARACTERS)
                .collect()
        };
        Self {
            code: presentable(code),
            message: presentable(message),
        }
    }

    pub(super) fn class(&self, status: u16) -> FailureClass {
        const SOON: FailureClass = FailureClass::Transient {
            retry_after_seconds: None,
        };
        match status {
            _ if self.is_about_credit() => FailureClass::Permanent,
            429 if self.is_about_tokens() => FailureClass::Split { passes: true },
            408 | 409 | 425 | 429 => SOON,
            413 => FailureClass::Split { passes: false },
            200..=299 | 400..=499 if self.is_about_an_image() => FailureClass::Image,
            200..=299 | 400..=499 if self.is_about_length() => {
                FailureClass::Split { passes: false }
            }
            200..=299 if !self.is_refusal() => SOON,
            200..=299 | 400..=499 => FailureClass::Permanent,
            // What nobody has classified is tried again.
            _ => SOON,
        }
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
        let message = self.message.to_ascii_lowercase();
        words.iter().any(|words| message.contains(words))
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
            401 | 403 => "; check GROK_API_KEY",
            400 if self.says(&["api key"]) => "; check GROK_API_KEY",
            404 => "; check GROK_MODEL and GROK_BASE_URL",
            _ => "",
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)?;
        match self.code.as_str() {
            "" => Ok(()),
            code => write!(formatter, " ({code})"),
        }
    }
}

/// xAI's own errors are flat, `{code, error}`; proxies and other APIs nest them under `error`.
fn from_json(body: &Value) -> (String, String) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let field = |value: &Value, name: &str| value.get(name).map(text).unwrap_or_default();
    let (code, message) = match body.get("error") {
        Some(error @ Value::Object(_)) => (field(error, "code"), field(error, "message")),
        _ => (field(body, "code"), field(body, "error")),
    };
    match message.is_empty() {
        true => (code, "neither a completion nor an error".into()),
        false => (code, message),
    }
}

fn from_text(body: &str) -> String {
    match body.trim() {
        "" => "nothing".into(),
        page if page.starts_with('<') => "a web page".into(),
        text => text.into(),
    }
}
