//! Jobs that need longer than this isolate has.

use serde_json::{Value, json};

use super::world::World;
use crate::host::Host;
use crate::isolate::StopReason;
use crate::testing::Reply;

fn saved_steps(world: &World) -> Vec<Value> {
    let saved = world.host.calls_of("save_job_step");
    saved.iter().map(|step| step["name"].clone()).collect()
}

#[test]
fn what_still_runs_when_a_twentieth_of_the_wall_clock_is_left_goes_on_elsewhere() {
    let world = World::new();
    let id = world.queue.add("fetch", json!({}));
    let report = world.run();
    assert_eq!((report.handed_over, report.completed), (1, 0));
    assert_eq!(world.queue.outcome(&id)["outcome"], "handed_over");
    assert_eq!(world.host.aborted_fetches.get(), 1);
    assert_eq!(report.duration_ms, 142_500);
    assert_eq!(report.stopped, StopReason::WallClock);
}

#[test]
fn what_still_runs_when_the_cpu_time_is_nearly_used_up_goes_on_elsewhere() {
    let world = World::new();
    world.queue.add("fetch", json!({}));
    let report = world.run_beside(async {
        loop {
            world.host.sleep_ms(100).await;
            world.host.cpu_ms.update(|used_ms| used_ms + 50);
        }
    });
    assert_eq!((report.handed_over, report.stopped), (1, StopReason::Cpu));
    assert!(world.host.cpu_ms.get() < 2_000);
}

#[test]
fn a_hand_over_does_not_wait_for_an_exchange_that_hangs() {
    let world = World::new();
    let id = world.queue.add("fetch", json!({}));
    world.queue.add("sleep", json!({ "ms": 135_000 }));
    let clock = world.host.clock();
    world.queue.fault(move |function, _| {
        let is_stalled = (135_000..136_000).contains(&clock.get());
        (function == "finish_and_claim_jobs" && is_stalled).then(Reply::never)
    });
    let report = world.run();
    assert_eq!(world.queue.outcome(&id)["outcome"], "handed_over");
    assert!(world.host.log_lines_of("handed_over")[0]["ms"].as_u64() < Some(143_000));
    assert!(report.duration_ms <= 156_000);
}

#[test]
fn a_handler_that_waits_for_something_else_after_a_step_was_handed_over_is_not_waited_for() {
    let world = World::new();
    world.queue.add("two", json!({}));
    world.queue.fault(|function, _| {
        (function == "save_job_step").then(|| Reply::json(200, json!("held")).after_ms(1_000))
    });
    let report = world.run_beside(async {
        world.host.sleep_ms(500).await;
        world.signals.shut_down(world.host.now_ms());
    });
    assert_eq!((report.handed_over, report.duration_ms), (1, 1_100));
}

#[test]
fn an_isolate_that_is_told_of_its_end_hands_over_at_once() {
    let world = World::new();
    world.queue.add("fetch", json!({}));
    let report = world.run_beside(async {
        world.host.sleep_ms(500).await;
        world.signals.shut_down(world.host.now_ms());
    });
    assert_eq!(
        (report.handed_over, report.stopped),
        (1, StopReason::Shutdown)
    );
    assert_eq!(report.duration_ms, 500);
}

#[test]
fn an_isolate_that_is_told_of_its_end_in_time_lets_jobs_finish_until_then() {
    let world = World::new();
    world.queue.add("sleep", json!({ "ms": 2_000 }));
    world.queue.add("fetch", json!({}));
    let report = world.run_beside(async {
        world.host.sleep_ms(500).await;
        world.signals.shut_down(5_000);
    });
    assert_eq!((report.completed, report.handed_over), (1, 1));
    assert_eq!(report.duration_ms, 5_000);
}

#[test]
fn a_step_that_is_being_saved_is_saved_before_its_job_is_handed_over() {
    let world = World::new();
    world.queue.add("walk", json!({ "steps": 3, "ms": 1_000 }));
    world.queue.fault(|function, _| {
        (function == "save_job_step").then(|| Reply::json(200, json!("held")).after_ms(700))
    });
    let report = world.run_beside(async {
        world.host.sleep_ms(1_100).await;
        world.signals.shut_down(world.host.now_ms());
    });
    assert_eq!(report.handed_over, 1);
    assert_eq!(report.duration_ms, 1_700);
    assert_eq!(saved_steps(&world), ["step/1"]);
}

#[test]
fn what_cannot_be_done_twice_is_done_and_saved_before_its_job_is_handed_over() {
    let world = World::new();
    let steps = json!({ "steps": 3, "ms": 2_000, "uninterrupted": true });
    world.queue.add("walk", steps);
    let report = world.run_beside(async {
        world.host.sleep_ms(500).await;
        world.signals.shut_down(world.host.now_ms());
    });
    assert_eq!((report.handed_over, report.duration_ms), (1, 2_000));
    assert_eq!(saved_steps(&world), ["step/1"]);
}

#[test]
fn a_step_that_would_not_end_here_is_not_begun() {
    let world = World::with(&[("QUEUE_WALL_CLOCK_SECONDS", "100")]);
    world.queue.add("walk", json!({ "steps": 9, "ms": 30_000 }));
    let report = world.run();
    assert_eq!(saved_steps(&world), ["step/1", "step/2", "step/3"]);
    assert_eq!(world.host.calls_of("start_job_step").len(), 3);
    assert_eq!((report.handed_over, report.duration_ms), (1, 90_000));
}

#[test]
fn an_isolate_that_handed_a_job_over_for_want_of_time_claims_no_more() {
    let world = World::with(&[("QUEUE_WALL_CLOCK_SECONDS", "100")]);
    world.queue.add("walk", json!({ "steps": 9, "ms": 48_000 }));
    let report = world.run_beside(async {
        world.host.sleep_ms(1_000).await;
        world.queue.add("sleep", json!({ "ms": 1 }));
    });
    assert_eq!((report.handed_over, report.claimed), (1, 1));
    assert_eq!(report.stopped, StopReason::WallClock);
}

#[test]
fn the_first_step_of_a_run_is_begun_however_little_time_is_left() {
    let world = World::with(&[("QUEUE_WALL_CLOCK_SECONDS", "10")]);
    world.queue.add("walk", json!({ "steps": 1, "ms": 4_000 }));
    world.host.clock().set(4_900);
    let report = world.run();
    assert_eq!(report.completed, 1);
}
