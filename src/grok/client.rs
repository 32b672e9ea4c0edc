//! xAI's API for the questions of one job.

use super::connection::Connection;
use super::failure::{Failure, FailureClass};
use super::question::Question;
use super::record::{Receipt, RequestRecord};
use super::reply::{ApiReply, ModelAnswer};
use super::spending::Spending;
use super::{deferred, fingerprint, transport};
use crate::config::{ApiStyle, GrokConfig, Transport};
use crate::error::JobError;
use crate::handler::JobContext;
use crate::host::Host;
use crate::isolate::Permit;

/// Before the same is asked again, if the API does not say how long. What lasts longer is for the queue to wait out.
const PAUSES_SECONDS: [u32; 2] = [1, 3];
const LONGEST_PAUSE_SECONDS: u32 = 10;

/// xAI's API for the questions of one job.
pub struct Grok<'a, H> {
    connection: Connection<'a, H>,
    transport: Transport,
    spending: Spending,
}

/// What a job wants otherwise than configured.
#[derive(Debug, Clone, Copy, Default)]
pub struct Preferences<'a> {
    /// The model.
    pub model: Option<&'a str>,
    /// Which endpoint is asked.
    pub api_style: Option<ApiStyle>,
    /// How a question gets there and its answer back.
    pub transport: Option<Transport>,
    /// What all questions of the job may cost together.
    pub max_cost_usd: Option<f64>,
}

impl<'a, H: Host> Grok<'a, H> {
    /// The API as the worker is configured, with the job's preferences.
    pub fn new(
        context: &'a JobContext<'a, H>,
        config: &'a GrokConfig,
        preferences: Preferences<'a>,
    ) -> Self {
        let (api_style, transport) = route(config, preferences);
        Self {
            connection: Connection {
                context,
                config,
                model: preferences.model.unwrap_or(&config.model),
                api_style,
                limiter: context.shared(),
                refused: context.shared(),
            },
            transport,
            spending: Spending::new(preferences.max_cost_usd, &context.job().steps),
        }
    }

    /// Waits for a permit to have one more request of this isolate under way. Get it before gathering what to ask, so
    /// that not all gather at the same time.
    ///
    /// # Errors
    /// [`Failure`] when xAI wants a longer pause than is worth waiting for here.
    pub async fn permit(&self) -> Result<Permit, Failure> {
        let Connection {
            limiter, config, ..
        } = &self.connection;
        let permit = limiter.permit(config).await;
        self.connection
            .wait(|now_ms| limiter.pause_ms(now_ms))
            .await?;
        Ok(permit)
    }

    /// What the job has spent, and whether it may spend more.
    pub fn spending(&self) -> &Spending {
        &self.spending
    }

    /// What tells this question from every other: the same twice is the same question to the same model. `version` is
    /// that of whatever else decides what becomes of the answer.
    pub fn fingerprint(&self, question: &Question<'_>, version: u32) -> String {
        fingerprint::of(question, self.connection.model, version)
    }

    /// Asks. Keep what comes back in a [`RequestRecord`] before [`Self::answer`] says what it says. An answer that is
    /// streamed tells `on_text` how many letters there are.
    ///
    /// # Errors
    /// [`Failure`] when there is no answer; one of no use, or about the request itself, is an `Ok`.
    pub async fn ask(
        &self,
        question: &Question<'_>,
        on_text: &dyn Fn(usize),
    ) -> Result<Receipt, Failure> {
        for pause_seconds in PAUSES_SECONDS {
            let receipt = self.send(question, on_text).await;
            let pause_seconds = match &receipt {
                Err(failure) if matches!(failure.class, FailureClass::Transient { .. }) => {
                    failure.told_to_wait_seconds().unwrap_or(pause_seconds)
                }
                _ => return receipt,
            };
            if pause_seconds > LONGEST_PAUSE_SECONDS {
                return receipt;
            }
            let pause_ms = pause_seconds * 1_000;
            self.connection.context.sleep_ms(pause_ms).await;
        }
        self.send(question, on_text).await
    }

    /// What was answered to what the step `step` has asked; `None` if that was nothing. A deferred answer is fetched,
    /// as a step of its own.
    ///
    /// # Errors
    /// [`JobError::Snoozed`] when it is not there yet, and what keeping it can fail with. The inner [`Failure`] when
    /// the answer is an error.
    pub async fn answer<D>(
        &self,
        step: &str,
        record: &RequestRecord<D>,
    ) -> Result<Result<Option<ModelAnswer>, Failure>, JobError> {
        self.spending.enter(step, record, None);
        let answer = match &record.sent {
            None => match &record.problem {
                Some(problem) => Err(Failure::kept(problem, record.may_pass)),
                None => return Ok(Ok(None)),
            },
            Some(Receipt::Reply(reply)) => self.connection.read(reply),
            Some(Receipt::Ticket(ticket)) => {
                let reply = deferred::fetch(&self.connection, step, ticket).await?;
                self.spending.enter(step, record, Some(&reply));
                match reply {
                    Some(reply) => self.read_deferred(&reply),
                    None => Err(Failure::gone()),
                }
            }
        };
        Ok(answer.map(Some))
    }

    /// A parameter that is refused so late is left out when the same is asked again.
    fn read_deferred(&self, reply: &ApiReply) -> Result<ModelAnswer, Failure> {
        self.connection.read(reply).map_err(|mut failure| {
            if let FailureClass::Parameter(parameter) = failure.class {
                self.connection.leave_out(parameter);
                failure.class = FailureClass::Gone;
            }
            failure
        })
    }

    /// What was answered, as far as it came back at once and is no error.
    pub fn answer_at_hand(&self, receipt: &Receipt) -> Option<ModelAnswer> {
        match receipt {
            Receipt::Reply(reply) => self.connection.read(reply).ok(),
            Receipt::Ticket(_) => None,
        }
    }

    async fn send(
        &self,
        question: &Question<'_>,
        on_text: &dyn Fn(usize),
    ) -> Result<Receipt, Failure> {
        let connection = &self.connection;
        let tokens = question.estimate().tokens();
        let wait_ms = |now_ms| {
            let admitted = connection.limiter.admit(connection.config, tokens, now_ms);
            admitted.err().unwrap_or_default()
        };
        loop {
            connection.wait(wait_ms).await?;
            let receipt = transport::send(connection, question, self.transport, on_text).await;
            match receipt {
                Err(Failure {
                    class: FailureClass::Parameter(parameter),
                    ..
                }) => connection.leave_out(parameter),
                receipt => return receipt,
            }
        }
    }
}

/// Which endpoint is asked, and how. Only one of them can answer later: a job that wishes for that gets it, and what
/// is only configured yields.
fn route(config: &GrokConfig, preferences: Preferences) -> (ApiStyle, Transport) {
    let api_style = preferences.api_style.unwrap_or(config.api_style);
    let transport = preferences.transport.unwrap_or(config.transport);
    match (api_style, transport) {
        (ApiStyle::Responses, Transport::Deferred) => match preferences.transport {
            Some(_) => (ApiStyle::Chat, transport),
            None => (api_style, Transport::Sync),
        },
        route => route,
    }
}
