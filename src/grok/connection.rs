//! Requests to the API, and what all requests of an isolate learn from a reply.

use std::rc::Rc;

use super::body::RequestOptions;
use super::failure::{Failure, FailureClass};
use super::limiter::Limiter;
use super::parameters::{Parameter, RefusedParameters};
use super::question::Question;
use super::reply::{ApiReply, ModelAnswer};
use super::streaming::Stream;
use super::usage::{Estimate, TokenUsage};
use super::{chat, responses};
use crate::config::{ApiStyle, GrokConfig, Transport};
use crate::handler::JobContext;
use crate::host::{Host, HttpRequest, HttpResponse, Method, TransportError};

/// A step keeps the reply as text within JSON, and no result of a step is larger than 1 MiB. What the model may
/// write at most is a tenth of this.
const MOST_RESPONSE_BYTES: usize = 480 << 10;
/// A stream has an event for every few letters of the answer.
const MOST_STREAM_BYTES: usize = 32 << 20;
/// A job that would have to wait longer before a request leaves its place to others.
const LONGEST_WAIT_MS: u64 = 15_000;

/// The API for one job.
pub(super) struct Connection<'a, H> {
    pub(super) context: &'a JobContext<'a, H>,
    pub(super) config: &'a GrokConfig,
    pub(super) model: &'a str,
    pub(super) api_style: ApiStyle,
    pub(super) limiter: Rc<Limiter>,
    pub(super) refused: Rc<RefusedParameters>,
}

impl<H: Host> Connection<'_, H> {
    /// Sends a question and waits for what comes back at once.
    pub(super) async fn post(
        &self,
        question: &Question<'_>,
        transport: Transport,
    ) -> Result<ApiReply, Failure> {
        self.exchange(self.request_for(question, transport)).await
    }

    /// Sends a question and reads the answer as it is written; `on_text` is told how many letters there are.
    pub(super) async fn post_streamed(
        &self,
        question: &Question<'_>,
        on_text: &dyn Fn(usize),
    ) -> Result<ApiReply, Failure> {
        let request = HttpRequest {
            max_response_bytes: MOST_STREAM_BYTES,
            ..self.request_for(question, Transport::Stream)
        };
        let mut stream = Stream::default();
        let on_piece = |piece: &[u8]| {
            stream.push(piece);
            on_text(stream.letters());
        };
        let response = match self.context.fetch_in_pieces(request, on_piece).await {
            Ok(response) => response,
            Err(error) => return no_response(&error),
        };
        let body = stream.body().ok_or_else(Failure::cut)?;
        Ok(ApiReply::of(&HttpResponse { body, ..response }))
    }

    /// Gets what is at `path` of the API.
    pub(super) async fn get(&self, path: &str, timeout_ms: u32) -> Result<ApiReply, Failure> {
        self.exchange(self.request(Method::Get, path, timeout_ms))
            .await
    }

    async fn exchange(&self, request: HttpRequest) -> Result<ApiReply, Failure> {
        match self.context.fetch(request).await {
            Ok(response) => Ok(ApiReply::of(&response)),
            Err(error) => no_response(&error),
        }
    }

    fn request_for(&self, question: &Question<'_>, transport: Transport) -> HttpRequest {
        let conversation = self.context.job().id.to_string();
        let options = RequestOptions {
            model: self.model,
            conversation: &conversation,
            transport,
            left_out: &self.left_out(),
        };
        let (path, body) = match self.api_style {
            ApiStyle::Chat => ("chat/completions", chat::body(question, &options)),
            ApiStyle::Responses => ("responses", responses::body(question, &options)),
        };
        let timeout_ms = self.config.timeout_seconds.saturating_mul(1_000);
        HttpRequest {
            body: Some(body),
            ..self.request(Method::Post, path, timeout_ms)
        }
    }

    fn request(&self, method: Method, path: &str, timeout_ms: u32) -> HttpRequest {
        let token = format!("Bearer {}", self.config.api_key.expose());
        HttpRequest {
            method,
            url: format!("{}/{path}", self.config.base_url),
            headers: vec![
                ("content-type".into(), "application/json".into()),
                ("authorization".into(), token),
                // Requests of one conversation meet the same cache of the messages they begin with.
                ("x-grok-conv-id".into(), self.context.job().id.to_string()),
            ],
            body: None,
            timeout_ms,
            max_response_bytes: MOST_RESPONSE_BYTES,
        }
    }

    /// What a reply says.
    pub(super) fn read(&self, reply: &ApiReply) -> Result<ModelAnswer, Failure> {
        reply.read(self.config.api_key.expose())
    }

    /// The reply if it is to be kept: one that was paid for, or what the API refuses about the request, which went
    /// without the parameters in `left_out`.
    pub(super) fn judge(
        &self,
        question: &Question<'_>,
        left_out: &[Parameter],
        reply: ApiReply,
    ) -> Result<ApiReply, Failure> {
        let answer = self.read(&reply);
        self.adapt(reply.status(), answer.as_ref().err());
        match answer {
            Ok(answer) => self.learn(question.estimate(), &answer.usage),
            Err(failure) => {
                let mut failure = failure.without(left_out);
                if self.model == self.config.model {
                    failure = failure.about_configured_model();
                }
                if !failure.is_about_the_request(question.has_images()) {
                    return Err(failure);
                }
            }
        }
        Ok(reply)
    }

    /// Parameters that the model does not take.
    pub(super) fn left_out(&self) -> Vec<Parameter> {
        self.refused.of(self.model)
    }

    /// Leaves a parameter out of all further requests of this isolate.
    pub(super) fn leave_out(&self, parameter: Parameter) {
        self.refused.add(self.model, parameter);
    }

    /// Corrects later estimates by what an answer took.
    pub(super) fn learn(&self, estimate: Estimate, usage: &TokenUsage) {
        self.limiter.learn(estimate.tokens(), usage.tokens());
    }

    /// Lets all requests of this isolate go slower or quicker after one.
    fn adapt(&self, status: u16, failure: Option<&Failure>) {
        let seconds = match failure {
            None => return self.limiter.speed_up(),
            Some(failure) if status != 429 || failure.class == FailureClass::Unavailable => {
                return;
            }
            Some(failure) => failure.told_to_wait_seconds(),
        };
        let pause_ms = seconds.map(|seconds| u64::from(seconds) * 1_000);
        let now_ms = self.context.now_ms();
        self.limiter.slow_down(self.config, pause_ms, now_ms);
    }

    /// Waits as long as `wait_ms` says, asked again after each wait.
    ///
    /// # Errors
    /// [`Failure`] when that is longer than is worth waiting for here.
    pub(super) async fn wait(&self, wait_ms: impl Fn(u64) -> u64) -> Result<(), Failure> {
        loop {
            match wait_ms(self.context.now_ms()) {
                0 => return Ok(()),
                ms if ms > LONGEST_WAIT_MS => return Err(Failure::paused(ms)),
                ms => self.context.sleep_ms(ms as u32).await,
            }
        }
    }
}

/// An answer that is too long was paid for all the same.
fn no_response(error: &TransportError) -> Result<ApiReply, Failure> {
    match error {
        TransportError::TooLarge => Ok(ApiReply::too_long()),
        error => Err(Failure::transport(error)),
    }
}
