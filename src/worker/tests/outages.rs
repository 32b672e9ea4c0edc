//! A database that is unreachable or refuses.

use std::cell::Cell;

use serde_json::json;

use super::world::{World, refused_connection};
use crate::host::Host;
use crate::isolate::StopReason;
use crate::testing::Reply;

#[test]
fn a_database_that_is_away_at_the_claim_is_asked_again_until_it_is_back() {
    let world = World::new();
    world.queue.add("sleep", json!({ "ms": 10 }));
    let left = Cell::new(4);
    world.queue.fault(move |_, _| {
        left.set(left.get() - 1);
        (left.get() >= 0).then(refused_connection)
    });
    assert_eq!(world.run().completed, 1);
    let repetitions = world.exchanges_with("repetition");
    assert_eq!(repetitions[..5], [0, 1, 2, 3, 4].map(|times| json!(times)));
}

#[test]
fn a_server_that_asks_for_patience_gets_it() {
    let world = World::new();
    let clock = world.host.clock();
    world.queue.fault(move |_, _| {
        let is_early = clock.get() < 7_000;
        is_early.then(|| Reply::json(429, json!({})).header("retry-after", "7"))
    });
    let report = world.run();
    assert_eq!(
        (report.stopped, report.duration_ms),
        (StopReason::Empty, 7_000)
    );
    assert_eq!(world.exchanges_with("repetition"), [0, 1]);
}

#[test]
fn a_server_that_asks_for_too_much_patience_is_asked_every_half_minute_all_the_same() {
    let world = World::new();
    world
        .queue
        .fault(|_, _| Some(Reply::json(503, json!({})).header("retry-after", "600")));
    let report = world.run();
    assert_eq!(
        (report.stopped, report.duration_ms),
        (StopReason::Database, 60_000)
    );
    assert_eq!(world.exchanges().len(), 3);
}

#[test]
fn a_server_that_asks_for_no_patience_is_not_asked_without_a_pause() {
    let world = World::new();
    world
        .queue
        .fault(|_, _| Some(Reply::json(503, json!({})).header("retry-after", "0")));
    assert_eq!(world.run().stopped, StopReason::Database);
    assert!(
        world.exchanges().len() < 30,
        "{} exchanges",
        world.exchanges().len()
    );
}

#[test]
fn a_result_survives_an_outage_of_a_minute() {
    let world = World::new();
    let id = world.queue.add("sleep", json!({ "ms": 5_000 }));
    let clock = world.host.clock();
    world.queue.fault(move |_, _| {
        (5_000..65_000)
            .contains(&clock.get())
            .then(refused_connection)
    });
    let report = world.run();
    assert_eq!(report.completed, 1);
    assert_eq!(
        world.queue.outcome(&id)["output_data"]["ended_at_ms"],
        5_000
    );
}

#[test]
fn a_result_outlives_whatever_the_database_says_for_a_while() {
    let refusals = [
        Reply::json(503, json!({})).header("retry-after", "600"),
        Reply::json(400, json!({ "code": "", "message": "" })),
        Reply::json(401, json!({ "code": "PGRST301", "message": "no key" })),
        Reply::json(404, json!({ "code": "PGRST202", "message": "no function" })),
        Reply::json(
            500,
            json!({ "code": "57014", "message": "statement timeout" }),
        ),
    ];
    for refusal in refusals {
        let world = World::new();
        let id = world.queue.add("sleep", json!({ "ms": 1_000 }));
        let clock = world.host.clock();
        let refusal = std::cell::RefCell::new(Some(refusal));
        world.queue.fault(move |_, _| {
            let is_bad = (1_000..9_000).contains(&clock.get());
            is_bad.then(|| {
                let again = refused_connection();
                refusal.take().unwrap_or(again)
            })
        });
        let report = world.run();
        assert_eq!((report.completed, report.lost), (1, 0));
        assert_eq!(world.queue.outcome(&id)["outcome"], "completed");
    }
}

#[test]
fn a_claim_is_not_repeated_into_the_time_after_claims() {
    let world = World::new();
    world.queue.add("sleep", json!({ "ms": 60_000 }));
    let clock = world.host.clock();
    world.queue.fault(move |_, _| {
        (50_000..140_000)
            .contains(&clock.get())
            .then(refused_connection)
    });
    let report = world.run_beside(async {
        world.host.sleep_ms(55_000).await;
        world.queue.add_many(5, "sleep", json!({ "ms": 1 }));
        world.signals.request_claim();
    });
    assert_eq!((report.claimed, report.completed), (1, 1));
    assert_eq!(world.queue.ready(), 5);
}

#[test]
fn a_claim_is_tried_again_after_a_refusal_when_someone_asks_for_it() {
    let world = World::new();
    world.queue.add("sleep", json!({ "ms": 60_000 }));
    let clock = world.host.clock();
    world.queue.fault(move |_, arguments| {
        let is_refused = arguments["max_jobs"] != 0 && (1..4_000).contains(&clock.get());
        is_refused.then(|| Reply::json(403, json!({ "code": "42501", "message": "no" })))
    });
    let report = world.run_beside(async {
        world.host.sleep_ms(1_000).await;
        world.signals.request_claim();
        world.host.sleep_ms(4_000).await;
        world.queue.add("sleep", json!({ "ms": 1 }));
        world.signals.request_claim();
    });
    assert_eq!((report.completed, report.stopped), (2, StopReason::Empty));
    let ended = world.host.log_lines_of("completed");
    assert_eq!(ended.len(), 2);
}

#[test]
fn a_database_that_stays_away_ends_the_run_and_the_report_says_so() {
    let world = World::new();
    world.queue.fault(|_, _| Some(refused_connection()));
    let report = world.run();
    assert_eq!(report.stopped, StopReason::Database);
    let error = report.error.expect("an error").to_string();
    assert!(error.contains("connection refused"), "{error}");
    assert!(report.duration_ms < 75_000);
    assert_eq!(world.host.log_lines_of("database_unavailable").len(), 1);
}

#[test]
fn a_result_that_cannot_be_delivered_is_left_to_the_lease() {
    let world = World::new();
    world.queue.add("sleep", json!({ "ms": 10 }));
    let clock = world.host.clock();
    world
        .queue
        .fault(move |_, _| (clock.get() > 0).then(refused_connection));
    let report = world.run();
    assert_eq!(report.stopped, StopReason::Database);
    assert_eq!((report.claimed, report.lost), (1, 1));
    assert!(report.duration_ms < 150_000);
}

#[test]
fn a_key_without_rights_ends_the_run_at_once() {
    let world = World::new();
    world.queue.fault(|_, _| {
        let body = json!({ "code": "42501", "message": "permission denied for function" });
        Some(Reply::json(403, body))
    });
    let report = world.run();
    assert_eq!(report.stopped, StopReason::Database);
    assert_eq!(world.exchanges().len(), 1);
    let error = report.error.expect("an error").to_string();
    assert!(error.contains("permission denied"), "{error}");
}

#[test]
fn a_run_ends_even_if_every_other_answer_is_lost() {
    let world = World::new();
    world.queue.add_many(30, "sleep", json!({ "ms": 10 }));
    let queue = world.queue.clone();
    let calls = Cell::new(0);
    world.queue.fault(move |function, arguments| {
        calls.set(calls.get() + 1);
        (calls.get() % 2 == 0).then(|| {
            queue.usual_answer(function, arguments);
            refused_connection()
        })
    });
    let report = world.run();
    assert_eq!((report.completed, report.lost), (30, 0));
    assert!(report.duration_ms < 10_000, "{} ms", report.duration_ms);
}
