//! Weights of jobs, and bytes of inputs and results.

use std::cell::Cell;

use serde_json::{Value, json};

use super::world::World;
use crate::testing::Reply;

fn numbers(values: Vec<Value>) -> Vec<u64> {
    values.iter().filter_map(Value::as_u64).collect()
}

#[test]
fn the_slots_of_heavy_jobs_are_not_offered_again() {
    let world = World::with(&[("QUEUE_CONCURRENCY", "10")]);
    world.queue.set_weights(json!({ "sleep": 6 }));
    world.queue.add("sleep", json!({ "ms": 2_000 }));
    world.queue.claim_again_after_ms(100);
    world.run();
    assert_eq!(numbers(world.exchanges_with("capacity"))[..2], [10, 4]);
}

#[test]
fn a_heavy_job_waits_until_enough_slots_are_free() {
    let world = World::with(&[("QUEUE_CONCURRENCY", "4")]);
    world.queue.set_weights(json!({ "sleep": 3 }));
    world.queue.add_many(2, "sleep", json!({ "ms": 300 }));
    let report = world.run();
    assert_eq!((report.completed, report.duration_ms), (2, 600));
}

#[test]
fn a_job_heavier_than_the_isolate_runs_alone() {
    let world = World::with(&[("QUEUE_CONCURRENCY", "2")]);
    world.queue.set_weights(json!({ "sleep": 50 }));
    world.queue.add_many(2, "sleep", json!({ "ms": 300 }));
    let report = world.run();
    assert_eq!((report.completed, report.duration_ms), (2, 600));
}

#[test]
fn results_are_split_over_exchanges_by_their_size() {
    let world = World::with(&[
        ("QUEUE_EXCHANGE_KILOBYTES", "64"),
        ("QUEUE_CONCURRENCY", "5"),
    ]);
    world
        .queue
        .add_many(5, "echo", json!({ "text": "x".repeat(30_000) }));
    let report = world.run();
    assert_eq!(report.completed, 5);
    let exchanges = world.exchanges();
    let results = exchanges
        .iter()
        .map(|exchange| exchange["results"].as_array().map_or(0, Vec::len));
    assert!(
        results.max() <= Some(2),
        "two results of 30 kB fit into 64 kB"
    );
}

#[test]
fn no_job_is_claimed_while_those_in_flight_hold_too_much() {
    let world = World::with(&[("QUEUE_EXCHANGE_KILOBYTES", "64")]);
    let text = "x".repeat(140_000);
    world
        .queue
        .add("sleep", json!({ "ms": 2_000, "text": text }));
    world.queue.claim_again_after_ms(100);
    world.run();
    assert_eq!(numbers(world.exchanges_with("max_jobs"))[..2], [10, 10]);
    assert_eq!(
        world.exchanges_with("is_idle")[1],
        true,
        "not beside the large one"
    );
}

#[test]
fn results_that_time_out_together_are_halved_until_one_is_to_blame() {
    let world = World::with(&[("QUEUE_CONCURRENCY", "8")]);
    world.queue.add_many(7, "sleep", json!({ "ms": 10 }));
    let slow = world.queue.add("echo", json!({ "text": "slow", "ms": 10 }));
    world.queue.fault(|function, arguments| {
        let is_slow = arguments["results"].to_string().contains("slow");
        (function == "finish_and_claim_jobs" && is_slow)
            .then(|| Reply::json(500, json!({ "code": "57014", "message": "timeout" })))
    });
    let report = world.run();
    assert_eq!((report.completed, report.failed), (7, 1));
    let outcome = world.queue.outcome(&slow);
    let error = outcome["error_message"].as_str().unwrap_or_default();
    assert!(
        error.starts_with("the database refuses to store the result"),
        "{error}"
    );
    let sizes: Vec<usize> = world
        .exchanges()
        .iter()
        .filter(|exchange| exchange["results"].to_string().contains("slow"))
        .map(|exchange| exchange["results"].as_array().map_or(0, Vec::len))
        .collect();
    assert!(sizes.windows(2).all(|pair| pair[1] <= pair[0]), "{sizes:?}");
}

#[test]
fn of_two_results_the_one_that_is_too_large_fails_its_own_job() {
    let world = World::with(&[("QUEUE_CONCURRENCY", "2")]);
    let other = world.queue.add("sleep", json!({ "ms": 10 }));
    let large = world
        .queue
        .add("echo", json!({ "text": "large", "ms": 10 }));
    world.queue.fault(|_, arguments| {
        let is_large = arguments["results"].to_string().contains("large");
        is_large.then(|| Reply::json(413, json!({})))
    });
    let report = world.run();
    assert_eq!((report.completed, report.failed), (1, 1));
    assert_eq!(world.queue.outcome(&other)["outcome"], "completed");
    assert_eq!(world.queue.outcome(&large)["retryable"], false);
}

#[test]
fn a_claim_that_times_out_asks_for_half_as_much() {
    let world = World::new();
    world.queue.add("sleep", json!({ "ms": 0 }));
    let calls = Cell::new(0);
    world.queue.fault(move |_, _| {
        (calls.replace(calls.get() + 1) < 2)
            .then(|| Reply::json(500, json!({ "code": "57014", "message": "timeout" })))
    });
    let report = world.run();
    assert_eq!(report.completed, 1);
    assert_eq!(numbers(world.exchanges_with("max_jobs"))[..3], [10, 5, 3]);
}
