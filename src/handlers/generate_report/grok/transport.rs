//! The ways of a question to the model and of its answer back.

use serde::{Deserialize, Serialize};

use super::deferred::Ticket;
use super::failure::Failure;
use super::reply::Reply;
use super::{Grok, Question};
use crate::config;
use crate::host::Host;

/// What came back at once.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sent {
    /// The reply.
    Reply(Reply),
    /// By which the reply can be fetched.
    Ticket(Ticket),
}

/// A way of a question to the model.
pub(super) trait Transport {
    /// Sends a question once.
    ///
    /// # Errors
    /// [`Failure`] when nothing came back that is to be kept.
    async fn send<H: Host>(grok: &Grok<'_, H>, question: &Question<'_>) -> Result<Sent, Failure>;
}

/// The answer is waited for.
pub(super) struct Sync;

impl Transport for Sync {
    async fn send<H: Host>(grok: &Grok<'_, H>, question: &Question<'_>) -> Result<Sent, Failure> {
        let started_ms = grok.context.now_ms();
        let reply = grok
            .post(question, config::Transport::Sync)
            .await
            .and_then(|reply| grok.judge(question, reply));
        grok.log_answer(question.name, started_ms, &reply);
        reply.map(Sent::Reply)
    }
}

/// The answer is fetched later.
pub(super) struct Deferred;

impl Transport for Deferred {
    async fn send<H: Host>(grok: &Grok<'_, H>, question: &Question<'_>) -> Result<Sent, Failure> {
        let started_ms = grok.context.now_ms();
        let received = grok.post(question, config::Transport::Deferred).await?;
        if let Some(ticket) = Ticket::of(
            &received.reply,
            grok.context.unix_seconds(),
            question.tokens(),
        ) {
            grok.limiter.answered();
            grok.log_deferred(question.name, started_ms);
            return Ok(Sent::Ticket(ticket));
        }
        // Not everything that speaks the protocol defers: some answer at once.
        let reply = grok.judge(question, received);
        grok.log_answer(question.name, started_ms, &reply);
        reply.map(Sent::Reply)
    }
}

/// The answer is read as it is written, and its progress told.
pub(super) struct Streaming;

impl Transport for Streaming {
    async fn send<H: Host>(grok: &Grok<'_, H>, question: &Question<'_>) -> Result<Sent, Failure> {
        let started_ms = grok.context.now_ms();
        let received = grok.post_and_listen(question).await;
        let reply = received.and_then(|received| grok.judge(question, received));
        grok.log_answer(question.name, started_ms, &reply);
        reply.map(Sent::Reply)
    }
}
