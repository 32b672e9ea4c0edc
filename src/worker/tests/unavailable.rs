//! A type whose jobs need something that is not available.

use serde_json::{Value, json};

use super::world::World;

const WAITING: &str = "waiting: a service that this job needs is not available at the moment";

fn without_service(jobs: usize, from_ms: u64) -> World {
    let world = World::with(&[("QUEUE_CONCURRENCY", "4")]);
    world.queue.put_released_back();
    let input = json!({ "from_ms": from_ms });
    world.queue.add_many(jobs, "need_service", input);
    world
}

fn pass_seconds(world: &World, seconds: u64) {
    let clock = world.host.clock();
    clock.set(clock.get() + seconds * 1_000);
}

/// The claims that asked for the type.
fn claims_of_type(world: &World) -> usize {
    let types = world.exchanges_with("job_types").into_iter();
    let asked = |types: &Value| {
        let types = types.as_array().cloned().unwrap_or_default();
        types.contains(&json!("need_service"))
    };
    types.filter(asked).count()
}

#[test]
fn its_jobs_go_back_unharmed_and_people_are_told_that_they_wait() {
    let world = without_service(10, u64::MAX);
    let report = world.run();
    assert_eq!((report.retried, report.failed), (0, 0));
    assert_eq!(world.queue.ready(), 10);
    for outcome in world.queue.outcomes_of("released") {
        assert_eq!(outcome["error_message"], WAITING);
        assert_eq!(outcome["retry_after_seconds"], Value::Null);
    }
}

#[test]
fn the_type_rests_and_the_report_the_log_and_the_database_hear_why() {
    let world = without_service(10, u64::MAX);
    world.queue.add("echo", json!({ "ms": 20 }));
    let report = world.run();
    assert_eq!(report.claimed, 5, "those that ran, and another type's");
    assert_eq!(claims_of_type(&world), 1);
    let reason = "the key <secret> has expired";
    assert_eq!(report.unavailable["need_service"].as_str(), reason);
    let told = world.exchanges_with("unavailable");
    assert_eq!(told.last().expect("an exchange")["need_service"], reason);
    let lines = world.host.log_lines_of("unavailable");
    assert_eq!(lines[0]["reason"], reason);
}

#[test]
fn it_is_not_claimed_again_by_the_next_run_of_the_isolate() {
    let world = without_service(10, u64::MAX);
    world.run();
    pass_seconds(&world, 30);
    let report = world.run();
    assert_eq!(report.claimed, 0);
    assert_eq!(report.unavailable.len(), 2);
    assert_eq!(claims_of_type(&world), 1);
}

#[test]
fn after_a_minute_one_job_is_tried_and_the_others_are_left_alone() {
    let world = without_service(10, u64::MAX);
    world.run();
    let before = world.queue.outcomes_of("released").len();
    pass_seconds(&world, 61);
    world.run();
    let released = world.queue.outcomes_of("released");
    let told = released[before..].iter();
    let told = told.filter(|outcome| outcome["error_message"] == WAITING);
    assert_eq!(told.count(), 1);
    assert_eq!(claims_of_type(&world), 2);
}

#[test]
fn when_that_job_gets_what_it_needs_all_are_run() {
    let world = without_service(10, 30_000);
    world.run();
    pass_seconds(&world, 61);
    let report = world.run();
    assert!(!report.unavailable.contains_key("need_service"));
    let (completed, ready) = (
        world.queue.outcomes_of("completed").len(),
        world.queue.ready(),
    );
    assert_eq!((completed, ready), (10, 0));
}

#[test]
fn jobs_that_were_claimed_ahead_go_back_without_being_tried() {
    let world = without_service(0, 0);
    world.queue.add_many(200, "echo", json!({}));
    let input = json!({ "from_ms": u64::MAX });
    world.queue.add_many(50, "need_service", input);
    let report = world.run();
    assert_eq!((report.completed, world.queue.ready()), (200, 50));
}
