//! What it means when the API does not answer, from what it says instead.

#[cfg(test)]
mod tests;

use serde_json::Value;

use crate::error::JobError;
use crate::host::TransportError;
use crate::words;

/// Enough for a person to understand; servers repeat what they were sent.
const MOST_CHARACTERS: usize = 300;

/// A call without an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Whether the same call can succeed later.
    pub class: Class,
    /// What happened and, where somebody can do something, what.
    pub message: String,
}

/// Whether the same call can succeed later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// It passes by itself, after this long if the API said so.
    Transient { retry_after_seconds: Option<u32> },
    /// The answer was deferred, and there is none any more; another one may be paid for again.
    Gone,
    /// It was not asked at all, because xAI wants a pause of so many seconds.
    Paused { seconds: u32 },
    /// No answer came in time; another attempt costs as much time again, and may be paid for again.
    TimedOut,
    /// The connection broke or never was; if it broke, another attempt may be paid for again.
    Lost,
    /// The request asks for too much at once: a part of it may be answered. `passes` if waiting helps too.
    Split { passes: bool },
    /// A photo of the request is what it will not take.
    Image,
    /// Somebody has to change something first.
    Permanent,
}

impl From<Failure> for JobError {
    fn from(Failure { class, message }: Failure) -> Self {
        match class {
            Class::Transient {
                retry_after_seconds,
            } => Self::Retryable {
                message,
                retry_after_seconds,
            },
            Class::Paused { seconds } => Self::Snoozed { seconds },
            Class::TimedOut | Class::Lost | Class::Gone | Class::Split { passes: true } => {
                Self::retryable(message)
            }
            Class::Split { passes: false } | Class::Image | Class::Permanent => {
                Self::permanent(message)
            }
        }
    }
}

impl Failure {
    pub(super) fn paused(ms: u64) -> Self {
        let seconds = ms.div_ceil(1_000) as u32;
        Self {
            class: Class::Paused { seconds },
            message: format!("grok wants a pause of {seconds} seconds"),
        }
    }

    pub(super) fn gone() -> Self {
        Self {
            class: Class::Gone,
            message: "grok has no answer any more to what it deferred".into(),
        }
    }

    pub(super) fn cut() -> Self {
        Self {
            class: Class::Lost,
            message: "grok stopped in the middle of its answer".into(),
        }
    }

    pub(super) fn transport(error: &TransportError) -> Self {
        let class = match error {
            TransportError::TimedOut => Class::TimedOut,
            TransportError::Failed(_) | TransportError::TooLarge => Class::Lost,
        };
        Self {
            class,
            message: format!("grok: {error}"),
        }
    }

    /// Judges a reply that is no answer.
    pub(super) fn response(status: u16, body: &[u8], api_key: &str) -> Self {
        let said = Said::read(body, api_key);
        let class = said.class(status);
        let mut message = format!("grok answered {status}: {}", said.message);
        if !said.code.is_empty() {
            message.push_str(&format!(" ({})", said.code));
        }
        message.push_str(said.advice(status));
        Self { class, message }
    }

    /// The same, knowing how long the server asks to wait.
    pub(super) fn waiting_as_told(mut self, seconds: Option<u32>) -> Self {
        if let Class::Transient {
            retry_after_seconds,
        } = &mut self.class
        {
            *retry_after_seconds = seconds;
        }
        self
    }

    /// Whether it is only about the wish to have the answer later.
    pub(super) fn is_about_deferring(&self) -> bool {
        let message = self.message.to_ascii_lowercase();
        self.class == Class::Permanent && message.contains("deferred")
    }

    /// How long the server asks to wait.
    pub(super) fn told_to_wait_seconds(&self) -> Option<u32> {
        match self.class {
            Class::Transient {
                retry_after_seconds,
            } => retry_after_seconds,
            _ => None,
        }
    }

    /// Whether another request about the same things can be answered at once.
    pub(super) fn is_about_the_request(&self) -> bool {
        matches!(self.class, Class::Split { .. } | Class::Image)
    }
}

/// An error's own words, in whatever shape they came.
struct Said {
    /// Empty when there is none.
    code: String,
    message: String,
}

impl Said {
    fn read(body: &[u8], api_key: &str) -> Self {
        let (code, message) = match serde_json::from_slice::<Value>(body) {
            Ok(body) => from_json(&body),
            Err(_) => (String::new(), from_text(&String::from_utf8_lossy(body))),
        };
        let presentable = |text: String| {
            let text = words::line(&text.replace(api_key, "…"));
            text.trim_end_matches('.')
                .chars()
                .take(MOST_CHARACTERS)
                .collect()
        };
        Self {
            code: presentable(code),
            message: presentable(message),
        }
    }

    fn class(&self, status: u16) -> Class {
        const SOON: Class = Class::Transient {
            retry_after_seconds: None,
        };
        match status {
            _ if self.is_about_credit() => Class::Permanent,
            429 if self.is_about_tokens() => Class::Split { passes: true },
            408 | 409 | 425 | 429 => SOON,
            413 => Class::Split { passes: false },
            200..=299 | 400..=499 if self.is_about_an_image() => Class::Image,
            200..=299 | 400..=499 if self.is_about_length() => Class::Split { passes: false },
            200..=299 if !self.is_refusal() => SOON,
            200..=299 | 400..=499 => Class::Permanent,
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

    fn advice(&self, status: u16) -> &'static str {
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

/// xAI's own errors are flat, `{code, error}`; proxies and other APIs nest them under `error`.
fn from_json(body: &Value) -> (String, String) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let error = &body["error"];
    let (code, message) = match error {
        Value::Object(_) => (text(&error["code"]), text(&error["message"])),
        _ => (text(&body["code"]), text(error)),
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
