//! Batches side by side: how many at a time, and what one of them means to the others.

use std::cell::RefCell;
use std::rc::Rc;

use super::*;
use crate::handler::JobContext;
use crate::isolate::CrashRecord;
use crate::isolate::Signals;
use crate::isolate::{RunContext, Shared};

/// When each call was sent, in milliseconds, and what it asked about.
type Sent = Rc<RefCell<Vec<(u64, String)>>>;

/// A world in which `grok` answers, or else the call is answered properly after a second.
fn timed(grok: impl Fn(&str, u64) -> Option<Reply> + 'static) -> (ScriptedHost, Sent) {
    let (host, sent) = (world(|_| None), Sent::default());
    let (clock, log) = (host.clock(), sent.clone());
    let host = host.on_fetch(move |request| match Call::of(request) {
        None => Reply::bytes(200, JPEG),
        Some(call) => {
            let ids = call.all_ids().join(" ");
            let reply = grok(&ids, clock.get());
            log.borrow_mut().push((clock.get(), ids));
            reply.unwrap_or_else(|| completion(&call.answer().to_string()).after_ms(1_000))
        }
    });
    (host, sent)
}

fn times(sent: &Sent) -> Vec<u64> {
    sent.borrow().iter().map(|(at_ms, _)| *at_ms).collect()
}

#[test]
fn four_requests_are_under_way_at_a_time() {
    let (host, sent) = timed(|_, _| None);
    report(&host, input(30, json!({})));
    assert_eq!(times(&sent), [0, 0, 0, 0, 1_000, 1_000, 1_000, 2_000]);
}

#[test]
fn with_a_cost_limit_one_waits_for_the_other() {
    let (host, sent) = timed(|_, _| None);
    report(&host, input(10, json!({ "options": { "maxCostUsd": 5 } })));
    assert_eq!(times(&sent), [0, 1_000, 2_000, 3_000]);
}

#[test]
fn after_a_failure_nothing_new_is_begun_and_what_is_under_way_is_kept() {
    let (host, sent) = timed(|ids, _| ids.starts_with("p1 ").then(|| Reply::bytes(401, "")));
    let result = run_input(&host, input(30, json!({})));
    assert!(
        matches!(result, Err(JobError::Unavailable { .. })),
        "{result:?}"
    );
    assert_eq!(times(&sent), [0, 0, 0, 0]);
    assert_eq!(step_names(&host), ["batch/1", "batch/2", "batch/3"]);
}

#[test]
fn a_rate_limit_that_one_request_meets_slows_all_of_them_down() {
    let (host, sent) = timed(|ids, now_ms| {
        let limited = ids.starts_with("p1 ") && now_ms == 0;
        limited.then(|| Reply::bytes(429, "{}").header("retry-after", "5"))
    });
    let report = report(&host, input(30, json!({})));
    assert_eq!(report["status"], "complete");
    let times = times(&sent);
    assert!(
        times.iter().all(|at_ms| *at_ms == 0 || *at_ms >= 5_000),
        "{times:?}"
    );
    assert_eq!(times.len(), 9);
    assert_eq!(report["stats"]["calls"], 8);
}

#[test]
fn a_pause_that_is_too_long_to_wait_for_puts_other_jobs_off_without_using_up_an_attempt() {
    let limited = |_: &str, _| Some(Reply::bytes(429, "{}").header("retry-after", "600"));
    let (host, sent) = timed(limited);
    let config = config(&[]);
    let (signals, crash_record) = (Signals::default(), CrashRecord::default());
    let isolate = RunContext::new(&host, &config, &signals, &crash_record, 0, "test-worker");
    let attempt = || {
        let job = job("generate_report", input(1, json!({})));
        let context = JobContext::new(&isolate, job);
        run_attempt::<GenerateReport>(&host, &context)
    };
    let first = attempt();
    assert!(
        matches!(first, Err(JobError::Retryable { .. })),
        "{first:?}"
    );
    assert_eq!(attempt(), Err(JobError::Snoozed { seconds: 60 }));
    assert_eq!(sent.borrow().len(), 2);
    let begun = host.calls_of("start_job_step");
    assert_eq!(begun.len(), 2, "a step that was not asked has not begun");
}

#[test]
fn a_rate_limit_that_one_run_meets_is_known_to_the_next_run_of_the_isolate() {
    let limited = |_: &str, _| Some(Reply::bytes(429, "{}").header("retry-after", "600"));
    let (host, sent) = timed(limited);
    let config = config(&[]);
    let (signals, crash_record) = (Signals::default(), CrashRecord::default());
    let isolate = Shared::default();
    let run = || {
        let run = RunContext::new(&host, &config, &signals, &crash_record, 0, "test-worker");
        let run = run.sharing(isolate.clone());
        let context = JobContext::new(&run, job("generate_report", input(1, json!({}))));
        run_attempt::<GenerateReport>(&host, &context)
    };
    assert!(matches!(run(), Err(JobError::Retryable { .. })));
    let requests = sent.borrow().len();
    assert_eq!(run(), Err(JobError::Snoozed { seconds: 60 }));
    assert_eq!(sent.borrow().len(), requests);
}
