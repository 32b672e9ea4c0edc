//! What is claimed when, how results travel, and what the log says.

use serde_json::json;

use super::world::World;
use crate::host::Host;
use crate::isolate::StopReason;

#[test]
fn an_empty_queue_costs_one_exchange() {
    let world = World::new();
    let report = world.run();
    assert_eq!(report.claimed, 0);
    assert_eq!(report.stopped, StopReason::Empty);
    assert_eq!(world.exchanges_with("max_jobs"), [10]);
}

#[test]
fn a_run_that_was_told_to_claim_again_does_so_once_before_it_ends() {
    let world = World::new();
    world.queue.claim_again_after_ms(200);
    let report = world.run_beside(async {
        world.host.sleep_ms(100).await;
        world.queue.add("sleep", json!({ "ms": 0 }));
    });
    assert_eq!((report.claimed, report.stopped), (1, StopReason::Empty));
    assert_eq!(report.duration_ms, 200);
    // Nothing; the job; nothing more.
    assert_eq!(world.exchanges().len(), 3);
}

#[test]
fn a_busy_run_claims_again_in_time() {
    let world = World::new();
    world.queue.add("sleep", json!({ "ms": 5_000 }));
    world.queue.claim_again_after_ms(200);
    let quick = world.run_beside(async {
        world.host.sleep_ms(100).await;
        world.queue.add("sleep", json!({ "ms": 0 }));
    });
    assert_eq!((quick.claimed, quick.duration_ms), (2, 5_000));
    let second = &world.host.calls_of("finish_and_claim_jobs")[1];
    assert_eq!(
        second["results"],
        json!([]),
        "it did not wait for the slow job"
    );
}

/// How many results each exchange carries.
fn results(world: &World) -> Vec<usize> {
    let exchanges = world.exchanges();
    exchanges
        .iter()
        .map(|exchange| exchange["results"].as_array().map_or(0, Vec::len))
        .collect()
}

#[test]
fn the_results_of_the_last_jobs_and_the_next_claim_are_one_exchange() {
    let world = World::with(&[("QUEUE_CONCURRENCY", "2")]);
    world.queue.add_many(6, "sleep", json!({ "ms": 0 }));
    let report = world.run();
    assert_eq!((report.claimed, report.completed), (6, 6));
    assert_eq!(
        results(&world),
        [0, 2, 4, 0],
        "the last is for jobs that run alone"
    );
    assert_eq!(world.exchanges_with("max_jobs"), [2, 4, 6, 2]);
}

#[test]
fn what_ends_during_an_exchange_travels_with_the_next() {
    let world = World::new();
    world.queue.calls_take_ms(50);
    for ms in [300, 310, 320, 330, 340] {
        world.queue.add("sleep", json!({ "ms": ms }));
    }
    world.run();
    assert_eq!(results(&world), [0, 1, 4]);
}

#[test]
fn a_result_is_stored_as_the_handler_returned_it() {
    let world = World::new();
    let id = world.queue.add("sleep", json!({ "ms": 40 }));
    world.run();
    let outcome = world.queue.outcome(&id);
    assert_eq!(outcome["outcome"], "completed");
    assert_eq!(outcome["output_data"]["ended_at_ms"], 40);
}

#[test]
fn a_slow_job_does_not_block_the_free_slots() {
    let world = World::with(&[("QUEUE_CONCURRENCY", "2")]);
    let slow = world.queue.add("sleep", json!({ "ms": 9_000 }));
    world.queue.add_many(8, "sleep", json!({ "ms": 1_000 }));
    let report = world.run();
    assert_eq!(report.completed, 9);
    assert_eq!(
        world.queue.outcome(&slow)["output_data"]["ended_at_ms"],
        9_000
    );
    assert_eq!(report.duration_ms, 9_000);
}

#[test]
fn no_more_jobs_run_at_once_than_there_are_slots() {
    let world = World::with(&[("QUEUE_CONCURRENCY", "3")]);
    world.queue.add_many(9, "sleep", json!({ "ms": 1_000 }));
    assert_eq!(world.run().duration_ms, 3_000);
}

#[test]
fn quick_jobs_are_claimed_ahead_in_growing_numbers() {
    let world = World::new();
    world.queue.calls_take_ms(5);
    world.queue.add_many(570, "sleep", json!({ "ms": 0 }));
    let report = world.run();
    assert_eq!(report.completed, 570);
    assert_eq!(
        world.exchanges_with("max_jobs")[..7],
        [10, 20, 30, 50, 90, 170, 200]
    );
}

#[test]
fn while_quick_jobs_run_the_database_prepares_the_next_full_claim() {
    let world = World::new();
    world.queue.calls_take_ms(5);
    world.queue.add_many(4_370, "sleep", json!({ "ms": 0 }));
    let report = world.run();
    assert_eq!(report.completed, 4_370);
    // One at a time, the twenty full claims alone would take a hundred milliseconds.
    assert!(report.duration_ms < 100, "{} ms", report.duration_ms);
    let largest = world.exchanges_with("max_jobs");
    assert!(largest.iter().all(|jobs| jobs.as_u64() <= Some(200)));
}

#[test]
fn jobs_claimed_ahead_that_find_no_slot_go_back_unharmed() {
    let world = World::new();
    world.queue.add_many(10, "sleep", json!({ "ms": 0 }));
    world.queue.add_many(20, "sleep", json!({ "ms": 5_000 }));
    let report = world.run();
    assert_eq!(report.released, 10);
    assert_eq!(report.completed, 20);
    let released: Vec<_> = world
        .exchanges()
        .into_iter()
        .flat_map(|exchange| exchange["results"].as_array().cloned().unwrap_or_default())
        .filter(|result| result["outcome"] == "released")
        .collect();
    assert_eq!(released.len(), 10);
}

#[test]
fn every_claim_has_a_lease_token_of_its_own() {
    let world = World::with(&[("QUEUE_CONCURRENCY", "1")]);
    world.queue.add_many(2, "sleep", json!({ "ms": 300 }));
    world.run();
    let tokens = world.exchanges_with("lease_token");
    assert_ne!(tokens[0], tokens[1]);
    assert_eq!(world.exchanges()[1]["results"][0]["lease_token"], tokens[0]);
}

#[test]
fn a_type_this_worker_cannot_run_is_not_claimed_and_the_report_says_why() {
    let world = World::new();
    world.queue.add("unwilling", json!({}));
    world.queue.add("unheard_of", json!({}));
    let report = world.run();
    assert_eq!(report.claimed, 0);
    assert_eq!(
        report.unavailable["unwilling"].as_str(),
        "it would rather not"
    );
    assert_eq!(world.queue.ready(), 2);
    let line = &world.host.log_lines_of("run_finished")[0];
    assert_eq!(line["unavailable"]["unwilling"], "it would rather not");
}

#[test]
fn a_handlers_error_reaches_the_database() {
    let world = World::new();
    let later = world.queue.add("fail", json!({ "how": "later" }));
    let never = world.queue.add("fail", json!({ "how": "never" }));
    let cancelled = world.queue.add("fail", json!({ "how": "cancelled" }));
    let malformed = world.queue.add("fail", json!({ "how": 3 }));
    world.queue.add("fail", json!({ "how": "lost" }));
    let report = world.run();
    assert_eq!((report.retried, report.failed), (1, 2));
    assert_eq!((report.cancelled, report.lost), (1, 1));
    let later = world.queue.outcome(&later);
    assert_eq!(later["retryable"], true);
    assert_eq!(later["retry_after_seconds"], 7);
    assert_eq!(world.queue.outcome(&never)["error_message"], "never");
    assert_eq!(world.queue.outcome(&cancelled)["outcome"], "cancelled");
    let malformed = world.queue.outcome(&malformed);
    assert_eq!(malformed["retryable"], false);
    assert_eq!(
        malformed["error_message"],
        "input_data.how: expected a string"
    );
}

#[test]
fn a_wake_up_while_slots_are_free_makes_the_run_claim_at_once() {
    let world = World::new();
    world.queue.add("sleep", json!({ "ms": 5_000 }));
    let report = world.run_beside(async {
        world.host.sleep_ms(1_000).await;
        world.queue.add("sleep", json!({ "ms": 1_000 }));
        world.signals.request_claim();
    });
    assert_eq!(report.completed, 2);
    let late = &world.host.log_lines_of("completed")[0];
    assert_eq!(late["ms"], 1_000);
    assert_eq!(report.duration_ms, 5_000);
}

#[test]
fn a_wake_up_during_the_last_exchange_makes_the_run_claim_once_more() {
    let world = World::new();
    world.queue.calls_take_ms(10);
    let report = world.run_beside(async {
        world.host.sleep_ms(5).await;
        world.queue.add("sleep", json!({ "ms": 1 }));
        world.signals.request_claim();
    });
    assert_eq!(report.completed, 1);
}

#[test]
fn the_log_has_a_line_per_event_with_ids_and_times_and_no_payloads() {
    let world = World::new();
    let id = world
        .queue
        .add("sleep", json!({ "ms": 25, "note": "private" }));
    world.queue.add("fail", json!({ "how": "later" }));
    world.run();
    let line = &world.host.log_lines_of("completed")[0];
    assert_eq!(
        *line,
        json!({ "event": "completed", "job_id": id, "job_type": "sleep", "attempt": 1, "ms": 25 })
    );
    assert_eq!(world.host.log_lines_of("claimed").len(), 2);
    assert_eq!(world.host.log_lines_of("retried")[0]["error"], "not now");
    assert!(!world.host.messages.borrow().concat().contains("private"));
}

#[test]
fn many_lines_travel_as_few_messages_within_the_platforms_limit() {
    let world = World::new();
    world.queue.add_many(2_000, "sleep", json!({ "ms": 0 }));
    world.run();
    let messages = world.host.messages.borrow();
    assert!(messages.iter().all(|message| message.len() <= 10_000));
    assert!(messages.len() < 100, "{} messages", messages.len());
    drop(messages);
    assert_eq!(world.host.log_lines_of("completed").len(), 2_000);
}

#[test]
fn handlers_that_keep_the_isolate_busy_do_not_keep_it_from_its_heartbeats_and_its_results() {
    let world = World::with(&[
        ("QUEUE_CONCURRENCY", "1000"),
        ("QUEUE_WALL_CLOCK_SECONDS", "400"),
    ]);
    world.queue.add_many(200, "block", json!({}));
    let report = world.run();
    assert_eq!(report.completed, 200);
    assert_eq!(world.host.calls_of("heartbeat_jobs").len(), 1);
    assert!(
        world.exchanges().len() > 4,
        "results do not wait for the end"
    );
}
