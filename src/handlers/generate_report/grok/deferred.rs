//! Answers that are fetched later, by whatever isolate has the job then. xAI gives an answer out once and keeps it for
//! a day: it is stored before anybody reads it, and the request for it is not given up for a hand-over.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Grok;
use super::failure::Failure;
use super::reply::Reply;
use super::transport::Sent;
use crate::error::JobError;
use crate::host::{Host, Method};

/// How long to wait in the run that has asked, before each time it looks. Most short answers are there by then, and
/// a job that goes back to the queue waits for the next wake-up.
const PAUSES_MS: [u32; 5] = [250, 500, 1_000, 2_000, 4_000];
/// How long a job leaves its isolate at least and at most; in between, a third of the answer's age.
const SNOOZE_SECONDS: (u64, u64) = (5, 60);
/// A look takes no longer, and none is begun when less than this is left here.
const LOOK_MS: u32 = 15_000;
/// An answer that takes longer is given up. xAI's own client gives up after ten minutes.
const LONGEST_SECONDS: u64 = 3_600;

/// By which an answer can be fetched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    request_id: String,
    /// When it was asked for, in seconds since 1970.
    asked_at: u64,
    /// What the question was reckoned at.
    #[serde(default)]
    tokens: u64,
}

/// The result of the step that fetches an answer. `None`: there is none any more.
#[derive(Serialize, Deserialize)]
struct Fetched {
    sent: Option<Sent>,
}

impl Ticket {
    /// The ticket that a reply is, if it is one.
    pub(super) fn of(reply: &Reply, unix_seconds: u64, tokens: u64) -> Option<Self> {
        let body: Value = serde_json::from_str(reply.success()?).ok()?;
        let request_id = body["request_id"].as_str()?;
        // It becomes part of an address.
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        let is_id = !request_id.is_empty() && request_id.bytes().all(is_plain);
        is_id.then(|| Self {
            request_id: request_id.into(),
            asked_at: unix_seconds,
            tokens,
        })
    }

    fn age_seconds(&self, unix_seconds: u64) -> u64 {
        unix_seconds.saturating_sub(self.asked_at)
    }
}

/// What a look for an answer brings.
enum Look {
    There(Reply),
    Pending,
    /// Given out before, or expired.
    Gone,
}

/// The step that fetches the answer to what `step` has asked.
pub fn answer_step(step: &str) -> String {
    format!("{step}/answer")
}

/// Fetches the answer to what `step` has asked, as a step of its own; `None` when there is none any more.
///
/// # Errors
/// [`JobError::Snoozed`] when it is not there yet, and what keeping it can fail with.
pub(super) async fn fetch<H: Host>(
    grok: &Grok<'_, H>,
    step: &str,
    ticket: &Ticket,
) -> Result<Option<Reply>, JobError> {
    let name = answer_step(step);
    let look = async |is_again| match look_repeatedly(grok, ticket, is_again).await? {
        Some(reply) => Ok(Fetched {
            sent: Some(Sent::Reply(reply)),
        }),
        None => Ok(Fetched { sent: None }),
    };
    let fetched = grok.context.step_again(&name, look).await?;
    Ok(match fetched.sent {
        Some(Sent::Reply(reply)) => Some(reply),
        _ => None,
    })
}

/// Looks for the answer; for a few seconds if this run is the one that asked, else once.
async fn look_repeatedly<H: Host>(
    grok: &Grok<'_, H>,
    ticket: &Ticket,
    is_again: bool,
) -> Result<Option<Reply>, JobError> {
    let pauses_ms: &[u32] = if is_again { &[0] } else { &PAUSES_MS };
    for pause_ms in pauses_ms {
        grok.context.sleep_ms(*pause_ms).await;
        if grok.context.time_left_ms() < u64::from(LOOK_MS) {
            break;
        }
        match grok.context.uninterrupted(look(grok, ticket)).await? {
            Look::There(reply) => return Ok(Some(reply)),
            Look::Gone => return Ok(None),
            Look::Pending => {}
        }
    }
    let age_seconds = ticket.age_seconds(grok.context.unix_seconds());
    if age_seconds >= LONGEST_SECONDS {
        return Ok(None);
    }
    let (least, most) = SNOOZE_SECONDS;
    let seconds = (age_seconds / 3).clamp(least, most) as u32;
    Err(JobError::Snoozed { seconds })
}

async fn look<H: Host>(grok: &Grok<'_, H>, ticket: &Ticket) -> Result<Look, Failure> {
    let path = format!("chat/deferred-completion/{}", ticket.request_id);
    let request = grok.request(Method::Get, &path, LOOK_MS);
    // Whatever keeps this look from its answer, the next one finds out what has become of it.
    let Ok(received) = grok.exchange(request).await else {
        return Ok(Look::Pending);
    };
    let reply = received.reply;
    let fields = json!({ "status": reply.status() });
    grok.context.log("grok_looked_for_answer", fields);
    match reply.status() {
        202 => Ok(Look::Pending),
        200..=299 => {
            if let Ok(answer) = grok.read(&reply) {
                grok.account(ticket.tokens, &answer.usage);
            }
            Ok(Look::There(reply))
        }
        401 | 403 => match grok.read(&reply) {
            Err(failure) => Err(failure),
            Ok(_) => Ok(Look::Gone),
        },
        408 | 409 | 425 | 429 | 500.. => Ok(Look::Pending),
        _ => Ok(Look::Gone),
    }
}
