//! What a job may spend on calls, and what it has spent in all its runs.

use std::cell::Cell;

use serde_json::{Map, Value};

use super::reply::Reply;
use super::usage::{TICKS_PER_USD, Usage};

/// The money of one job.
#[derive(Debug)]
pub(super) struct Purse {
    /// `None`: there is no limit.
    limit_ticks: Option<u64>,
    spent_ticks: Cell<u64>,
}

impl Purse {
    /// The purse of a job that may spend `limit_usd`, after the steps of its earlier runs.
    pub(super) fn new(limit_usd: Option<f64>, steps: &Map<String, Value>) -> Self {
        let purse = Self {
            limit_ticks: limit_usd.map(|usd| (usd * TICKS_PER_USD) as u64),
            spent_ticks: Cell::new(0),
        };
        if limit_usd.is_some() {
            steps
                .values()
                .filter_map(usage_of_step)
                .for_each(|usage| purse.pay(&usage));
        }
        purse
    }

    /// Takes the cost of a call. Where the API does not say, it is the most it can have been.
    pub(super) fn pay(&self, usage: &Usage) {
        let spent = self.spent_ticks.get();
        self.spent_ticks
            .set(spent.saturating_add(usage.ticks_at_most()));
    }

    /// Whether no further call may be made.
    pub(super) fn is_empty(&self) -> bool {
        self.limit_ticks
            .is_some_and(|limit| self.spent_ticks.get() >= limit)
    }
}

/// Every step that got a reply keeps it under the same names. What another job has paid for cost this one nothing.
fn usage_of_step(result: &Value) -> Option<Usage> {
    if result["is_reused"] == true {
        return None;
    }
    let reply: Reply = serde_json::from_value(result["sent"]["reply"].clone()).ok()?;
    Some(reply.read("").ok()?.usage)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn step(ticks: u64) -> Value {
        let body = json!({ "choices": [], "usage": { "cost_in_usd_ticks": ticks } });
        json!({ "sent": { "reply": { "status": 200, "body": body.to_string() } } })
    }

    #[test]
    fn a_purse_is_empty_when_all_runs_together_have_spent_it() {
        let mut steps = Map::new();
        steps.insert("batch/0".into(), step(6_000_000_000));
        steps.insert("save".into(), Value::Null);
        let purse = Purse::new(Some(1.0), &steps);
        assert!(!purse.is_empty());
        let cost_ticks = Some(4_000_000_000);
        purse.pay(&Usage {
            cost_ticks,
            ..Usage::default()
        });
        assert!(purse.is_empty());
    }

    #[test]
    fn what_another_job_has_paid_for_costs_nothing() {
        let mut steps = Map::new();
        let mut reused = step(20_000_000_000);
        reused["is_reused"] = json!(true);
        steps.insert("batch/0".into(), reused);
        assert!(!Purse::new(Some(1.0), &steps).is_empty());
    }

    #[test]
    fn without_a_limit_it_is_never_empty() {
        let purse = Purse::new(None, &Map::new());
        purse.pay(&Usage {
            cost_ticks: Some(u64::MAX),
            ..Usage::default()
        });
        assert!(!purse.is_empty());
    }

    #[test]
    fn a_cost_nobody_told_is_reckoned_at_the_highest_price() {
        let purse = Purse::new(Some(0.02), &Map::new());
        purse.pay(&Usage {
            prompt_tokens: 5_000,
            completion_tokens: 1_000,
            reasoning_tokens: 500,
            ..Usage::default()
        });
        assert!(!purse.is_empty(), "it is 0.019");
        purse.pay(&Usage {
            prompt_tokens: 500,
            ..Usage::default()
        });
        assert!(purse.is_empty());
    }
}
