//! Sends a question in one of three ways.

use super::connection::Connection;
use super::failure::Failure;
use super::question::Question;
use super::record::{Receipt, Ticket};
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
            connection.log_deferred(question.name, started_ms);
            return Ok(Receipt::Ticket(ticket));
        }
    }
    let reply = reply.and_then(|reply| connection.judge(question, &left_out, reply));
    connection.log_answer(question.name, started_ms, &reply);
    reply.map(Receipt::Reply)
}
