//! What it means when the API does not answer, from what it says instead.

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

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Class = Class::Transient {
        retry_after_seconds: None,
    };

    fn failure(status: u16, body: &str) -> Failure {
        let response = HttpResponse {
            status,
            headers: Vec::new(),
            body: body.into(),
        };
        Failure::response(&response, "xai-secret")
    }

    #[test]
    fn errors_are_read_in_every_shape_they_come_in() {
        let check = |status, body, class, message: &str| {
            let failure = failure(status, body);
            assert_eq!((failure.class, failure.message.as_str()), (class, message));
        };
        check(
            500,
            r#"{"code":"internal","error":"Something broke."}"#,
            SOON,
            "grok answered 500: Something broke (internal)",
        );
        check(
            503,
            r#"{"error":{"message":"Overloaded","type":"server_error","code":null}}"#,
            SOON,
            "grok answered 503: Overloaded",
        );
        check(
            200,
            r#"{"code":"unavailable","error":"Timed out waiting for first token"}"#,
            SOON,
            "grok answered 200: Timed out waiting for first token (unavailable)",
        );
        check(
            200,
            r#"{"code":"Client specified an invalid argument","error":"no such model"}"#,
            Class::Permanent,
            "grok answered 200: no such model (Client specified an invalid argument)",
        );
        check(
            502,
            "<html><h1>Bad Gateway</h1></html>",
            SOON,
            "grok answered 502: a web page",
        );
        check(
            502,
            "upstream connect error",
            SOON,
            "grok answered 502: upstream connect error",
        );
        check(200, "", SOON, "grok answered 200: nothing");
        check(
            200,
            "{}",
            SOON,
            "grok answered 200: neither a completion nor an error",
        );
        check(
            400,
            r#"{"code":"Client specified an invalid argument","error":"Incorrect API key provided."}"#,
            Class::Permanent,
            "grok answered 400: Incorrect API key provided (Client specified an invalid argument); check GROK_API_KEY",
        );
    }

    #[test]
    fn a_status_says_whether_to_come_back() {
        for status in [408, 409, 425, 429, 500, 502, 503, 504, 529, 302] {
            assert_eq!(failure(status, "{}").class, SOON, "{status}");
        }
        for status in [400, 401, 402, 403, 404, 405, 413, 415, 422] {
            assert_eq!(failure(status, "{}").class, Class::Permanent, "{status}");
        }
    }

    #[test]
    fn a_429_for_want_of_credit_is_for_good() {
        let body = r#"{"code":"resource-exhausted","error":"Your team has used all available credits or reached its monthly spending limit."}"#;
        let failure = failure(429, body);
        assert_eq!(failure.class, Class::Permanent);
        assert!(
            failure
                .message
                .ends_with("add credit to the xAI account or raise its limit, then retry the job")
        );
    }

    #[test]
    fn retry_after_is_honoured_in_seconds_and_within_reason() {
        let wait = |text: &str| {
            let headers = vec![("retry-after".into(), text.into())];
            let response = HttpResponse {
                status: 429,
                headers,
                body: Vec::new(),
            };
            match Failure::response(&response, "xai-secret").class {
                Class::Transient {
                    retry_after_seconds,
                } => retry_after_seconds,
                class => panic!("{class:?} should be transient"),
            }
        };
        assert_eq!(wait("20"), Some(20));
        assert_eq!(wait("999999999"), Some(LONGEST_WAIT_SECONDS));
        assert_eq!(wait("Wed, 21 Oct 2026 07:28:00 GMT"), None);
    }

    #[test]
    fn the_key_and_long_bodies_stay_out_of_the_message() {
        let failure = failure(
            400,
            &format!("the key xai-secret is wrong {}", "x".repeat(5_000)),
        );
        assert!(!failure.message.contains("xai-secret"));
        assert!(failure.message.len() < 400);
    }

    #[test]
    fn no_answer_is_tried_again() {
        let class = |error| Failure::transport(&error).class;
        assert_eq!(class(TransportError::TimedOut), Class::TimedOut);
        assert_eq!(class(TransportError::Failed("reset".into())), SOON);
    }
}
