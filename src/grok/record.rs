//! What a step keeps of a request to the model.

use serde::{Deserialize, Serialize};

use super::reply::ApiReply;
use super::usage::Estimate;
use crate::foreign_json;

/// The result of a step that asks: what came back, and whatever else the job wants to know about it later.
#[derive(Debug, Serialize, Deserialize)]
pub struct RequestRecord<D> {
    /// What the question is known by; empty when there was none.
    pub fingerprint: String,
    /// What came back; `None` when there was nothing to ask.
    pub sent: Option<Receipt>,
    /// Why nothing came back, if the job goes on without an answer.
    pub problem: Option<String>,
    /// Whether the same may be answered when it is asked again.
    pub may_pass: bool,
    /// Whether another job has paid for the reply.
    pub is_reused: bool,
    /// Whether an earlier run may have asked the same and been answered.
    pub is_again: bool,
    /// The job's own.
    pub details: D,
}

/// What came back at once.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Receipt {
    /// The reply.
    Reply(ApiReply),
    /// By which the reply can be fetched.
    Ticket(Ticket),
}

/// By which a deferred answer can be fetched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    pub(super) request_id: String,
    /// When it was asked for, in seconds since 1970.
    pub(super) asked_at: u64,
    /// What the answer was expected to take.
    pub(super) estimate: Estimate,
}

/// The result of the step that fetches a deferred answer.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct DeferredAnswer {
    /// `None`: there is none any more.
    pub(super) sent: Option<Receipt>,
}

/// The step that fetches the answer to what `step` has asked.
pub fn answer_step(step: &str) -> String {
    format!("{step}/answer")
}

impl<D> RequestRecord<D> {
    /// The record of a step that asked nothing.
    pub fn of(details: D) -> Self {
        Self {
            fingerprint: String::new(),
            sent: None,
            problem: None,
            may_pass: false,
            is_reused: false,
            is_again: false,
            details,
        }
    }
}

impl DeferredAnswer {
    pub(super) fn of(reply: Option<ApiReply>) -> Self {
        Self {
            sent: reply.map(Receipt::Reply),
        }
    }

    pub(super) fn reply(self) -> Option<ApiReply> {
        match self.sent {
            Some(Receipt::Reply(reply)) => Some(reply),
            Some(Receipt::Ticket(_)) | None => None,
        }
    }
}

impl Ticket {
    /// The ticket that a reply is, if it is one.
    pub(super) fn of(reply: &ApiReply, unix_seconds: u64, estimate: Estimate) -> Option<Self> {
        let body = foreign_json::read(reply.success()?).ok()?;
        let request_id = body.get("request_id")?.as_str()?;
        // It becomes part of an address.
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        let is_id = !request_id.is_empty() && request_id.bytes().all(is_plain);
        is_id.then(|| Self {
            request_id: request_id.into(),
            asked_at: unix_seconds,
            estimate,
        })
    }

    pub(super) fn age_seconds(&self, unix_seconds: u64) -> u64 {
        unix_seconds.saturating_sub(self.asked_at)
    }
}
