//! Jobs taken away, a database that stays away, and results it does not take.

use std::cell::Cell;

use serde_json::{Value, json};

use super::world::World;
use crate::host::{Host, TransportError};
use crate::report::Stopped;
use crate::scripted_host::Reply;

fn refused_connection() -> Reply {
    Reply::error(TransportError::Failed("connection refused".into()))
}

#[test]
fn all_held_jobs_share_a_sign_of_life_every_third_of_a_lease() {
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
fn progress_travels_with_a_sign_of_life_at_most_once_a_second() {
    let world = World::new();
    world.queue.add("tell", json!({}));
    world.run();
    let beats = world.host.calls_of("heartbeat_jobs");
    let done: Vec<_> = beats
        .iter()
        .map(|beat| beat["jobs"][0]["progress"]["done"].clone())
        .collect();
    assert_eq!(done, [3, 6]);
}

#[test]
fn progress_that_did_not_arrive_is_sent_again() {
    let world = World::new();
    world.queue.add("tell", json!({}));
    let calls = Cell::new(0);
    world.queue.trouble(move |function, _| {
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
fn a_job_cancelled_while_it_runs_stops_at_the_next_sign_of_life() {
    let world = World::new();
    let id = world.queue.add("fetch", json!({}));
    world.queue.stands(&id, "cancelled");
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
    world.queue.stands(&id, "lost");
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
    world.queue.stands(&id, "lost");
    let report = world.run();
    assert_eq!((report.completed, report.lost), (0, 1));
    assert_eq!(world.host.log_lines_of("lost")[0]["job_id"], id);
}

#[test]
fn a_database_that_is_away_at_the_claim_is_asked_again_until_it_is_back() {
    let world = World::new();
    world.queue.add("sleep", json!({ "ms": 10 }));
    let left = Cell::new(4);
    world.queue.trouble(move |_, _| {
        left.set(left.get() - 1);
        (left.get() >= 0).then(refused_connection)
    });
    assert_eq!(world.run().completed, 1);
    let repeats = world.trips_with("is_repeat");
    assert_eq!(repeats[..2], [json!(false), json!(true)]);
}

#[test]
fn a_server_that_asks_for_patience_gets_it() {
    let world = World::new();
    let clock = world.host.clock();
    world.queue.trouble(move |_, _| {
        let is_early = clock.get() < 7_000;
        is_early.then(|| Reply::json(429, json!({})).header("retry-after", "7"))
    });
    let report = world.run();
    assert_eq!(
        (report.stopped, report.duration_ms),
        (Stopped::Empty, 7_000)
    );
    assert_eq!(world.trips_with("is_repeat"), [false, true]);
}

#[test]
fn a_server_that_asks_for_too_much_patience_is_asked_every_half_minute_all_the_same() {
    let world = World::new();
    world
        .queue
        .trouble(|_, _| Some(Reply::json(503, json!({})).header("retry-after", "600")));
    let report = world.run();
    assert_eq!(
        (report.stopped, report.duration_ms),
        (Stopped::Database, 60_000)
    );
    assert_eq!(world.trips().len(), 3);
}

#[test]
fn a_server_that_asks_for_no_patience_is_not_asked_without_a_pause() {
    let world = World::new();
    world
        .queue
        .trouble(|_, _| Some(Reply::json(503, json!({})).header("retry-after", "0")));
    assert_eq!(world.run().stopped, Stopped::Database);
    assert!(world.trips().len() < 30, "{} trips", world.trips().len());
}

#[test]
fn a_result_survives_an_outage_of_a_minute() {
    let world = World::new();
    let id = world.queue.add("sleep", json!({ "ms": 5_000 }));
    let clock = world.host.clock();
    world.queue.trouble(move |_, _| {
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
        world.queue.trouble(move |_, _| {
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
fn results_on_their_way_get_signs_of_life() {
    let world = World::new();
    let quick = world.queue.add("sleep", json!({ "ms": 1_000 }));
    world.queue.add("sleep", json!({ "ms": 50_000 }));
    let clock = world.host.clock();
    world.queue.trouble(move |function, _| {
        let is_stalled = (1_000..45_000).contains(&clock.get());
        (function == "finish_and_claim_jobs" && is_stalled).then(Reply::never)
    });
    let report = world.run();
    assert_eq!((report.completed, report.lost), (2, 0));
    let beats = world.host.calls_of("heartbeat_jobs");
    let early = &beats[..4];
    assert!(early.iter().all(|beat| beat.to_string().contains(&quick)));
}

#[test]
fn a_claim_is_not_repeated_into_the_time_after_claims() {
    let world = World::new();
    world.queue.add("sleep", json!({ "ms": 60_000 }));
    let clock = world.host.clock();
    world.queue.trouble(move |_, _| {
        (50_000..140_000)
            .contains(&clock.get())
            .then(refused_connection)
    });
    let report = world.run_beside(async {
        world.host.sleep_ms(55_000).await;
        world.queue.add_many(5, "sleep", json!({ "ms": 1 }));
        world.signals.look_again();
    });
    assert_eq!((report.claimed, report.completed), (1, 1));
    assert_eq!(world.queue.ready(), 5);
}

#[test]
fn what_a_claim_got_before_its_answer_was_lost_is_handed_back_by_an_isolate_that_ends() {
    let world = World::new();
    world.queue.add_many(5, "sleep", json!({ "ms": 1 }));
    let (queue, clock) = (world.queue.clone(), world.host.clock());
    let is_first = Cell::new(true);
    world.queue.trouble(move |function, arguments| {
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
fn a_refusal_is_questioned_when_somebody_calls() {
    let world = World::new();
    world.queue.add("sleep", json!({ "ms": 60_000 }));
    let clock = world.host.clock();
    world.queue.trouble(move |_, arguments| {
        let is_refused = arguments["max_jobs"] != 0 && (1..4_000).contains(&clock.get());
        is_refused.then(|| Reply::json(403, json!({ "code": "42501", "message": "no" })))
    });
    let report = world.run_beside(async {
        world.host.sleep_ms(1_000).await;
        world.signals.look_again();
        world.host.sleep_ms(4_000).await;
        world.queue.add("sleep", json!({ "ms": 1 }));
        world.signals.look_again();
    });
    assert_eq!((report.completed, report.stopped), (2, Stopped::Empty));
    let ended = world.host.log_lines_of("completed");
    assert_eq!(ended.len(), 2);
}

#[test]
fn the_first_sign_of_life_reckons_with_a_claim_that_took_long() {
    let world = World::new();
    world.queue.add("sleep", json!({ "ms": 40_000 }));
    world.queue.trips_take_ms(8_000);
    let clock = world.host.clock();
    let first_beat_ms = std::rc::Rc::new(Cell::new(0));
    let seen = first_beat_ms.clone();
    world.queue.trouble(move |function, _| {
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
    .map(|input| world.queue.add("sleep", input));
    let report = world.run();
    assert_eq!((report.completed, report.failed), (2, 1));
    let bad = world.queue.outcome(&ids[1]);
    assert_eq!(bad["retryable"], false);
    let message = bad["error_message"].as_str().expect("a message");
    assert!(message.starts_with("input_data"), "{message}");
}

#[test]
fn a_database_that_stays_away_ends_the_run_and_the_report_says_so() {
    let world = World::new();
    world.queue.trouble(|_, _| Some(refused_connection()));
    let report = world.run();
    assert_eq!(report.stopped, Stopped::Database);
    let error = report.error.expect("an error");
    assert!(error.contains("connection refused"), "{error}");
    assert!(report.duration_ms < 75_000);
    assert_eq!(world.host.log_lines_of("database_lost").len(), 1);
}

#[test]
fn a_result_that_cannot_be_delivered_is_left_to_the_lease() {
    let world = World::new();
    world.queue.add("sleep", json!({ "ms": 10 }));
    let clock = world.host.clock();
    world
        .queue
        .trouble(move |_, _| (clock.get() > 0).then(refused_connection));
    let report = world.run();
    assert_eq!(report.stopped, Stopped::Database);
    assert_eq!((report.claimed, report.lost), (1, 1));
    assert!(report.duration_ms < 150_000);
}

#[test]
fn a_key_without_rights_ends_the_run_at_once() {
    let world = World::new();
    world.queue.trouble(|_, _| {
        let body = json!({ "code": "42501", "message": "permission denied for function" });
        Some(Reply::json(403, body))
    });
    let report = world.run();
    assert_eq!(report.stopped, Stopped::Database);
    assert_eq!(world.trips().len(), 1);
    assert!(
        report
            .error
            .expect("an error")
            .contains("permission denied")
    );
}

#[test]
fn a_claim_whose_answer_was_lost_is_asked_for_again_under_the_same_token() {
    let world = World::new();
    world.queue.add_many(3, "sleep", json!({ "ms": 10 }));
    let queue = world.queue.clone();
    let is_first = Cell::new(true);
    world.queue.trouble(move |function, arguments| {
        is_first.replace(false).then(|| {
            queue.usual_answer(function, arguments);
            Reply::error(TransportError::TimedOut)
        })
    });
    let report = world.run();
    assert_eq!((report.claimed, report.completed), (3, 3));
    let tokens = world.trips_with("lease_token");
    assert_eq!(tokens[0], tokens[1]);
    assert_eq!(world.trips_with("is_repeat")[1], true);
}

#[test]
fn a_result_the_database_refuses_fails_its_own_job_and_no_other() {
    let world = World::new();
    let good = world.queue.add("sleep", json!({ "ms": 10 }));
    let bad = world
        .queue
        .add("sleep", json!({ "ms": 10, "poison": true }));
    let last = world.queue.add("sleep", json!({ "ms": 10 }));
    world.queue.trouble(refusing_poison);
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
    world.queue.trouble(|_, arguments| {
        let is_result = arguments["results"].get(0).is_some();
        is_result.then(|| Reply::json(400, json!({ "code": "23514", "message": "check" })))
    });
    let report = world.run();
    assert_eq!((report.claimed, report.lost), (1, 1));
    assert_eq!(report.stopped, Stopped::Empty);
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

#[test]
fn a_run_ends_even_if_every_other_answer_is_lost() {
    let world = World::new();
    world.queue.add_many(30, "sleep", json!({ "ms": 10 }));
    let queue = world.queue.clone();
    let calls = Cell::new(0);
    world.queue.trouble(move |function, arguments| {
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
