//! Jobs that run longer than they may.

use std::cell::Cell;

use serde_json::json;

use super::world::{World, refused_connection};
use crate::isolate::StopReason;

#[test]
fn a_job_that_runs_longer_than_it_may_is_stopped_and_the_database_told_at_once() {
    let world = World::new();
    let id = world.queue.add_with_timeout("fetch", json!({}), 5);
    let report = world.run();
    assert_eq!((report.retried, report.duration_ms), (1, 5_000));
    assert_eq!(world.host.aborted_fetches.get(), 1);
    assert_eq!(world.queue.outcome(&id)["outcome"], "timed_out");
    assert_eq!(world.host.log_lines_of("timed_out")[0]["job_id"], id);
    assert!(world.host.log_lines_of("lost").is_empty());
}

#[test]
fn it_is_told_again_until_the_database_answers() {
    let world = World::new();
    let id = world.queue.add_with_timeout("fetch", json!({}), 5);
    let clock = world.host.clock();
    world.queue.fault(move |_, _| {
        (5_000..9_000)
            .contains(&clock.get())
            .then(refused_connection)
    });
    let report = world.run();
    assert_eq!((report.retried, report.lost), (1, 0));
    assert_eq!(world.queue.outcome(&id)["outcome"], "timed_out");
}

#[test]
fn the_others_run_on() {
    let world = World::new();
    let slow = world.queue.add_with_timeout("fetch", json!({}), 5);
    let good = world
        .queue
        .add_with_timeout("sleep", json!({ "ms": 7_000 }), 8);
    let report = world.run();
    assert_eq!((report.completed, report.retried), (1, 1));
    assert_eq!(world.queue.outcome(&slow)["outcome"], "timed_out");
    assert_eq!(world.queue.outcome(&good)["outcome"], "completed");
}

#[test]
fn a_result_that_comes_at_the_deadline_or_later_is_none() {
    let world = World::new();
    let id = world
        .queue
        .add_with_timeout("block", json!({ "ms": 1_400 }), 1);
    let report = world.run();
    assert_eq!((report.completed, report.retried), (0, 1));
    assert_eq!(world.queue.outcome(&id)["outcome"], "timed_out");
}

#[test]
fn a_job_whose_lease_the_database_refuses_before_the_deadline_has_not_timed_out() {
    let world = World::new();
    world
        .queue
        .add_with_timeout("fail", json!({ "how": "lost" }), 5);
    world.queue.add("fail", json!({ "how": "lost" }));
    let report = world.run();
    assert_eq!((report.retried, report.lost), (0, 2));
    assert_eq!(world.queue.finished(), 0);
}

#[test]
fn a_result_that_was_there_in_time_is_told_as_such_however_late() {
    let world = World::new();
    let id = world.queue.add_with_timeout("sleep", json!({ "ms": 0 }), 3);
    let unlimited = world.queue.add("sleep", json!({ "ms": 0 }));
    let clock = world.host.clock();
    world
        .queue
        .fault(move |_, _| (1..9_000).contains(&clock.get()).then(refused_connection));
    let report = world.run();
    assert_eq!(report.completed, 2);
    assert_eq!(world.queue.outcome(&id)["was_in_time"], true);
    assert!(world.queue.outcome(&unlimited).get("was_in_time").is_none());
}

#[test]
fn jobs_whose_time_was_up_before_they_could_begin_go_back_uncounted() {
    let world = World::with(&[("QUEUE_CONCURRENCY", "1")]);
    world.queue.add_many(60, "sleep", json!({ "ms": 0 }));
    world.queue.add("block", json!({ "ms": 7_000 }));
    for _ in 0..20 {
        world.queue.add_with_timeout("sleep", json!({ "ms": 0 }), 5);
    }
    let report = world.run();
    assert_eq!((report.retried, report.lost), (0, 0));
    let released = world.queue.outcomes_of("released");
    assert!(!released.is_empty());
    assert_eq!(report.completed as usize + released.len(), 81);
    let is_uncounted = |outcome: &serde_json::Value| {
        outcome["is_counted"] == false && outcome["was_in_time"] == true
    };
    assert!(released.iter().all(is_uncounted), "{released:?}");
}

#[test]
fn a_job_whose_claim_takes_as_long_as_it_may_run_rests_and_is_told_of() {
    let world = World::new();
    let late = world.queue.add_with_timeout("sleep", json!({ "ms": 0 }), 1);
    let early = world.queue.add_with_timeout("sleep", json!({ "ms": 0 }), 2);
    let unlimited = world.queue.add("sleep", json!({ "ms": 0 }));
    world.queue.calls_take_ms(1_200);
    let report = world.run();
    assert_eq!((report.completed, report.released), (2, 1));
    for id in [early, unlimited] {
        assert_eq!(world.queue.outcome(&id)["outcome"], "completed");
    }
    let outcome = world.queue.outcome(&late);
    assert_eq!(
        (&outcome["outcome"], &outcome["retry_after_seconds"]),
        (&json!("released"), &json!(5))
    );
    assert_eq!(
        (&outcome["is_late"], outcome.get("is_counted")),
        (&json!(true), None)
    );
    assert_eq!(
        outcome["error_message"],
        "the time allowed is shorter than a claim takes: 1 s, and the last took 1200 ms"
    );
}

#[test]
fn what_is_overdue_when_the_isolate_is_used_up_is_not_handed_over() {
    let world = World::with(&[("QUEUE_WALL_CLOCK_SECONDS", "8")]);
    for _ in 0..3 {
        world
            .queue
            .add_with_timeout("sleep", json!({ "ms": 4_000 }), 5);
    }
    world.queue.add("block", json!({ "ms": 9_000 }));
    let report = world.run();
    assert_eq!(
        (report.handed_over, report.released, report.lost),
        (0, 0, 3)
    );
}

#[test]
fn of_deadlines_that_passed_while_one_job_kept_the_isolate_to_itself_nothing_is_said() {
    let world = World::new();
    for _ in 0..3 {
        world
            .queue
            .add_with_timeout("sleep", json!({ "ms": 4_000 }), 5);
    }
    world
        .queue
        .add_with_timeout("block", json!({ "ms": 9_000 }), 5);
    let unlimited = world.queue.add("sleep", json!({ "ms": 10 }));
    let report = world.run();
    assert_eq!((report.completed, report.lost), (1, 4));
    assert_eq!(world.queue.finished(), 1);
    assert_eq!(world.queue.outcome(&unlimited)["outcome"], "completed");
    let beats = world.host.calls_of("heartbeat_jobs");
    let is_silent =
        |beat: &serde_json::Value| beat["jobs"].as_array().is_some_and(|jobs| jobs.len() <= 1);
    assert!(beats.iter().all(is_silent), "{beats:?}");
}

#[test]
fn a_worker_whose_database_never_answers_again_ends_all_the_same() {
    let world = World::new();
    world.queue.add_with_timeout("fetch", json!({}), 5);
    let is_down = Cell::new(false);
    let clock = world.host.clock();
    world.queue.fault(move |_, _| {
        is_down.set(is_down.get() || clock.get() >= 5_000);
        is_down.get().then(refused_connection)
    });
    let report = world.run();
    assert_eq!((report.lost, report.stopped), (1, StopReason::Database));
}
