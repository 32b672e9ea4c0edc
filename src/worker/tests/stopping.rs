//! Why a run ends, and what happens to the jobs it holds then.

use serde_json::json;

use super::world::World;
use crate::host::Host;
use crate::isolate::StopReason;
use crate::testing::Reply;

#[test]
fn nothing_is_claimed_after_half_of_the_wall_clock() {
    let world = World::with(&[
        ("QUEUE_WALL_CLOCK_SECONDS", "10"),
        ("QUEUE_CONCURRENCY", "1"),
    ]);
    world.queue.add_many(9, "sleep", json!({ "ms": 1_500 }));
    let report = world.run();
    assert_eq!(report.stopped, StopReason::WallClock);
    assert_eq!((report.claimed, report.completed), (4, 4));
    assert_eq!(world.queue.ready(), 5);
    assert_eq!(report.duration_ms, 6_000);
    let last = world.exchanges_with("max_jobs").pop();
    assert_eq!(last, Some(json!(0)));
}

#[test]
fn nothing_is_claimed_after_half_of_the_cpu_time_or_the_memory() {
    type UseUp = fn(&World);
    let cases: [(UseUp, StopReason); 2] = [
        (|world| world.host.cpu_ms.set(1_000), StopReason::Cpu),
        (
            |world| world.host.memory_bytes.set(128 << 20),
            StopReason::Memory,
        ),
    ];
    for (use_up, stopped) in cases {
        let world = World::new();
        world.queue.add_many(30, "sleep", json!({ "ms": 1_000 }));
        let report = world.run_beside(async {
            world.host.sleep_ms(500).await;
            use_up(&world);
        });
        assert_eq!(report.stopped, stopped);
        assert_eq!((report.claimed, report.completed), (10, 10));
    }
}

#[test]
fn a_worker_that_has_to_stop_wakes_one_successor() {
    let world = World::with(&[("QUEUE_WALL_CLOCK_SECONDS", "10")]);
    world.queue.add_many(200, "sleep", json!({ "ms": 1_000 }));
    let report = world.run();
    assert_eq!(report.stopped, StopReason::WallClock);
    assert_eq!(world.successors(), 1);
}

#[test]
fn a_worker_that_found_the_queue_empty_or_got_no_job_wakes_nobody() {
    let world = World::new();
    world.queue.add("sleep", json!({ "ms": 1 }));
    assert_eq!(world.run().stopped, StopReason::Empty);
    world.signals.drain(StopReason::Shutdown);
    assert_eq!(world.run().stopped, StopReason::Shutdown);
    assert_eq!(world.successors(), 0);
}

#[test]
fn a_worker_ends_though_no_successor_can_be_woken() {
    let world = World::with(&[("QUEUE_WALL_CLOCK_SECONDS", "10")]);
    world.queue.fault(|function, _| {
        (function == "dispatch_workers").then(|| Reply::json(400, json!({ "code": "55000" })))
    });
    world.queue.add_many(200, "sleep", json!({ "ms": 1_000 }));
    assert_eq!(world.run().stopped, StopReason::WallClock);
    assert_eq!(world.host.log_lines_of("no_successor").len(), 1);
}

#[test]
fn a_run_that_has_to_stop_does_not_claim_again() {
    let world = World::new();
    world.queue.claim_again_after_ms(200);
    let report = world.run_beside(async {
        world.host.sleep_ms(100).await;
        world.signals.drain(StopReason::Shutdown);
    });
    assert_eq!(report.duration_ms, 100);
}

#[test]
fn an_isolate_past_its_budget_makes_no_exchange_at_all() {
    let world = World::with(&[("QUEUE_WALL_CLOCK_SECONDS", "1")]);
    world.queue.add("sleep", json!({ "ms": 1 }));
    world.host.clock().set(500);
    let report = world.run();
    assert_eq!(report.stopped, StopReason::WallClock);
    assert!(world.exchanges().is_empty());
}

#[test]
fn a_drain_hands_back_what_has_not_started_and_lets_the_rest_finish() {
    let world = World::new();
    world.queue.add_many(10, "sleep", json!({ "ms": 0 }));
    world.queue.add_many(20, "sleep", json!({ "ms": 3_000 }));
    world.queue.add_many(5, "sleep", json!({ "ms": 0 }));
    let report = world.run_beside(async {
        world.host.sleep_ms(500).await;
        world.signals.drain(StopReason::Shutdown);
    });
    assert_eq!(report.stopped, StopReason::Shutdown);
    assert_eq!((report.completed, report.released), (20, 10));
    assert_eq!(world.queue.ready(), 5);
    assert_eq!(report.duration_ms, 3_000);
}

#[test]
fn jobs_that_arrive_after_a_drain_are_not_started() {
    let world = World::new();
    world.queue.calls_take_ms(10);
    world.queue.add_many(3, "sleep", json!({ "ms": 5 }));
    let report = world.run_beside(async {
        world.host.sleep_ms(5).await;
        world.signals.drain(StopReason::Shutdown);
    });
    assert_eq!((report.claimed, report.released), (3, 3));
}

#[test]
fn after_a_drain_no_run_claims_again() {
    let world = World::new();
    world.queue.add("sleep", json!({ "ms": 1 }));
    world.signals.drain(StopReason::Shutdown);
    let report = world.run();
    assert_eq!((report.claimed, report.stopped), (0, StopReason::Shutdown));
}

#[test]
fn the_report_names_what_ended_the_run() {
    let report = World::new().run();
    let json = serde_json::to_value(&report).expect("a report is JSON");
    assert_eq!(
        json,
        json!({
            "claimed": 0, "completed": 0, "retried": 0, "failed": 0, "cancelled": 0, "released": 0,
            "handed_over": 0, "lost": 0, "stopped": "empty", "duration_ms": 0,
            "unavailable": { "unwilling": "it would rather not" },
        })
    );
}
