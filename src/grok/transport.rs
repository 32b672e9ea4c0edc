//! Sends a question in one of three ways.

use serde_json::json;

use super::connection::Connection;
use super::failure::Failure;
use super::question::Question;
use super::record::{Receipt, Ticket};
use super::reply::{ApiReply, ModelAnswer};
use crate::config::Transport;
use crate::host::Host;

/// Sends a question once; an answer that is streamed tells `on_text` how many letters there are.
///
/// # Errors
/// [`Failure`] when nothing came back that is to be kept.
pub(super) async fn send<H: Host>(
    connection: &Connection<'_, H>,
    question: &Question<'_>,
    transport: Transport,
    on_text: &dyn Fn(usize),
) -> Result<Receipt, Failure> {
    let started_ms = connection.context.now_ms();
    let left_out = connection.left_out();
    let reply = match transport {
        Transport::Stream => connection.post_streamed(question, on_text).await,
        Transport::Sync | Transport::Deferred => connection.post(question, transport).await,
    };
    if let (Transport::Deferred, Ok(reply)) = (transport, &reply) {
        let unix_seconds = connection.context.unix_seconds();
        // Not everything that speaks the protocol defers: some answer at once.
        if let Some(ticket) = Ticket::of(reply, unix_seconds, question.estimate()) {
            connection.limiter.speed_up();
            log_deferred(connection, question, started_ms);
            return Ok(Receipt::Ticket(ticket));
        }
    }
    let reply = reply.and_then(|reply| connection.judge(question, &left_out, reply));
    log_answer(connection, question, started_ms, &reply);
    reply.map(Receipt::Reply)
}

fn log_answer<H: Host>(
    connection: &Connection<'_, H>,
    question: &Question<'_>,
    started_ms: u64,
    reply: &Result<ApiReply, Failure>,
) {
    let ms = connection.context.now_ms() - started_ms;
    let answer = reply.as_ref().map_err(Failure::clone);
    let fields = match answer.and_then(|reply| connection.read(reply)) {
        Ok(ModelAnswer { content, usage }) => json!({
            "question": question.name, "ms": ms, "problem": content.err().map(|problem| problem.to_string()),
            "prompt_tokens": usage.prompt_tokens, "completion_tokens": usage.completion_tokens,
        }),
        Err(failure) => json!({ "question": question.name, "ms": ms, "problem": failure.message }),
    };
    connection.context.log("grok_answered", fields);
}

fn log_deferred<H: Host>(connection: &Connection<'_, H>, question: &Question<'_>, started_ms: u64) {
    let ms = connection.context.now_ms() - started_ms;
    let fields = json!({ "question": question.name, "ms": ms });
    connection.context.log("grok_deferred", fields);
}
