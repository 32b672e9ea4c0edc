//! Jobs whose workers died are claimed by a worker that holds nothing else.

use std::cell::RefCell;
use std::rc::Rc;

use serde_json::{Value, json};

use super::world::World;
use crate::host::Host;

/// Of each claim, whether the worker held nothing.
fn claims(world: &World) -> Vec<Value> {
    let exchanges = world.exchanges().into_iter();
    let claims = exchanges.filter(|exchange| exchange["max_jobs"] != 0);
    claims
        .map(|mut exchange| exchange["is_idle"].take())
        .collect()
}

#[test]
fn a_worker_says_when_it_holds_nothing() {
    let world = World::new();
    world.queue.add("sleep", json!({ "ms": 5_000 }));
    world.queue.claim_again_after_ms(200);
    world.run();
    assert_eq!(world.exchanges_with("is_idle"), [true, false, true]);
}

#[test]
fn nothing_is_claimed_beside_jobs_under_suspicion() {
    let world = World::new();
    world.queue.add_many(10, "sleep", json!({ "ms": 2_000 }));
    world.queue.say(json!({ "are_suspects": true }));
    let report = world.run_beside(async {
        world.host.sleep_ms(500).await;
        world.queue.add("sleep", json!({ "ms": 0 }));
        world.signals.request_claim();
    });
    assert_eq!(report.completed, 11);
    assert_eq!(claims(&world), [true, true, true]);
}

#[test]
fn a_suspect_whose_type_had_rested_lets_no_other_job_in_when_it_ends() {
    let world = World::new();
    world.queue.put_released_back();
    world
        .queue
        .add("need_service", json!({ "from_ms": 30_000 }));
    world.run();
    let before = claims(&world).len();
    world.host.clock().update(|now_ms| now_ms + 61_000);
    world.queue.add("sleep", json!({ "ms": 2_000 }));
    world.queue.say(json!({ "are_suspects": true }));
    let report = world.run_beside(async {
        world.host.sleep_ms(500).await;
        world.queue.add("sleep", json!({ "ms": 0 }));
        world.signals.request_claim();
    });
    assert_eq!(report.completed, 3);
    assert_eq!(claims(&world)[before..], [true, true, true]);
}

#[test]
fn a_worker_that_is_told_of_waiting_suspects_runs_empty_and_asks_for_them() {
    let world = World::with(&[("QUEUE_CONCURRENCY", "2")]);
    world.queue.add("sleep", json!({ "ms": 3_000 }));
    world.queue.add("sleep", json!({ "ms": 100 }));
    world.queue.add_many(2, "sleep", json!({ "ms": 100 }));
    world.queue.say(json!({ "suspects_wait": true }));
    let report = world.run();
    assert_eq!(report.completed, 4);
    assert_eq!(
        claims(&world)[..2],
        [true, true],
        "nothing is claimed before it is empty"
    );
}

#[test]
fn a_run_that_was_cut_short_is_told_from_one_that_had_its_time() {
    let world = World::new();
    let id = world.queue.add("sleep", json!({ "ms": 600_000 }));
    world.run();
    let outcome = world.queue.outcome(&id);
    assert_eq!(
        (&outcome["outcome"], &outcome["was_given_time"]),
        (&json!("handed_over"), &json!(true))
    );

    let world = World::new();
    let id = world.queue.add("sleep", json!({ "ms": 600_000 }));
    world.run_beside(async {
        world.host.sleep_ms(10_000).await;
        world.signals.shut_down(10_000);
    });
    assert_eq!(world.queue.outcome(&id)["was_given_time"], false);
}

#[test]
fn nothing_is_claimed_beside_a_claim_that_may_bring_suspects() {
    const CALL_MS: u32 = 50;
    let world = World::new();
    world.queue.calls_take_ms(CALL_MS);
    // So many that claims are full when the queue is found drained.
    world.queue.add_many(1_500, "sleep", json!({ "ms": 0 }));
    let claims: Rc<RefCell<Vec<(u64, bool)>>> = Rc::default();
    let (began, clock, queue) = (claims.clone(), world.host.clock(), world.queue.clone());
    let mut drained = 0;
    world.queue.fault(move |function, arguments| {
        if function == "finish_and_claim_jobs" && arguments["max_jobs"] != 0 {
            began
                .borrow_mut()
                .push((clock.get(), arguments["is_idle"] == true));
            if queue.ready() == 0 && drained < 3 {
                drained += 1;
                queue.claim_again_after_ms(100);
            }
        }
        None
    });
    world.run();
    let claims = claims.borrow();
    assert!(claims.iter().filter(|(_, is_idle)| *is_idle).count() > 1);
    for pair in claims.windows(2) {
        let [(idle_at_ms, true), (next_at_ms, _)] = pair else {
            continue;
        };
        assert!(next_at_ms - idle_at_ms >= u64::from(CALL_MS), "{claims:?}");
    }
}
