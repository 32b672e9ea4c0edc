//! One request to the API, and what all requests learn from its reply.

use serde_json::json;

use super::failure::{Class, Failure};
use super::reply::{Answer, Reply};
use super::request::Form;
use super::streaming::Stream;
use super::{Grok, Question, Usage, request, responses};
use crate::config::{ApiStyle, Transport};
use crate::host::{Host, HttpRequest, HttpResponse, Method, TransportError};

/// A step keeps the reply as text within JSON, and no result of a step is larger than 1 MiB. What the model may
/// write at most is a tenth of this.
const MOST_RESPONSE_BYTES: usize = 480 << 10;
/// A stream has an event for every few letters of the answer.
const MOST_STREAM_BYTES: usize = 32 << 20;
/// A longer wait than this is not believed.
const LONGEST_WAIT_SECONDS: u32 = 86_400;

/// A reply as it came, with what is worth knowing only now.
pub(super) struct Received {
    pub(super) reply: Reply,
    retry_after_seconds: Option<u32>,
}

impl Received {
    fn of(response: &HttpResponse) -> Self {
        Self {
            reply: Reply::of(response),
            retry_after_seconds: retry_after_seconds(response),
        }
    }

    fn too_long() -> Self {
        Self {
            reply: Reply::too_long(),
            retry_after_seconds: None,
        }
    }
}

impl<H: Host> Grok<'_, H> {
    /// Asks `question` in a way that `transport` can make use of.
    pub(super) async fn post(
        &self,
        question: &Question<'_>,
        transport: Transport,
    ) -> Result<Received, Failure> {
        self.exchange(self.question(question, transport)).await
    }

    /// Asks `question` and reads the answer as it is written.
    pub(super) async fn post_and_listen(
        &self,
        question: &Question<'_>,
    ) -> Result<Received, Failure> {
        let request = HttpRequest {
            max_response_bytes: MOST_STREAM_BYTES,
            ..self.question(question, Transport::Stream)
        };
        let mut stream = Stream::default();
        let listen = |piece: &[u8]| {
            stream.push(piece);
            (question.heard)(stream.letters());
        };
        let response = match self.context.fetch_in_pieces(request, listen).await {
            Ok(response) => response,
            Err(TransportError::TooLarge) => return Ok(Received::too_long()),
            Err(error) => return Err(Failure::transport(&error)),
        };
        let body = stream.body().ok_or_else(Failure::cut)?;
        Ok(Received::of(&HttpResponse { body, ..response }))
    }

    fn question(&self, question: &Question<'_>, transport: Transport) -> HttpRequest {
        let conversation = self.context.job().id.to_string();
        let form = Form {
            model: self.model,
            effort: self.effort,
            transport,
            conversation: &conversation,
        };
        let (path, body) = match self.api_style {
            ApiStyle::Chat => ("chat/completions", request::body(question, &form)),
            ApiStyle::Responses => ("responses", responses::body(question, &form)),
        };
        let timeout_ms = self.config.timeout_seconds.saturating_mul(1_000);
        HttpRequest {
            body: Some(body),
            ..self.request(Method::Post, path, timeout_ms)
        }
    }

    /// Sends a request and takes its reply as it comes.
    pub(super) async fn exchange(&self, request: HttpRequest) -> Result<Received, Failure> {
        match self.context.fetch(request).await {
            Ok(response) => Ok(Received::of(&response)),
            Err(TransportError::TooLarge) => Ok(Received::too_long()),
            Err(error) => Err(Failure::transport(&error)),
        }
    }

    pub(super) fn request(&self, method: Method, path: &str, timeout_ms: u32) -> HttpRequest {
        HttpRequest {
            method,
            url: format!("{}/{path}", self.config.base_url),
            headers: vec![
                ("content-type".into(), "application/json".into()),
                (
                    "authorization".into(),
                    format!("Bearer {}", self.config.api_key.expose()),
                ),
                // Requests of one conversation meet the same cache of the messages they begin with.
                ("x-grok-conv-id".into(), self.context.job().id.to_string()),
            ],
            body: None,
            timeout_ms,
            max_response_bytes: MOST_RESPONSE_BYTES,
        }
    }

    /// The reply if it is to be kept: one that was paid for, or what the API refuses about the request.
    pub(super) fn judge(
        &self,
        question: &Question<'_>,
        received: Received,
    ) -> Result<Reply, Failure> {
        let answer = self.read(&received.reply);
        let answer =
            answer.map_err(|failure| failure.waiting_as_told(received.retry_after_seconds));
        self.adapt(received.reply.status(), answer.as_ref().err());
        match answer {
            Ok(answer) => self.account(question.tokens(), &answer.usage),
            Err(failure) if failure.is_about_the_request() => {}
            Err(failure) => return Err(failure),
        }
        Ok(received.reply)
    }

    /// Notes what an answer took whose question was reckoned at so many tokens.
    pub(super) fn account(&self, reckoned_tokens: u64, usage: &Usage) {
        self.purse.pay(usage);
        self.limiter.took(reckoned_tokens, usage.tokens());
    }

    /// Lets all requests of this isolate learn from one.
    fn adapt(&self, status: u16, failure: Option<&Failure>) {
        let seconds = match failure {
            None => return self.limiter.answered(),
            Some(failure) if status != 429 || failure.class == Class::Permanent => return,
            Some(failure) => failure.told_to_wait_seconds(),
        };
        let pause_ms = seconds.map(|seconds| u64::from(seconds) * 1_000);
        let now_ms = self.context.now_ms();
        self.limiter.complained(self.config, pause_ms, now_ms);
    }

    pub(super) fn log_answer(
        &self,
        question: &str,
        started_ms: u64,
        reply: &Result<Reply, Failure>,
    ) {
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

    pub(super) fn log_deferred(&self, question: &str, started_ms: u64) {
        let ms = self.context.now_ms() - started_ms;
        let fields = json!({ "question": question, "ms": ms });
        self.context.log("grok_deferred", fields);
    }
}

fn retry_after_seconds(response: &HttpResponse) -> Option<u32> {
    let seconds: u32 = response.header("retry-after")?.trim().parse().ok()?;
    Some(seconds.min(LONGEST_WAIT_SECONDS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_honoured_in_seconds_and_within_reason() {
        let wait = |text: &str| {
            retry_after_seconds(&HttpResponse {
                status: 429,
                headers: vec![("retry-after".into(), text.into())],
                body: Vec::new(),
            })
        };
        assert_eq!(wait("20"), Some(20));
        assert_eq!(wait("999999999"), Some(LONGEST_WAIT_SECONDS));
        assert_eq!(wait("Wed, 21 Oct 2026 07:28:00 GMT"), None);
    }
}
