//! One call of xAI's chat completions: what is sent, what comes back, what it cost, what went wrong.

mod failure;
mod fingerprint;
mod limiter;
mod purse;
mod reply;
mod request;
mod usage;

use std::rc::Rc;

use serde_json::json;

pub use self::failure::{Class, Failure};
use self::limiter::Limiter;
pub use self::limiter::Place;
use self::purse::Purse;
pub use self::reply::{Answer, Reply};
pub use self::request::Part;
pub use self::usage::Usage;
use super::input::Effort;
use super::visit::Settings;
use crate::config::GrokConfig;
use crate::handler::JobContext;
use crate::host::{Host, HttpRequest, Method, TransportError};

/// A step keeps the reply as text within JSON, and no result of a step is larger than 1 MiB. What the model may
/// write at most is a tenth of this.
const MOST_RESPONSE_BYTES: usize = 480 << 10;
/// Before the same is asked again, if the API does not say how long. What lasts longer is for the queue to wait out.
const PAUSES_SECONDS: [u32; 2] = [1, 3];
const LONGEST_PAUSE_SECONDS: u32 = 10;
/// Before a request is sent; a job that would have to wait longer leaves its place to others.
const LONGEST_WAIT_MS: u64 = 15_000;

/// The API, for the calls of one job.
pub struct Grok<'a, H> {
    context: &'a JobContext<'a, H>,
    config: &'a GrokConfig,
    model: &'a str,
    effort: Effort,
    purse: Purse,
    limiter: Rc<Limiter>,
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
            purse: Purse::new(settings.max_cost_usd, &context.job().steps),
            limiter: context.shared(),
        }
    }

    /// Waits for a place among the requests of this isolate; whoever gathers what to ask holds one meanwhile.
    ///
    /// # Errors
    /// [`Failure`] when xAI wants a longer pause than is worth waiting for here.
    pub async fn place(&self) -> Result<Place<'_>, Failure> {
        let place = self.limiter.place(self.config).await;
        self.wait(|now_ms| self.limiter.pause_ms(now_ms)).await?;
        Ok(place)
    }

    /// Whether the job has spent what it may, so that nothing new is to be asked.
    pub fn is_spent(&self) -> bool {
        self.purse.is_empty()
    }

    /// What tells this question from every other: the same twice is the same question to the same model.
    pub fn fingerprint(&self, question: &Question<'_>) -> String {
        fingerprint::of(question, self.model, self.effort)
    }

    /// Asks once. The reply is as it came: [`Self::read`] says what it says.
    ///
    /// # Errors
    /// [`Failure`] when there is no answer; one of no use, or about the request itself, is an `Ok`.
    pub async fn ask(&self, question: Question<'_>) -> Result<Reply, Failure> {
        for pause_seconds in PAUSES_SECONDS {
            let reply = self.send(&question).await;
            let Err(Failure {
                class: Class::Transient {
                    retry_after_seconds,
                },
                ..
            }) = &reply
            else {
                return reply;
            };
            let pause_seconds = retry_after_seconds.unwrap_or(pause_seconds);
            if pause_seconds > LONGEST_PAUSE_SECONDS {
                return reply;
            }
            self.context.sleep_ms(pause_seconds * 1_000).await;
        }
        self.send(&question).await
    }

    /// What a reply says.
    ///
    /// # Errors
    /// [`Failure`] when the reply is an error.
    pub fn read(&self, reply: &Reply) -> Result<Answer, Failure> {
        reply.read(self.config.api_key.expose())
    }

    async fn send(&self, question: &Question<'_>) -> Result<Reply, Failure> {
        let tokens = question.tokens();
        self.wait(|now_ms| self.limiter.wait_ms(self.config, tokens, now_ms))
            .await?;
        let started_ms = self.context.now_ms();
        let reply = self.send_once(self.request(question)).await;
        self.log(question.name, started_ms, &reply);
        reply
    }

    async fn wait(&self, wait_ms: impl Fn(u64) -> u64) -> Result<(), Failure> {
        loop {
            match wait_ms(self.context.now_ms()) {
                0 => return Ok(()),
                ms if ms > LONGEST_WAIT_MS => return Err(Failure::paused(ms)),
                ms => self.context.sleep_ms(ms as u32).await,
            }
        }
    }

    async fn send_once(&self, request: HttpRequest) -> Result<Reply, Failure> {
        let response = match self.context.fetch(request).await {
            Ok(response) => response,
            Err(TransportError::TooLarge) => return Ok(Reply::too_long()),
            Err(error) => return Err(Failure::transport(&error)),
        };
        let reply = Reply::of(&response);
        let answer = self.read(&reply);
        let answer = answer.map_err(|failure| failure.waiting_as_told(&response));
        self.adapt(response.status, answer.as_ref().err());
        match answer {
            Ok(answer) => {
                self.purse.pay(&answer.usage);
                Ok(reply)
            }
            Err(failure) if failure.is_about_the_request() => Ok(reply),
            Err(failure) => Err(failure),
        }
    }

    /// Lets all requests of this isolate learn from one.
    fn adapt(&self, status: u16, failure: Option<&Failure>) {
        let pause_ms = match failure {
            None => return self.limiter.answered(),
            Some(failure) if status != 429 || failure.class == Class::Permanent => return,
            Some(failure) => failure
                .told_to_wait_seconds()
                .map(|seconds| u64::from(seconds) * 1_000),
        };
        let now_ms = self.context.now_ms();
        self.limiter.complained(self.config, pause_ms, now_ms);
    }

    fn request(&self, question: &Question<'_>) -> HttpRequest {
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
            body: Some(request::body(question, self.model, self.effort)),
            timeout_ms: self.config.timeout_seconds.saturating_mul(1_000),
            max_response_bytes: MOST_RESPONSE_BYTES,
        }
    }

    fn log(&self, question: &str, started_ms: u64, reply: &Result<Reply, Failure>) {
        let ms = self.context.now_ms() - started_ms;
        let answer = reply.clone().and_then(|reply| self.read(&reply));
        let fields = match answer {
            Ok(Answer { content, usage }) => json!({
                "question": question, "ms": ms, "problem": content.err(),
                "prompt_tokens": usage.prompt_tokens, "completion_tokens": usage.completion_tokens,
            }),
            Err(failure) => json!({ "question": question, "ms": ms, "problem": failure.message }),
        };
        self.context.log("grok_answered", fields);
    }
}
