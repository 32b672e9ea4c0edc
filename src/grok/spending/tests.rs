use serde_json::{Value, json};

use super::*;
use crate::testing::raw;

fn reply(usage: Value) -> Value {
    let body = json!({ "choices": [], "usage": usage }).to_string();
    json!({ "reply": { "status": 200, "body": body } })
}

fn record(sent: Value, is_reused: bool) -> Value {
    json!({
        "fingerprint": "", "sent": sent, "problem": null, "may_pass": false, "is_reused": is_reused, "is_again": false,
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
        .map(|(name, result)| ((*name).to_owned(), raw(result)));
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
    let step = told(6_000_000_000);
    let steps = [("batch/0".to_owned(), raw(&step))];
    let spending = Spending::new(Some(1.0), &steps.into_iter().collect());
    let record: RequestRecord<()> = serde_json::from_value(step).expect("a record");
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
