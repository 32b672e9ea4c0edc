//! What it means when the API does not answer, from what it says instead.

#[cfg(test)]
mod tests;

use serde_json::Value;

use crate::error::JobError;
use crate::handlers::generate_report::words;
use crate::host::{HttpResponse, TransportError};

/// A longer wait than this is not believed.
const LONGEST_WAIT_SECONDS: u32 = 86_400;
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
    /// No answer came in time; another attempt costs as much time again.
    TimedOut,
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
            Class::TimedOut => Self::retryable(message),
            Class::Permanent => Self::permanent(message),
        }
    }
}

impl Failure {
    pub(super) fn transport(error: &TransportError) -> Self {
        let class = match error {
            TransportError::TimedOut => Class::TimedOut,
            TransportError::Failed(_) | TransportError::TooLarge => Class::Transient {
                retry_after_seconds: None,
            },
        };
        Self {
            class,
            message: format!("grok: {error}"),
        }
    }

    /// Judges an answer that is no completion.
    pub(super) fn response(response: &HttpResponse, api_key: &str) -> Self {
        let said = Said::read(&response.body, api_key);
        let class = said.class(response.status, retry_after_seconds(response));
        let mut message = format!("grok answered {}: {}", response.status, said.message);
        if !said.code.is_empty() {
            message.push_str(&format!(" ({})", said.code));
        }
        message.push_str(said.advice(response.status));
        Self { class, message }
    }
}

fn retry_after_seconds(response: &HttpResponse) -> Option<u32> {
    let seconds: u32 = response.header("retry-after")?.trim().parse().ok()?;
    Some(seconds.min(LONGEST_WAIT_SECONDS))
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

    fn class(&self, status: u16, retry_after_seconds: Option<u32>) -> Class {
        let is_permanent = match status {
            _ if self.is_about_credit() => true,
            408 | 409 | 425 | 429 => false,
            200..=299 => self.is_refusal(),
            400..=499 => true,
            // What nobody has classified is tried again.
            _ => false,
        };
        match is_permanent {
            true => Class::Permanent,
            false => Class::Transient {
                retry_after_seconds,
            },
        }
    }

    /// A 429 that no waiting cures.
    fn is_about_credit(&self) -> bool {
        let message = self.message.to_ascii_lowercase();
        message.contains("credits") || message.contains("spending limit")
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
            400 if self.message.to_ascii_lowercase().contains("api key") => "; check GROK_API_KEY",
            404 => "; check GROK_MODEL and GROK_BASE_URL",
            413 => "; choose a smaller options.batchSize",
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
