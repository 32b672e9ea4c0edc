//! What questions have cost a job, in all its runs, and what they may.

#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::record::{DeferredAnswer, Receipt, RequestRecord, answer_step};
use super::reply::ApiReply;
use super::usage::{TICKS_PER_USD, TokenUsage};

/// The money of one job: what each step that asks has cost, by the step's name.
#[derive(Debug, Default)]
pub struct Spending {
    /// `None`: there is no limit.
    limit_ticks: Option<u64>,
    steps: RefCell<Vec<(String, Expense)>>,
}

/// What a step has cost.
#[derive(Debug, Default)]
struct Expense {
    usage: TokenUsage,
    /// Of the answer, or while there is none, at most.
    ticks: u64,
    is_reused: bool,
    duplicate_risk: u32,
}

impl Spending {
    /// The spending of a job that may spend `limit_usd`, after the steps of its earlier runs.
    pub(super) fn new(limit_usd: Option<f64>, steps: &BTreeMap<String, Box<RawValue>>) -> Self {
        let spending = Self {
            limit_ticks: limit_usd.map(|usd| (usd * TICKS_PER_USD) as u64),
            steps: RefCell::default(),
        };
        for (step, result) in steps {
            // Steps that ask nothing keep something else.
            let Some(record) = kept_record(result) else {
                continue;
            };
            let answer = steps.get(&answer_step(step));
            let answer = answer.and_then(|result| serde_json::from_str(result.get()).ok());
            spending.enter(step, &record, answer.map(DeferredAnswer::reply).as_ref());
        }
        spending
    }

    /// Enters what a step has cost. `deferred` is what the step that fetches its answer keeps: `Some(None)` if the
    /// answer was lost. An answer that is not there yet, or was paid for and lost, counts by its estimate.
    pub(super) fn enter<D>(
        &self,
        step: &str,
        record: &RequestRecord<D>,
        deferred: Option<&Option<ApiReply>>,
    ) {
        let usage = |reply: &ApiReply| reply.read("").map(|answer| answer.usage);
        let mut cost = Expense {
            duplicate_risk: u32::from(record.is_again),
            is_reused: record.is_reused,
            ..Expense::default()
        };
        match (&record.sent, deferred) {
            (Some(Receipt::Reply(reply)), _) | (Some(Receipt::Ticket(_)), Some(Some(reply))) => {
                // A refusal costs nothing.
                cost.usage = usage(reply).unwrap_or_default();
                cost.ticks = cost.usage.ticks_at_most();
            }
            (Some(Receipt::Ticket(ticket)), deferred) => {
                cost.ticks = ticket.estimate.ticks();
                cost.duplicate_risk += u32::from(deferred.is_some());
            }
            (None, _) => {}
        }
        if record.is_reused {
            cost.ticks = 0;
            cost.usage = TokenUsage {
                models: cost.usage.models,
                ..TokenUsage::default()
            };
        }
        let mut steps = self.steps.borrow_mut();
        steps.retain(|(known, _)| known != step);
        steps.push((step.to_owned(), cost));
    }

    /// Whether nothing more may be asked.
    pub fn is_exhausted(&self) -> bool {
        let steps = self.steps.borrow();
        let ticks = steps.iter().map(|(_, cost)| cost.ticks);
        let spent = ticks.fold(0, u64::saturating_add);
        self.limit_ticks.is_some_and(|limit| spent >= limit)
    }

    /// What all answers took that this job has paid for, and the models of all.
    pub fn usage(&self) -> TokenUsage {
        let mut usage = TokenUsage::default();
        let steps = self.steps.borrow();
        steps.iter().for_each(|(_, cost)| usage.add(&cost.usage));
        usage
    }

    /// Answers that another job has paid for.
    pub fn reused_answers(&self) -> u32 {
        self.steps
            .borrow()
            .iter()
            .filter(|(_, cost)| cost.is_reused)
            .count() as u32
    }

    /// Requests that may have been paid for twice, at most.
    pub fn duplicate_risk(&self) -> u32 {
        self.steps
            .borrow()
            .iter()
            .map(|(_, cost)| cost.duplicate_risk)
            .sum()
    }
}

/// The record of a step that asked, as far as costs go. Decoding all of it would take as much code again.
fn kept_record(result: &RawValue) -> Option<RequestRecord<()>> {
    #[derive(Deserialize)]
    struct Kept {
        #[serde(rename = "fingerprint")]
        _fingerprint: IgnoredAny,
        sent: Receipt,
        #[serde(default)]
        is_reused: bool,
        #[serde(default)]
        is_again: bool,
    }
    let kept: Kept = serde_json::from_str(result.get()).ok()?;
    Some(RequestRecord {
        sent: Some(kept.sent),
        is_reused: kept.is_reused,
        is_again: kept.is_again,
        ..RequestRecord::of(())
    })
}
