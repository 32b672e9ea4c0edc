//! Answers that are fetched later: asked for once, fetched once, whatever becomes of the runs in between.

use super::deferring::*;
use super::*;
use crate::host::TransportError;

#[test]
fn answers_that_are_there_within_seconds_are_fetched_by_the_run_that_asked() {
    let xai = SharedXai::default();
    let job = report_job(7);
    let (report, runs) = run_to_end(&xai, job, 1_500, unchanged);
    assert_eq!((runs, &report["status"]), (1, &json!("complete")));
    assert_eq!(report["stats"]["calls"], 4);
    assert_eq!(report["stats"]["duplicateRisk"], 0);
    assert_eq!(report["stats"]["costUsd"], 0.004);
}

#[test]
fn a_job_that_waits_burns_neither_attempt_nor_isolate_and_asks_nothing_twice() {
    let xai = SharedXai::default();
    let job = report_job(7);
    let (report, runs) = run_to_end(&xai, job, 60_000, unchanged);
    assert!((4..=16).contains(&runs), "{runs} runs");
    assert_eq!(report["status"], "complete");
    assert_eq!(report["stats"]["duplicateRisk"], 0);
    let mut asked = xai.borrow().asked().join(", ");
    assert_eq!(asked.split_off(asked.len() - 23), "o1 o2 o3 o4 o5 o6 o7 o8");
    assert_eq!(xai.borrow().asked().len(), 4);
    assert!(xai.borrow().looks() < 60, "{} looks", xai.borrow().looks());
}

#[test]
fn a_cost_limit_counts_answers_that_are_not_there_yet() {
    let xai = SharedXai::default();
    let options = json!({ "maxCostUsd": 0.002 });
    let change = json!({ "options": options });
    let (report, _) = run_to_end(
        &xai,
        job("generate_report", input(15, change)),
        60_000,
        unchanged,
    );
    assert_eq!(xai.borrow().asked(), ["p1 p2 p3 p4 p5", "p6 p7 p8 p9 p10"]);
    assert_eq!(report["status"], "partial");
    assert_eq!(report["stats"]["costUsd"], 0.002);
}

#[test]
fn a_request_id_is_saved_before_anybody_looks_for_its_answer() {
    let xai = SharedXai::default();
    let job = report_job(1);
    run_to_end(&xai, job, 1_500, unchanged);
    let events = &xai.borrow().events;
    let position = |wanted: &str| events.iter().position(|event| event == wanted);
    assert!(position("ask p1") < position("save batch/0"));
    assert!(position("save batch/0") < position("look p1"));
    assert!(position("look p1") < position("save batch/0/answer"));
}

#[test]
fn an_answer_that_was_given_out_and_lost_is_asked_for_once_more_and_counted() {
    let xai = SharedXai::default();
    let first = deferring(&xai, 0, 60_000, unchanged);
    let job = report_job(1);
    let result = run_deferred(&first, job.clone());
    assert!(
        matches!(result, Err(JobError::Snoozed { .. })),
        "{result:?}"
    );
    // A run that was killed between fetching the answer and saving it.
    let lost: Vec<String> = xai.borrow().deferred.keys().cloned().collect();
    lost.iter()
        .for_each(|id| drop(xai.borrow_mut().deferred.remove(id)));
    let second = deferring(&xai, 70_000, 0, unchanged);
    let report = run_deferred(&second, next_run(&first, job)).expect("the report is written");
    assert_eq!(report["status"], "complete");
    assert_eq!(report["stats"]["duplicateRisk"], 2);
    let mut asked: Vec<String> = xai
        .borrow()
        .asked()
        .into_iter()
        .map(str::to_owned)
        .collect();
    asked.sort();
    assert_eq!(asked, ["n1", "n1", "o1 o2", "p1", "p1"]);
}

#[test]
fn an_answer_that_is_lost_again_and_again_is_not_paid_for_for_ever() {
    let xai = SharedXai::default();
    let lost: Change = |kind, about| {
        (kind == "look" && about == "p1").then(|| Reply::json(404, json!({ "error": "gone" })))
    };
    let host = deferring(&xai, 0, 0, lost);
    let error = run_deferred(&host, report_job(1));
    let message = "grok has no answer any more to what it deferred";
    assert_eq!(error, Err(JobError::retryable(message)));
    assert_eq!(xai.borrow().times_asked("p1"), 2);
}

#[test]
fn an_error_in_place_of_the_answer_is_judged_like_any_other() {
    let check = |change: Change, expected: &[&str]| {
        let xai = SharedXai::default();
        let job = report_job(2);
        let (report, _) = run_to_end(&xai, job, 0, change);
        assert_eq!(report["status"], "complete");
        assert_eq!(report["stats"]["duplicateRisk"], 0);
        let xai = xai.borrow();
        let about_photos = xai
            .asked()
            .into_iter()
            .filter(|about| about.starts_with('p'));
        assert_eq!(about_photos.collect::<Vec<_>>(), expected);
    };
    check(
        |kind, about| {
            let error =
                json!({ "code": "invalid-argument", "error": "maximum prompt length is 9" });
            (kind == "look" && about == "p1 p2").then(|| Reply::json(200, error))
        },
        &["p1 p2", "p1", "p2"],
    );
}

#[test]
fn a_refusal_of_content_in_place_of_the_answer_leaves_the_photo_out() {
    for status in [200, 403] {
        let xai = SharedXai::default();
        let host = deferring(&xai, 0, 0, unchanged);
        let (api, clock) = (xai.clone(), host.clock());
        let host = host.on_fetch(move |request| match Call::of(request) {
            Some(call) => {
                let is_forbidden = call.shows("p2");
                let reply = api.borrow_mut().ask(&call, clock.get(), unchanged);
                let forbidden = json!({ "request_id": "forbidden" });
                if is_forbidden {
                    Reply::json(200, forbidden)
                } else {
                    reply
                }
            }
            None => match request.url.split_once("/deferred-completion/") {
                Some((_, "forbidden")) => {
                    let error = "Content violates usage guidelines";
                    Reply::json(
                        status,
                        json!({ "code": "permission-denied", "error": error }),
                    )
                }
                Some((_, id)) => api.borrow_mut().look(id, clock.get(), unchanged),
                None => Reply::bytes(200, JPEG),
            },
        });
        let report = run_deferred(&host, report_job(3)).expect("the report is written");
        assert_eq!(warnings(&report), [("image_refused", "photo-2")]);
        assert_eq!(report["stats"]["duplicateRisk"], 0);
    }
}

#[test]
fn a_parameter_that_is_refused_in_place_of_the_answer_is_left_out_when_it_is_asked_again() {
    let xai = SharedXai::default();
    let host = deferring(&xai, 0, 0, unchanged);
    let (api, clock) = (xai.clone(), host.clock());
    let host = host.on_fetch(move |request| match Call::of(request) {
        Some(call) => match call.body.get("reasoning_effort") {
            Some(_) => Reply::json(200, json!({ "request_id": "with" })),
            None => api.borrow_mut().ask(&call, clock.get(), unchanged),
        },
        None => match request.url.split_once("/deferred-completion/") {
            Some((_, "with")) => {
                let error = "Argument not supported: reasoningEffort";
                Reply::json(200, json!({ "code": "invalid-argument", "error": error }))
            }
            Some((_, id)) => api.borrow_mut().look(id, clock.get(), unchanged),
            None => Reply::bytes(200, JPEG),
        },
    });
    let report = run_deferred(&host, report_job(3)).expect("the report is written");
    assert_eq!(report["status"], "complete");
    assert_eq!(warnings(&report), []);
}

#[test]
fn an_error_that_passes_in_place_of_the_answer_is_a_reason_to_ask_again() {
    let xai = SharedXai::default();
    let failing: Change = |kind, about| {
        let error = json!({ "code": "unavailable", "error": "Timed out waiting for first token" });
        (kind == "look" && about == "p1").then(|| Reply::json(200, error))
    };
    let host = deferring(&xai, 0, 0, failing);
    let mut first_job = report_job(1);
    let error = run_deferred(&host, first_job.clone());
    let message = "grok answered 200: Timed out waiting for first token (unavailable)";
    assert_eq!(error, Err(JobError::retryable(message)));
    first_job = next_attempt(&host, first_job);
    let (report, _) = run_to_end(&xai, first_job, 0, unchanged);
    assert_eq!(report["status"], "complete");
    assert_eq!(report["stats"]["duplicateRisk"], 0);
    assert_eq!(xai.borrow().times_asked("p1"), 3);
}

#[test]
fn a_look_that_fails_is_repeated() {
    let failures: [Script; 5] = [
        || Reply::bytes(500, "oops"),
        || Reply::bytes(429, "{}").header("retry-after", "600"),
        || Reply::error(TransportError::Failed("reset".into())),
        || Reply::never(),
        || Reply::bytes(202, ""),
    ];
    for reply in failures {
        let xai = SharedXai::default();
        let host = deferring(&xai, 0, 0, unchanged);
        let (api, clock) = (xai.clone(), host.clock());
        let mut looks = 0;
        let host = host.on_fetch(move |request| match Call::of(request) {
            Some(call) => api.borrow_mut().ask(&call, clock.get(), unchanged),
            None => match request.url.split_once("/deferred-completion/") {
                Some(_) if looks < 1 => {
                    looks += 1;
                    reply()
                }
                Some((_, id)) => api.borrow_mut().look(id, clock.get(), unchanged),
                None => Reply::bytes(200, JPEG),
            },
        });
        let report = run_deferred(&host, report_job(1));
        assert_eq!(report.expect("the report is written")["status"], "complete");
        assert_eq!(xai.borrow().asked().len(), 3);
    }
}

#[test]
fn a_look_that_is_not_allowed_lets_the_report_wait() {
    let xai = SharedXai::default();
    let wrong_key: Change = |kind, _| (kind == "look").then(|| Reply::bytes(401, ""));
    let host = deferring(&xai, 0, 0, wrong_key);
    let error = run_deferred(&host, report_job(1));
    let message = "grok answered 401: nothing; check GROK_API_KEY";
    assert_eq!(error, Err(JobError::unavailable(message)));
}

#[test]
fn an_answer_that_takes_longer_than_an_hour_is_given_up_and_asked_for_again() {
    let xai = SharedXai::default();
    let first = deferring(&xai, 0, 7_200_000, unchanged);
    let job = report_job(1);
    assert!(run_deferred(&first, job.clone()).is_err());
    let second = deferring(&xai, 3_600_000, 0, unchanged);
    let report = run_deferred(&second, next_run(&first, job)).expect("the report is written");
    assert_eq!(report["stats"]["duplicateRisk"], 2);
}

#[test]
fn no_look_is_begun_that_might_not_end_here() {
    let xai = SharedXai::default();
    let host = deferring(&xai, 130_000, 0, unchanged);
    let result = run_in_isolate(&host, 130_000, report_job(1));
    assert_eq!(result, Err(JobError::Snoozed { seconds: 5 }));
    assert_eq!(xai.borrow().looks(), 0);
}

#[test]
fn an_api_that_answers_at_once_or_cannot_defer_is_as_good() {
    let at_once: Change = |kind, about| {
        let points = json!([{ "text": "The lap was open.", "kind": "observation", "spec": null }]);
        let reply = json!({ "photos": [{ "p": "p1", "title": "Lap", "points": points }] });
        (kind == "ask" && about == "p1").then(|| completion(&reply.to_string()))
    };
    let xai = SharedXai::default();
    let (report, _) = run_to_end(&xai, report_job(1), 0, at_once);
    assert_eq!(body(&report)[0].1, ["The lap was open."]);

    let host = world(|call| {
        let error =
            json!({ "code": "invalid-argument", "error": "Argument not supported: deferred" });
        (call.body["deferred"] == true).then(|| Reply::json(400, error))
    });
    let job = report_job(1);
    let report = run_deferred(&host, job).expect("the report is written");
    assert_eq!(report["status"], "complete");
}
