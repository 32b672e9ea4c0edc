use super::*;
use crate::host::TransportError;

/// A world in which the first calls about photo `p6` are answered by `reply`, and later ones properly.
fn bad_answers(number: u32, reply: impl Fn() -> Reply + 'static) -> ScriptedHost {
    let mut left = number;
    world(move |call| {
        let is_it = left > 0 && call.ids("Photo").contains(&"p6".into());
        left -= u32::from(is_it);
        is_it.then(&reply)
    })
}

#[test]
fn an_outage_is_waited_out_for_a_few_seconds() {
    let outage = || Reply::json(500, json!({ "code": "internal", "error": "Oh no" }));
    let host = bad_answers(2, outage);
    let report = report(&host, input(7, json!({})));
    assert_eq!(asked(&host)[1..4], ["p6 p7", "p6 p7", "p6 p7"]);
    assert_eq!(host.clock().get(), 4_000);
    assert_eq!(report["status"], "complete");
    assert_eq!(report["stats"]["duplicateRisk"], 0);
}

#[test]
fn a_longer_outage_puts_the_job_back_and_its_finished_batches_are_not_asked_for_again() {
    let first = bad_answers(3, || {
        Reply::json(500, json!({ "code": "internal", "error": "Oh no" }))
    });
    let job = job("generate_report", input(7, json!({})));
    let error = run(&first, job.clone());
    assert_eq!(
        error,
        Err(JobError::retryable("grok answered 500: Oh no (internal)"))
    );
    assert_eq!(
        asked(&first),
        ["p1 p2 p3 p4 p5", "p6 p7", "p6 p7", "p6 p7", "n1"]
    );

    let second = world(|_| None);
    let report = run(&second, next_attempt(&first, job)).expect("the report is written");
    assert_eq!(asked(&second), ["p6 p7", "o1 o2 o3 o4 o5 o6 o7 o8"]);
    assert_eq!(report["status"], "complete");
    assert_eq!(body(&report)[0].1.len(), 7);
    let stats = &report["stats"];
    assert_eq!(
        (&stats["calls"], &stats["reusedSteps"]),
        (&json!(4), &json!(2))
    );
}

#[test]
fn a_request_that_an_earlier_run_began_may_be_paid_twice_and_is_counted_for_good() {
    let began = |host: ScriptedHost| {
        host.on_rpc(|function, arguments| match function {
            "start_job_step" if arguments["name"] == "batch/0" => Reply::json(200, json!("again")),
            "start_job_step" | "save_job_step" => held(),
            _ => Reply::json(200, json!(true)),
        })
    };
    let first = began(bad_answers(3, || Reply::bytes(500, "")));
    let job = job("generate_report", input(7, json!({})));
    assert!(run(&first, job.clone()).is_err());
    let second = world(|_| None);
    let report = run(&second, next_attempt(&first, job)).expect("the report is written");
    assert_eq!(report["stats"]["duplicateRisk"], 1);
}

#[test]
fn an_attempt_after_the_last_step_asks_for_nothing() {
    let first = world(|_| None);
    let job = job("generate_report", input(7, json!({})));
    let written = run(&first, job.clone()).expect("the report is written");
    let second = world(|_| None);
    let again = run(&second, next_attempt(&first, job)).expect("the report is written");
    assert!(second.fetches.borrow().is_empty());
    assert_eq!(again["text"], written["text"]);
    assert_eq!(again["stats"]["calls"], written["stats"]["calls"]);
}

#[test]
fn a_rate_limit_is_waited_out_as_long_as_the_api_says() {
    let reply = || {
        Reply::json(
            429,
            json!({ "code": "resource-exhausted", "error": "Too many" }),
        )
    };
    let told = bad_answers(1, move || reply().header("retry-after", "600"));
    match run_input(&told, input(7, json!({}))) {
        Err(JobError::Retryable {
            retry_after_seconds,
            ..
        }) => assert_eq!(retry_after_seconds, Some(600)),
        other => panic!("{other:?} should be retried"),
    }
}

#[test]
fn an_error_with_status_200_is_an_error() {
    let body = || json!({ "code": "unavailable", "error": "Timed out waiting for first token" });
    let host = bad_answers(3, move || Reply::json(200, body()));
    let error = run_input(&host, input(7, json!({})));
    let message = "grok answered 200: Timed out waiting for first token (unavailable)";
    assert_eq!(error, Err(JobError::retryable(message)));
}

#[test]
fn a_connection_that_breaks_is_left_to_the_queue_because_the_answer_may_be_paid_for() {
    let host = bad_answers(1, || Reply::error(TransportError::Failed("reset".into())));
    let error = run_input(&host, input(7, json!({})));
    assert_eq!(error, Err(JobError::retryable("grok: no answer: reset")));
    assert_eq!(asked(&host), ["p1 p2 p3 p4 p5", "p6 p7", "n1"]);
}

#[test]
fn no_answer_in_time_is_tried_again() {
    let host = bad_answers(1, Reply::never);
    let error = run_input(&host, input(7, json!({})));
    assert_eq!(error, Err(JobError::retryable("grok: no answer in time")));
}

#[test]
fn a_wrong_key_and_an_empty_account_let_reports_wait() {
    let waits = |status, error: &'static str, input| {
        let host =
            world(move |_| Some(Reply::json(status, json!({ "code": "x", "error": error }))));
        let result = run_input(&host, input);
        let is_unavailable = matches!(result, Err(JobError::Unavailable { .. }));
        assert_eq!(asked(&host), ["p1", "n1"]);
        is_unavailable
    };
    let configured = || input(1, json!({}));
    let chosen = || input(1, json!({ "options": { "model": "grok-0" } }));
    for input in [configured, chosen] {
        assert!(waits(400, "Incorrect API key provided", input()));
        assert!(waits(401, "No API key", input()));
        assert!(waits(402, "Pay first", input()));
        assert!(waits(403, "Your team may not do this", input()));
        let account =
            "Your team has used all available credits or reached its monthly spending limit.";
        assert!(waits(429, account, input()));
    }
    // Which model there is not makes the difference.
    let missing = "The model does not exist";
    assert!(waits(404, missing, configured()));
    assert!(!waits(404, missing, chosen()));
}

#[test]
fn an_answer_without_use_is_asked_for_once_more() {
    let useless: [(&str, Script); 5] = [
        ("prose", || completion("Here is the JSON you asked for: {}")),
        ("another shape", || {
            completion(r#"{"report":"the roof leaks"}"#)
        }),
        ("empty", || completion("")),
        ("no JSON", || {
            Reply::bytes(200, r#"{"choices":[{"logprob":NaN}]}"#)
        }),
        ("no choices", || Reply::json(200, json!({ "choices": [] }))),
    ];
    for (what, reply) in useless {
        let host = bad_answers(1, reply);
        let report = report(&host, input(7, json!({})));
        let calls = asked(&host);
        assert_eq!(calls[1..4], ["p6 p7", "p6 p7", "n1"], "{what}");
        assert_eq!(report["warnings"], json!([]), "{what}");
        assert_eq!(report["stats"]["retries"], 1, "{what}");
    }
}

#[test]
fn an_answer_is_kept_without_the_character_that_the_database_refuses() {
    let host = bad_answers(1, || {
        let point = json!([{ "text": "The lap\0was open.", "kind": "observation", "spec": null }]);
        let about = |p| json!({ "p": p, "title": "Lap\0", "points": point });
        let raw = json!({ "photos": [about("p6"), about("p7")] }).to_string();
        completion(&raw.replace("\\u0000", "\0"))
    });
    let report = report(&host, input(7, json!({})));
    assert_eq!(body(&report)[0].1[5], "The lap was open.");
    for save in host.calls_of("save_job_step") {
        let saved = save.to_string().replace("\\\\", "");
        assert!(!saved.contains("\\u0000"), "{save}");
    }
}

#[test]
fn after_two_answers_without_use_the_engineers_words_come_last() {
    let host = bad_answers(2, || completion("prose"));
    let report = report(&host, input(7, json!({})));
    assert_eq!(asked(&host)[1..5], ["p6 p7", "p6 p7", "p6 p7", "n1"]);
    assert_eq!(report["warnings"], json!([]));
    assert_eq!(
        step_names(&host),
        ["batch/0", "batch/1", "retry/1", "repair/1", "final", "save"]
    );
    assert_eq!(report["stats"]["retries"], 2);
}

#[test]
fn only_what_an_answer_left_out_is_asked_for_again() {
    let point = r#"{"text":"The lap was open.","kind":"deficiency","spec":null}"#;
    let host = world(move |call| {
        let is_first = call.ids("Photo").len() == 3;
        let reply = format!(r#"{{"photos":[{{"p":"p2","title":"Lap","points":[{point}]}}]}}"#);
        is_first.then(|| completion(&reply))
    });
    let report = report(&host, input(3, json!({})));
    assert_eq!(asked(&host)[..2], ["p1 p2 p3", "p1 p3"]);
    assert_eq!(
        body(&report)[0].1,
        [
            "Statement about p1.",
            "The lap was open.",
            "Statement about p3."
        ]
    );
    assert_eq!(step_names(&host), ["batch/0", "repair/0", "final", "save"]);
}

#[test]
fn what_the_model_cannot_say_is_said_in_the_engineers_words() {
    let host = world(|call| (call.name != "report_plan").then(|| completion("{}")));
    let report = report(&host, input(2, json!({})));
    assert_eq!(
        body(&report),
        [
            ("Roof", vec!["open lap number 1.", "open lap number 2."]),
            (
                "General Observations",
                vec!["Membrane complete on the east half."]
            ),
        ]
    );
    let observation = &report["sections"][0]["observations"][0];
    assert_eq!(
        (&observation["source"], &observation["kind"]),
        (&json!("input"), &json!("deficiency"))
    );
    assert_eq!(
        warnings(&report),
        [
            ("own_words", "photo-1"),
            ("own_words", "photo-2"),
            ("own_words", "")
        ]
    );
    assert_eq!(report["status"], "degraded");
    let message = "Report generated from the engineer's own words alone";
    assert_eq!(report["message"], message);
}

#[test]
fn a_note_that_says_how_to_write_is_obeyed_and_not_printed() {
    let host = world(|call| {
        let reply = json!({ "notes": [{ "n": "n1", "title": "", "points": [] }] });
        (call.name == "report_notes").then(|| completion(&reply.to_string()))
    });
    let report = report(&host, input(1, json!({ "bulletPoints": "Keep it short." })));
    assert_eq!(warnings(&report), [("note_not_in_text", "")]);
    assert_eq!(
        report["notes"],
        json!([{ "text": "Keep it short.", "observation": null }])
    );
    assert!(
        !report["text"]
            .as_str()
            .unwrap_or_default()
            .contains("short")
    );
}

#[test]
fn a_report_of_nothing_but_instructions_still_has_every_word() {
    let host = world(|call| {
        let reply = json!({ "notes": [{ "n": "n1", "title": "", "points": [] }] });
        (call.name == "report_notes").then(|| completion(&reply.to_string()))
    });
    let report = report(&host, input(0, json!({ "bulletPoints": "Keep it short." })));
    assert!(
        report["text"]
            .as_str()
            .unwrap_or_default()
            .contains("1.1 Keep it short.")
    );
}

#[test]
fn input_of_the_wrong_shape_fails_for_good_before_anything_is_asked() {
    let refused = |change, expected: &str| {
        let error = run_input(&ScriptedHost::new(), input(3, change));
        assert_eq!(
            error,
            Err(JobError::permanent(format!("input_data.{expected}")))
        );
    };
    refused(json!({ "images": "roof.jpg" }), "images: expected a list");
    refused(
        json!({ "images": [{ "url": 7 }] }),
        "images[0].url: expected a text",
    );
    refused(
        json!({ "bulletPoints": 7 }),
        "bulletPoints: expected a text",
    );
    refused(
        json!({ "options": { "batchSize": 2.5 } }),
        "options.batchSize: expected a whole number",
    );
    let efforts = "options.reasoningEffort: expected one of none, low, medium, high, xhigh";
    refused(json!({ "options": { "reasoningEffort": "max" } }), efforts);
    refused(
        json!({ "reportStyle": "long" }),
        "reportStyle: expected one of brief, elaborate",
    );
    refused(
        json!({ "header": { "attendees": ["M. Tran"] } }),
        "header.attendees[0]: expected an object",
    );
}

#[test]
fn a_cancelled_job_stops_at_its_next_step() {
    let asked_when_cancelled_at = |call: &'static str| {
        let standing = move |function: &str| match function == call {
            true => "cancelled",
            false => "held",
        };
        let host =
            world(|_| None).on_rpc(move |function, _| Reply::json(200, json!(standing(function))));
        let result = run_input(&host, input(7, json!({})));
        assert_eq!(result, Err(JobError::Cancelled));
        asked(&host)
    };
    let begun = ["p1 p2 p3 p4 p5", "p6 p7", "n1"];
    assert_eq!(asked_when_cancelled_at("save_job_step"), begun);
    assert!(asked_when_cancelled_at("start_job_step").is_empty());
}
