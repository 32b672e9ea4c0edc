//! Jobs taken away, and results that the database does not take.

use std::cell::Cell;

use serde_json::{Value, json};

use super::world::{World, refused_connection};
use crate::host::{Host, TransportError};
use crate::isolate::StopReason;
use crate::testing::Reply;

#[test]
fn all_held_jobs_share_a_heartbeat_every_third_of_a_lease() {
    let world = World::new();
    world.queue.add_many(3, "sleep", json!({ "ms": 35_000 }));
    world.run();
    let beats = world.host.calls_of("heartbeat_jobs");
    assert_eq!(beats.len(), 3);
    assert_eq!(beats[0]["jobs"].as_array().map(Vec::len), Some(3));
    assert_eq!(beats[0]["lease_seconds"], 30);
    assert!(beats[0]["jobs"][0].get("progress").is_none());
}

#[test]
fn progress_travels_with_a_heartbeat_at_most_once_a_second() {
    let world = World::new();
    world.queue.add("tell", json!({}));
    world.run();
    let beats = world.host.calls_of("heartbeat_jobs");
    let done: Vec<_> = beats
        .iter()
        .map(|heartbeat| heartbeat["jobs"][0]["progress"]["done"].clone())
        .collect();
    assert_eq!(done, [3, 6]);
}

#[test]
fn progress_that_did_not_arrive_is_sent_again() {
    let world = World::new();
    world.queue.add("tell", json!({}));
    let calls = Cell::new(0);
    world.queue.fault(move |function, _| {
        (function == "heartbeat_jobs" && calls.replace(calls.get() + 1) == 0)
            .then(refused_connection)
    });
    let report = world.run();
    assert_eq!(report.completed, 1);
    assert_eq!(world.host.log_lines_of("heartbeat_failed").len(), 1);
    let beats = world.host.calls_of("heartbeat_jobs");
    assert_eq!(beats[1]["jobs"][0]["progress"]["done"], 6);
}

#[test]
fn a_job_cancelled_while_it_runs_stops_at_the_next_heartbeat() {
    let world = World::new();
    let id = world.queue.add("fetch", json!({}));
    world.queue.set_lease_status(&id, "cancelled");
    let report = world.run();
    assert_eq!(report.cancelled, 1);
    assert_eq!(world.queue.outcome(&id)["outcome"], "cancelled");
    assert_eq!(world.host.aborted_fetches.get(), 1);
    assert_eq!(report.duration_ms, 10_000);
}

#[test]
fn a_job_whose_lease_is_lost_stops_and_nothing_is_written_about_it() {
    let world = World::new();
    let id = world.queue.add("fetch", json!({}));
    world.queue.set_lease_status(&id, "lost");
    let report = world.run();
    assert_eq!(report.lost, 1);
    assert_eq!(world.queue.finished(), 0);
    assert_eq!(world.host.aborted_fetches.get(), 1);
    assert_eq!(world.host.log_lines_of("lost")[0]["job_id"], id);
}

#[test]
fn a_lease_that_turns_out_lost_at_the_finish_is_counted_and_logged() {
    let world = World::new();
    let id = world.queue.add("sleep", json!({ "ms": 10 }));
    world.queue.set_lease_status(&id, "lost");
    let report = world.run();
    assert_eq!((report.completed, report.lost), (0, 1));
    assert_eq!(world.host.log_lines_of("lost")[0]["job_id"], id);
}

#[test]
fn results_on_their_way_get_heartbeats() {
    let world = World::new();
    let quick = world.queue.add("sleep", json!({ "ms": 1_000 }));
    world.queue.add("sleep", json!({ "ms": 50_000 }));
    let clock = world.host.clock();
    world.queue.fault(move |function, _| {
        let is_stalled = (1_000..45_000).contains(&clock.get());
        (function == "finish_and_claim_jobs" && is_stalled).then(Reply::never)
    });
    let report = world.run();
    assert_eq!((report.completed, report.lost), (2, 0));
    let beats = world.host.calls_of("heartbeat_jobs");
    let early = &beats[..4];
    assert!(
        early
            .iter()
            .all(|heartbeat| heartbeat.to_string().contains(&quick))
    );
}

#[test]
fn what_a_claim_got_before_its_answer_was_lost_is_handed_back_by_an_isolate_that_ends() {
    let world = World::new();
    world.queue.add_many(5, "sleep", json!({ "ms": 1 }));
    let (queue, clock) = (world.queue.clone(), world.host.clock());
    let is_first = Cell::new(true);
    world.queue.fault(move |function, arguments| {
        if is_first.replace(false) {
            queue.usual_answer(function, arguments);
        }
        (clock.get() < 3_000).then(refused_connection)
    });
    let report = world.run_beside(async {
        world.host.sleep_ms(1_000).await;
        world.queue.add("sleep", json!({ "ms": 1 }));
        world.signals.shut_down(10_000);
    });
    assert_eq!((report.claimed, report.released), (5, 5));
    assert_eq!(world.queue.ready(), 1, "nothing new is claimed");
}

#[test]
fn the_first_heartbeat_reckons_with_a_claim_that_took_long() {
    let world = World::new();
    world.queue.add("sleep", json!({ "ms": 40_000 }));
    world.queue.calls_take_ms(8_000);
    let clock = world.host.clock();
    let first_beat_ms = std::rc::Rc::new(Cell::new(0));
    let seen = first_beat_ms.clone();
    world.queue.fault(move |function, _| {
        if function == "heartbeat_jobs" && seen.get() == 0 {
            seen.set(clock.get());
        }
        None
    });
    world.run();
    assert_eq!(
        first_beat_ms.get(),
        10_000,
        "a third of a lease from the claim on"
    );
}

#[test]
fn a_job_that_cannot_be_read_fails_and_its_neighbours_run() {
    let world = World::new();
    let mut deep = json!(1);
    for _ in 0..200 {
        deep = json!([deep]);
    }
    let ids = [
        json!({ "ms": 1 }),
        json!({ "ms": 1, "deep": deep }),
        json!({ "ms": 1 }),
    ]
    .map(|input| world.queue.add("echo", input));
    let report = world.run();
    assert_eq!((report.completed, report.failed), (2, 1));
    let bad = world.queue.outcome(&ids[1]);
    assert_eq!(bad["retryable"], false);
    let message = bad["error_message"].as_str().expect("a message");
    assert!(message.starts_with("input_data"), "{message}");
}

#[test]
fn a_claim_whose_answer_was_lost_is_asked_for_again_under_the_same_token() {
    let world = World::new();
    world.queue.add_many(3, "sleep", json!({ "ms": 10 }));
    let queue = world.queue.clone();
    let is_first = Cell::new(true);
    world.queue.fault(move |function, arguments| {
        is_first.replace(false).then(|| {
            queue.usual_answer(function, arguments);
            Reply::error(TransportError::TimedOut)
        })
    });
    let report = world.run();
    assert_eq!((report.claimed, report.completed), (3, 3));
    let tokens = world.exchanges_with("lease_token");
    assert_eq!(tokens[0], tokens[1]);
    assert_eq!(world.exchanges_with("repetition")[1], 1);
}

#[test]
fn a_result_the_database_refuses_fails_its_own_job_and_no_other() {
    let world = World::new();
    let good = world.queue.add("sleep", json!({ "ms": 10 }));
    let bad = world
        .queue
        .add("sleep", json!({ "ms": 10, "poison": true }));
    let last = world.queue.add("sleep", json!({ "ms": 10 }));
    world.queue.fault(refusing_poison);
    let report = world.run();
    assert_eq!((report.completed, report.failed), (2, 1));
    assert_eq!(world.queue.outcome(&good)["outcome"], "completed");
    assert_eq!(world.queue.outcome(&last)["outcome"], "completed");
    let bad = world.queue.outcome(&bad);
    assert_eq!(bad["retryable"], false);
    let message = bad["error_message"].as_str().expect("a message");
    assert!(message.starts_with("the database refuses to store the result"));
    assert!(message.contains("22P05"), "{message}");
}

#[test]
fn a_job_about_which_nothing_can_be_stored_is_left_to_its_lease() {
    let world = World::new();
    world.queue.add("sleep", json!({ "ms": 10 }));
    world.queue.fault(|_, arguments| {
        let is_result = arguments["results"].get(0).is_some();
        is_result.then(|| Reply::json(400, json!({ "code": "23514", "message": "check" })))
    });
    let report = world.run();
    assert_eq!((report.claimed, report.lost), (1, 1));
    assert_eq!(report.stopped, StopReason::Empty);
}

fn refusing_poison(_: &str, arguments: &Value) -> Option<Reply> {
    let results = arguments["results"].as_array()?;
    let is_poisoned = results
        .iter()
        .any(|result| result["output_data"]["poison"] == true);
    is_poisoned.then(|| {
        let body = json!({ "code": "22P05", "message": "unsupported Unicode escape sequence" });
        Reply::json(400, body)
    })
}
