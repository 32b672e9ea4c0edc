//! What questions have cost a job, in all its runs, and what they may.

use std::cell::RefCell;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use super::record::{DeferredAnswer, Receipt, RequestRecord, answer_step};
use super::reply::ApiReply;
use super::usage::{TICKS_PER_USD, TokenUsage};

/// The money of one job: what each step that asks has cost, by the step's name.
#[derive(Debug, Default)]
pub struct Spending {
    /// `None`: there is no limit.
    limit_ticks: Option<u64>,
    steps: RefCell<Vec<(String, Cost)>>,
}

/// What a step has cost.
#[derive(Debug, Default)]
struct Cost {
    usage: TokenUsage,
    /// Of the answer, or while there is none, at most.
    ticks: u64,
    is_reused: bool,
    duplicate_risk: u32,
}

impl Spending {
    /// The spending of a job that may spend `limit_usd`, after the steps of its earlier runs.
    pub(super) fn new(limit_usd: Option<f64>, steps: &Map<String, Value>) -> Self {
        let spending = Self {
            limit_ticks: limit_usd.map(|usd| (usd * TICKS_PER_USD) as u64),
            steps: RefCell::default(),
        };
        for (step, result) in steps {
            // Steps that ask nothing keep something else.
            let Ok(record) = RequestRecord::<IgnoredAny>::deserialize(result) else {
                continue;
            };
            let deferred = steps.get(&answer_step(step));
            let deferred = deferred.and_then(|result| DeferredAnswer::deserialize(result).ok());
            spending.enter(step, &record, deferred.map(DeferredAnswer::reply).as_ref());
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
        let mut cost = Cost {
            duplicate_risk: u32::from(record.is_again),
            is_reused: record.is_reused,
            ..Cost::default()
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn reply(usage: Value) -> Value {
        let body = json!({ "choices": [], "usage": usage }).to_string();
        json!({ "reply": { "status": 200, "body": body } })
    }

    fn record(sent: Value, is_reused: bool) -> Value {
        json!({
            "fingerprint": "", "sent": sent, "failure": null, "is_reused": is_reused, "is_again": false,
            "details": null,
        })
    }

    fn told(ticks: u64) -> Value {
        record(reply(json!({ "cost_in_usd_ticks": ticks })), false)
    }

    /// What a job may still do that may spend `limit_usd` and has these steps.
    fn is_exhausted(limit_usd: Option<f64>, steps: &[(&str, Value)]) -> bool {
        let steps = steps
            .iter()
            .map(|(name, result)| ((*name).to_owned(), result.clone()));
        Spending::new(limit_usd, &steps.collect()).is_exhausted()
    }

    #[test]
    fn the_limit_is_reached_when_all_steps_together_have_cost_it() {
        let first = ("batch/0", told(6_000_000_000));
        let save = ("save", json!("saved"));
        assert!(!is_exhausted(Some(1.0), &[first.clone(), save]));
        assert!(is_exhausted(
            Some(1.0),
            &[first, ("batch/1", told(4_000_000_000))]
        ));
    }

    #[test]
    fn a_step_that_is_entered_twice_costs_once() {
        let steps = [("batch/0".to_owned(), told(6_000_000_000))];
        let spending = Spending::new(Some(1.0), &steps.clone().into_iter().collect());
        let record: RequestRecord<()> =
            serde_json::from_value(steps[0].1.clone()).expect("a record");
        spending.enter("batch/0", &record, None);
        assert!(!spending.is_exhausted());
        assert_eq!(spending.usage().calls, 1);
    }

    #[test]
    fn what_another_job_has_paid_for_costs_nothing() {
        let reused = record(
            reply(json!({ "cost_in_usd_ticks": 20_000_000_000u64 })),
            true,
        );
        assert!(!is_exhausted(Some(1.0), &[("batch/0", reused)]));
    }

    #[test]
    fn without_a_limit_it_is_never_reached() {
        assert!(!is_exhausted(
            None,
            &[("batch/0", told(u64::MAX)), ("batch/1", told(1))]
        ));
    }

    #[test]
    fn a_cost_nobody_told_is_reckoned_at_the_highest_price() {
        let usage = |prompt: u64| {
            let details = json!({ "reasoning_tokens": 500 });
            let usage = json!({
                "prompt_tokens": prompt, "completion_tokens": 1_000, "completion_tokens_details": details,
            });
            [("batch/0", record(reply(usage), false))]
        };
        assert!(!is_exhausted(Some(0.02), &usage(5_000)), "it is 0.019");
        assert!(is_exhausted(Some(0.02), &usage(5_500)));
    }

    #[test]
    fn an_answer_that_is_to_come_or_was_lost_costs_its_estimate_until_it_is_there() {
        let estimate = json!({ "prompt_tokens": 5_000, "completion_tokens": 1_500 });
        let ticket = json!({ "request_id": "t-1", "asked_at": 0, "estimate": estimate });
        let asked = ("batch/0", record(json!({ "ticket": ticket }), false));
        let answer = |sent| ("batch/0/answer", json!({ "sent": sent }));
        let there = answer(reply(json!({ "cost_in_usd_ticks": 1 })));
        assert!(is_exhausted(Some(0.019), std::slice::from_ref(&asked)));
        assert!(is_exhausted(
            Some(0.019),
            &[asked.clone(), answer(Value::Null)]
        ));
        assert!(!is_exhausted(Some(0.019), &[asked, there]));
    }
}
