//! xAI's API for the calls of one job: what is sent, what comes back, what it cost, what went wrong.

mod call;
mod deferred;
mod failure;
mod fingerprint;
mod limiter;
mod purse;
mod reply;
mod request;
mod responses;
mod streaming;
mod transport;
mod usage;

use std::cell::Cell;
use std::rc::Rc;

pub use self::deferred::answer_step;
pub use self::failure::{Class, Failure};
use self::limiter::Limiter;
pub use self::limiter::Place;
use self::purse::Purse;
pub use self::reply::Answer;
use self::reply::Reply;
pub use self::request::Part;
pub use self::transport::Sent;
use self::transport::{Deferred, Streaming, Sync, Transport};
pub use self::usage::Usage;
use super::visit::{Effort, Settings};
use crate::config::{self, ApiStyle, GrokConfig};
use crate::error::JobError;
use crate::handler::JobContext;
use crate::host::Host;

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
    api_style: ApiStyle,
    transport: Cell<config::Transport>,
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
    /// Is told how many letters of the answer there are, if it can be heard as it is written.
    pub heard: &'a dyn Fn(usize),
}

impl<'a, H: Host> Grok<'a, H> {
    /// The API as the worker is configured, with the job's choices.
    pub fn new(
        context: &'a JobContext<'a, H>,
        config: &'a GrokConfig,
        settings: &'a Settings,
    ) -> Self {
        let (api_style, transport) = way(config, settings);
        Self {
            context,
            config,
            model: settings.model.as_deref().unwrap_or(&config.model),
            effort: settings.effort,
            api_style,
            transport: Cell::new(transport),
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

    /// Asks. What comes back is to be kept before [`Self::answer`] says what it says.
    ///
    /// # Errors
    /// [`Failure`] when there is no answer; one of no use, or about the request itself, is an `Ok`.
    pub async fn ask(&self, question: Question<'_>) -> Result<Sent, Failure> {
        for pause_seconds in PAUSES_SECONDS {
            let sent = self.send(&question).await;
            let pause_seconds = match &sent {
                Err(failure) if matches!(failure.class, Class::Transient { .. }) => {
                    failure.told_to_wait_seconds().unwrap_or(pause_seconds)
                }
                _ => return sent,
            };
            if pause_seconds > LONGEST_PAUSE_SECONDS {
                return sent;
            }
            self.context.sleep_ms(pause_seconds * 1_000).await;
        }
        self.send(&question).await
    }

    /// What was answered to what the step `step` has sent. An answer that was deferred is fetched, as a step of its
    /// own.
    ///
    /// # Errors
    /// [`JobError::Snoozed`] when it is not there yet, and what keeping it can fail with. The inner [`Failure`] when
    /// the answer is an error.
    pub async fn answer(
        &self,
        step: &str,
        sent: &Sent,
    ) -> Result<Result<Answer, Failure>, JobError> {
        match sent {
            Sent::Reply(reply) => Ok(self.read(reply)),
            Sent::Ticket(ticket) => match deferred::fetch(self, step, ticket).await? {
                Some(reply) => Ok(self.read(&reply)),
                None => Ok(Err(Failure::gone())),
            },
        }
    }

    /// What was answered, as far as it came back at once and is no error.
    pub fn answer_at_hand(&self, sent: &Sent) -> Option<Answer> {
        match sent {
            Sent::Reply(reply) => self.read(reply).ok(),
            Sent::Ticket(_) => None,
        }
    }

    async fn send(&self, question: &Question<'_>) -> Result<Sent, Failure> {
        let tokens = question.tokens();
        self.wait(|now_ms| self.limiter.wait_ms(self.config, tokens, now_ms))
            .await?;
        match self.transport.get() {
            config::Transport::Sync => Sync::send(self, question).await,
            config::Transport::Stream => Streaming::send(self, question).await,
            config::Transport::Deferred => match Deferred::send(self, question).await {
                Err(failure) if failure.is_about_deferring() => {
                    self.transport.set(config::Transport::Sync);
                    Sync::send(self, question).await
                }
                sent => sent,
            },
        }
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

    fn read(&self, reply: &Reply) -> Result<Answer, Failure> {
        reply.read(self.config.api_key.expose())
    }
}

/// Which endpoint is asked, and how. Only one of them can answer later: a job that wishes for that gets it, and what
/// is only configured yields.
fn way(config: &GrokConfig, settings: &Settings) -> (ApiStyle, config::Transport) {
    let api_style = settings.api_style.unwrap_or(config.api_style);
    let transport = settings.transport.unwrap_or(config.transport);
    match (api_style, transport) {
        (ApiStyle::Responses, config::Transport::Deferred) => match settings.transport {
            Some(_) => (ApiStyle::Chat, transport),
            None => (api_style, config::Transport::Sync),
        },
        way => way,
    }
}
