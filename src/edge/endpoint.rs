//! What the function answers over HTTP, apart from running jobs.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::config::{Config, ConfigError};
use crate::edge::auth::{self, Credentials};
use crate::error::ErrorMessage;
use crate::isolate::StopReason;
use crate::queue::QueueError;
use crate::worker::RunReport;

const JSON: &str = "application/json";
/// Prometheus's text format.
const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// An answer, and the `allow` header where one is due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The header `content-type`.
    pub content_type: &'static str,
    /// The methods that would have been accepted.
    pub allow: Option<&'static str>,
    /// The header `retry-after`: after how many seconds another request may fare better.
    pub retry_after: Option<u32>,
    /// A JSON object with `success`, unless metrics were asked for.
    pub body: AnswerBody,
}

/// What an answer says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum AnswerBody {
    /// Yes.
    Success {
        /// True.
        success: bool,
        /// In words.
        message: &'static str,
    },
    /// The worker could run jobs.
    Ready {
        /// True.
        success: bool,
        /// In words.
        message: &'static str,
        /// Which worker is deployed.
        version: &'static str,
    },
    /// No.
    Refusal {
        /// False.
        success: bool,
        /// Why not.
        error: String,
    },
    /// A run is over.
    Report {
        /// Whether it ended by itself.
        success: bool,
        /// What it did.
        #[serde(flatten)]
        report: Box<RunReport>,
    },
    /// Prometheus's text.
    Metrics(String),
}

impl Answer {
    fn refusal(status: u16, error: impl Into<String>) -> Self {
        let error = error.into();
        let success = false;
        Self::json(status, AnswerBody::Refusal { success, error })
    }

    fn json(status: u16, body: AnswerBody) -> Self {
        Self {
            status,
            content_type: JSON,
            allow: None,
            retry_after: None,
            body,
        }
    }
}

/// Lets a caller start a run, or answers at once: health, wrong method, no right to, not configured.
///
/// # Errors
/// The [`Answer`] when there is nothing to run.
pub fn admit<'a>(
    config: &'a Result<Config, ConfigError>,
    method: &str,
    credentials: Credentials<'_>,
) -> Result<&'a Config, Answer> {
    if !matches!(method, "GET" | "POST") {
        return Err(Answer {
            allow: Some("GET, POST"),
            ..Answer::refusal(405, "expected POST to run jobs or GET to check health")
        });
    }
    let config = config.as_ref().map_err(not_configured)?;
    if method == "GET" {
        return Err(ready());
    }
    if !auth::is_authorised(config, credentials) {
        return Err(Answer::refusal(
            401,
            "expected the worker token in x-queue-token or a secret key of the project in apikey",
        ));
    }
    Ok(config)
}

/// The answer to a health check: which version of the worker is deployed.
fn ready() -> Answer {
    let ready = AnswerBody::Ready {
        success: true,
        message: "ready",
        version: env!("CARGO_PKG_VERSION"),
    };
    Answer::json(200, ready)
}

/// Whether the caller wants to wait for the run's end. Other members are ignored: a database webhook
/// sends its own.
///
/// # Errors
/// The [`Answer`] to a body that is neither empty nor a JSON object with a boolean `wait`.
pub fn wants_to_wait(body: &str) -> Result<bool, Answer> {
    if body.trim().is_empty() {
        return Ok(false);
    }
    let members: Map<String, Value> = serde_json::from_str(body)
        .map_err(|_| Answer::refusal(400, "body: expected nothing or a JSON object"))?;
    match members.get("wait") {
        None => Ok(false),
        Some(Value::Bool(wait)) => Ok(*wait),
        Some(_) => Err(Answer::refusal(400, "wait: expected true or false")),
    }
}

/// The answer of an isolate that may begin nothing more: the next request reaches a fresh one.
pub fn used_up() -> Answer {
    Answer {
        retry_after: Some(0),
        ..Answer::refusal(503, "this isolate is used up and ends: call again")
    }
}

/// The answer to a caller that does not wait.
pub fn accepted() -> Answer {
    let (success, message) = (true, "the queue is being worked off");
    Answer::json(202, AnswerBody::Success { success, message })
}

/// The answer of a worker that is missing a setting: it does nothing for anybody.
pub fn not_configured(error: &ConfigError) -> Answer {
    Answer::refusal(500, error.to_string())
}

/// The answer to whoever scrapes: what the database says about the queue.
pub fn metrics(text: Result<String, QueueError>) -> Answer {
    match text {
        Ok(text) => Answer {
            content_type: METRICS,
            ..Answer::json(200, AnswerBody::Metrics(text))
        },
        Err(error) => Answer::refusal(503, ErrorMessage::of(&error).as_str()),
    }
}

/// The answer to a caller that waited. A run that the database ended is no success.
pub fn finished(report: RunReport) -> Answer {
    let success = report.stopped != StopReason::Database;
    let report = Box::new(report);
    Answer::json(200, AnswerBody::Report { success, report })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::config;

    fn body(answer: &Answer) -> Value {
        serde_json::to_value(&answer.body).expect("JSON")
    }

    const CALLER: Credentials<'_> = Credentials {
        worker_token: Some("worker-token"),
        api_key: None,
    };
    const STRANGER: Credentials<'_> = Credentials {
        worker_token: None,
        api_key: None,
    };

    fn refusal(method: &str, credentials: Credentials<'_>) -> Answer {
        admit(&Ok(config(&[])), method, credentials).expect_err("not a run")
    }

    #[test]
    fn an_authorised_post_starts_a_run() {
        assert!(admit(&Ok(config(&[])), "POST", CALLER).is_ok());
    }

    #[test]
    fn a_stranger_is_told_which_header_is_missing_and_nothing_else() {
        let answer = refusal("POST", STRANGER);
        assert_eq!(
            (answer.status, &body(&answer)["success"]),
            (401, &json!(false))
        );
        assert!(body(&answer)["error"].to_string().contains("x-queue-token"));
    }

    #[test]
    fn a_get_is_a_health_check_for_everybody_and_tells_the_version() {
        let answer = refusal("GET", STRANGER);
        assert_eq!(answer.status, 200);
        assert_eq!(
            body(&answer),
            json!({ "success": true, "message": "ready", "version": env!("CARGO_PKG_VERSION") })
        );
    }

    #[test]
    fn another_method_is_told_the_allowed_ones() {
        let answer = refusal("PUT", CALLER);
        assert_eq!((answer.status, answer.allow), (405, Some("GET, POST")));
    }

    #[test]
    fn a_worker_without_its_settings_does_nothing_for_anybody_and_names_the_variable() {
        let missing = ConfigError {
            variable: "QUEUE_WORKER_TOKEN",
            expected: "is not set".into(),
        };
        for method in ["POST", "GET"] {
            let answer = admit(&Err(missing.clone()), method, CALLER).expect_err("not a run");
            assert_eq!(answer.status, 500);
            assert_eq!(body(&answer)["error"], "QUEUE_WORKER_TOKEN: is not set");
        }
    }

    #[test]
    fn a_body_may_ask_to_wait() {
        assert_eq!(wants_to_wait(""), Ok(false));
        assert_eq!(wants_to_wait(" \n"), Ok(false));
        assert_eq!(wants_to_wait("{}"), Ok(false));
        assert_eq!(wants_to_wait(r#"{"wait":false}"#), Ok(false));
        assert_eq!(wants_to_wait(r#"{"wait":true}"#), Ok(true));
    }

    #[test]
    fn what_a_database_webhook_sends_is_no_reason_to_refuse() {
        let body = r#"{"type":"INSERT","table":"jobs","record":{"id":"1"}}"#;
        assert_eq!(wants_to_wait(body), Ok(false));
    }

    #[test]
    fn a_body_that_makes_no_sense_is_told_what_was_expected() {
        for sent in ["{", "[1]", "\"wait\"", "true"] {
            let answer = wants_to_wait(sent).expect_err("refused");
            assert_eq!(answer.status, 400, "{sent}");
            assert!(body(&answer)["error"].to_string().contains("a JSON object"));
        }
        let answer = wants_to_wait(r#"{"wait":"yes"}"#).expect_err("refused");
        assert_eq!(body(&answer)["error"], "wait: expected true or false");
    }

    #[test]
    fn a_run_that_the_database_ended_is_no_success() {
        let mut report = RunReport::default();
        let answer = finished(report.clone());
        assert_eq!(
            (answer.status, &body(&answer)["success"]),
            (200, &json!(true))
        );
        assert_eq!(body(&answer)["stopped"], "empty");
        report.stopped = StopReason::Database;
        assert_eq!(body(&finished(report))["success"], false);
    }
}
