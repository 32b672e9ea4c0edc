//! One call of xAI's chat completions: what is sent, what comes back, what it cost, what went wrong.

mod failure;
mod reply;
mod request;
mod usage;

use serde_json::json;

pub use self::failure::{Class, Failure};
pub use self::reply::Answer;
pub use self::request::Part;
pub use self::usage::Usage;
use super::input::Effort;
use super::visit::Settings;
use crate::config::GrokConfig;
use crate::handler::JobContext;
use crate::host::{Host, HttpRequest, Method, TransportError};

const MOST_RESPONSE_BYTES: usize = 4 << 20;

/// The API, for the calls of one job.
pub struct Grok<'a, H> {
    context: &'a JobContext<'a, H>,
    config: &'a GrokConfig,
    model: &'a str,
    effort: Effort,
}

/// What is asked in one call.
pub struct Question<'a> {
    /// The name of the schema, which also names the question in the log.
    pub name: &'static str,
    /// The system message.
    pub rules: &'a str,
    /// The user message.
    pub parts: Vec<Part>,
    /// What the answer must look like, as JSON.
    pub schema: String,
}

impl<'a, H: Host> Grok<'a, H> {
    /// The API as the worker is configured, with the job's choice of model and effort.
    pub fn new(
        context: &'a JobContext<'a, H>,
        config: &'a GrokConfig,
        settings: &'a Settings,
    ) -> Self {
        Self {
            context,
            config,
            model: settings.model.as_deref().unwrap_or(&config.model),
            effort: settings.effort,
        }
    }

    /// Asks once.
    ///
    /// # Errors
    /// [`Failure`] when there is no answer; an answer of no use is an `Ok`.
    pub async fn ask(&self, question: Question<'_>) -> Result<Answer, Failure> {
        let started_ms = self.context.now_ms();
        let name = question.name;
        let request = self.request(question);
        let response = self.context.fetch(request).await;
        let answer = match response {
            Ok(response) => reply::read(&response, self.config.api_key.expose()),
            Err(TransportError::TooLarge) => {
                Ok(Answer::useless("the answer is too long", Usage::default()))
            }
            Err(error) => Err(Failure::transport(&error)),
        };
        self.log(name, started_ms, &answer);
        answer
    }

    fn request(&self, question: Question<'_>) -> HttpRequest {
        HttpRequest {
            method: Method::Post,
            url: format!("{}/chat/completions", self.config.base_url),
            headers: vec![
                ("content-type".into(), "application/json".into()),
                (
                    "authorization".into(),
                    format!("Bearer {}", self.config.api_key.expose()),
                ),
                // Requests of one conversation meet the same cache of the messages they begin with.
                ("x-grok-conv-id".into(), self.context.job().id.to_string()),
            ],
            body: Some(request::body(&question, self.model, self.effort)),
            timeout_ms: self.config.timeout_seconds.saturating_mul(1_000),
            max_response_bytes: MOST_RESPONSE_BYTES,
        }
    }

    fn log(&self, question: &str, started_ms: u64, answer: &Result<Answer, Failure>) {
        let ms = self.context.now_ms() - started_ms;
        let fields = match answer {
            Ok(Answer { problem, usage, .. }) => json!({
                "question": question, "ms": ms, "problem": problem,
                "prompt_tokens": usage.prompt_tokens, "completion_tokens": usage.completion_tokens,
            }),
            Err(failure) => json!({ "question": question, "ms": ms, "problem": failure.message }),
        };
        self.context.log("grok_answered", fields);
    }
}
