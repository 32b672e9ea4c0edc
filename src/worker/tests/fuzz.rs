//! Whatever the database answers, a run ends, and no job is run twice because of it.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::world::World;
use crate::isolate::StopReason;
use crate::testing::Reply;
use crate::testing::fuzz::{Change, SECRET, any_change, fuzz};

const JOBS: usize = 6;
const MEMBERS: &[&str] = &[
    "finished",
    "jobs",
    "claim_again_ms",
    "look_again_ms",
    "are_suspects",
    "suspects_wait",
    "is_cut",
    "weights",
    "id",
    "job_type",
    "input_data",
    "retry_count",
    "max_retries",
    "timeout_seconds",
    "lease_token",
    "steps",
    "echo",
    "code",
    "message",
];

/// An answer: its status, and what becomes of its body.
fn answers() -> impl Strategy<Value = Vec<(u16, Change)>> {
    let status = prop_oneof![6 => Just(200_u16), 1 => any::<u16>(), 1 => 400_u16..600];
    prop::collection::vec((status, any_change(MEMBERS)), 0..8)
}

/// A world whose database does what it is asked, and whose first answers are changed on their way.
fn world_with(answers: Vec<(u16, Change)>) -> (World, Vec<String>) {
    let world = World::with(&[("QUEUE_CONCURRENCY", "3")]);
    world.queue.set_weights(json!({ "echo": 1 }));
    let input = json!({ "secret": SECRET });
    let ids = (0..JOBS).map(|_| world.queue.add_with_timeout("echo", input.clone(), 60));
    let ids = ids.collect();
    let (queue, mut answers) = (world.queue.clone(), answers.into_iter());
    world.queue.fault(move |function, arguments| {
        let (status, change) = answers.next()?;
        let usual: Value = match function {
            "finish_and_claim_jobs" | "heartbeat_jobs" => queue.usual_json(function, arguments),
            _ => json!("held"),
        };
        Some(Reply::bytes(status, change.apply(usual)))
    });
    (world, ids)
}

/// How often the job was started by the worker.
fn claims_of(world: &World, id: &str) -> usize {
    let lines = world.host.log_lines_of("claimed");
    lines.iter().filter(|line| line["job_id"] == id).count()
}

/// The log without the names of types: those are an operator's words, and have their place there.
fn told(world: &World) -> String {
    let messages = world.host.messages.borrow().join("\n");
    let lines = messages.lines().map(|line| {
        let mut line: Value = serde_json::from_str(line).expect("a line of JSON");
        line.as_object_mut()
            .and_then(|line| line.remove("job_type"));
        line.to_string()
    });
    lines.collect()
}

#[test]
fn a_run_ends_whatever_the_database_answers_and_runs_no_job_twice() {
    fuzz(answers(), |answers| {
        let (world, ids) = world_with(answers);
        world.run();
        for id in ids {
            assert!(claims_of(&world, &id) <= 1);
        }
        assert!(!told(&world).contains(SECRET));
    });
}

#[test]
fn answers_that_cannot_be_read_cost_no_job() {
    let unreadable = prop::collection::vec(any::<u8>(), 0..40).prop_filter("it is JSON", |bytes| {
        serde_json::from_slice::<Value>(bytes).is_err()
    });
    let answers = prop::collection::vec(unreadable, 0..6);
    fuzz(answers, |answers| {
        let answers = answers.into_iter().map(|bytes| (200, Change::Other(bytes)));
        let (world, ids) = world_with(answers.collect());
        let report = world.run();
        if report.stopped == StopReason::Database {
            return;
        }
        let completed = world.queue.outcomes_of("completed").into_iter();
        let completed: BTreeSet<String> = completed
            .filter_map(|outcome| Some(outcome["job_id"].as_str()?.to_owned()))
            .collect();
        assert_eq!(completed, BTreeSet::from_iter(ids));
    });
}
