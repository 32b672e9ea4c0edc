//! Fetches answers later, in whatever isolate has the job then. xAI gives an answer out once and keeps it for a day: it
//! is stored before anybody reads it, and the request for it is not given up for a hand-over.

use serde_json::json;

use super::connection::Connection;
use super::failure::{Failure, FailureClass};
use super::record::{DeferredAnswer, Ticket, answer_step};
use super::reply::ApiReply;
use crate::error::JobError;
use crate::host::Host;

/// How long to wait in the run that has asked, before each time it looks. Most short answers are there by then, and
/// a job that goes back to the queue waits for the next wake-up.
const PAUSES_MS: [u32; 5] = [250, 500, 1_000, 2_000, 4_000];
/// How long a job leaves its isolate at least and at most; in between, a third of the answer's age.
const SNOOZE_SECONDS: (u64, u64) = (5, 60);
/// A look takes no longer, and none is begun when less than this is left here.
const LOOK_MS: u32 = 15_000;
/// An answer that takes longer is given up. xAI's own client gives up after ten minutes.
const LONGEST_SECONDS: u64 = 3_600;

/// What has become of a deferred answer.
enum AnswerState {
    Ready(ApiReply),
    Pending,
    /// Given out before, or expired.
    Gone,
}

/// Fetches the answer to what `step` has asked, as a step of its own; `None` when there is none any more.
///
/// # Errors
/// [`JobError::Snoozed`] when it is not there yet, and what keeping it can fail with.
pub(super) async fn fetch<H: Host>(
    connection: &Connection<'_, H>,
    step: &str,
    ticket: &Ticket,
) -> Result<Option<ApiReply>, JobError> {
    let look = async |is_again| {
        let reply = look_repeatedly(connection, ticket, is_again).await?;
        Ok(DeferredAnswer::of(reply))
    };
    let name = answer_step(step);
    let answer = connection.context.step_again(&name, look);
    Ok(answer.await?.reply())
}

/// Looks for the answer; for a few seconds if this run is the one that asked, else once.
async fn look_repeatedly<H: Host>(
    connection: &Connection<'_, H>,
    ticket: &Ticket,
    is_again: bool,
) -> Result<Option<ApiReply>, JobError> {
    let context = connection.context;
    let pauses_ms: &[u32] = if is_again { &[0] } else { &PAUSES_MS };
    for pause_ms in pauses_ms {
        context.sleep_ms(*pause_ms).await;
        if context.time_left_ms() < u64::from(LOOK_MS) {
            break;
        }
        match context.uninterrupted(look(connection, ticket)).await? {
            AnswerState::Ready(reply) => return Ok(Some(reply)),
            AnswerState::Gone => return Ok(None),
            AnswerState::Pending => {}
        }
    }
    let age_seconds = ticket.age_seconds(context.unix_seconds());
    if age_seconds >= LONGEST_SECONDS {
        return Ok(None);
    }
    let (least, most) = SNOOZE_SECONDS;
    let seconds = (age_seconds / 3).clamp(least, most) as u32;
    Err(JobError::Snoozed { seconds })
}

async fn look<H: Host>(
    connection: &Connection<'_, H>,
    ticket: &Ticket,
) -> Result<AnswerState, Failure> {
    let path = format!("chat/deferred-completion/{}", ticket.request_id);
    // Whatever keeps this look from its answer, the next one finds out what has become of it.
    let Ok(reply) = connection.get(&path, LOOK_MS).await else {
        return Ok(AnswerState::Pending);
    };
    let fields = json!({ "status": reply.status() });
    connection.context.log("grok_looked_for_answer", fields);
    match reply.status() {
        202 => Ok(AnswerState::Pending),
        200..=299 => {
            if let Ok(answer) = connection.read(&reply) {
                connection.learn(ticket.estimate, &answer.usage);
            }
            Ok(AnswerState::Ready(reply))
        }
        408 | 409 | 425 | 429 | 500.. => Ok(AnswerState::Pending),
        _ => match connection.read(&reply) {
            Err(failure) if failure.is_about_the_request(false) => Ok(AnswerState::Ready(reply)),
            Err(failure) if failure.class == FailureClass::Unavailable => Err(failure),
            Ok(_) | Err(_) => Ok(AnswerState::Gone),
        },
    }
}
