//! What is made of requests that the API will not take as they are.

use super::*;

fn refusal(status: u16, error: &str) -> Reply {
    Reply::json(
        status,
        json!({ "code": "invalid-argument", "error": error }),
    )
}

/// A world in which the API refuses photo `p4` whenever it is shown.
fn bad_photo() -> ScriptedHost {
    world(|call| {
        let refused = || refusal(400, "Unsupported image: only JPEG and PNG are accepted.");
        call.shows("p4").then(refused)
    })
}

#[test]
fn a_request_that_is_too_much_is_halved_until_it_is_not() {
    let refusals: [Script; 4] = [
        || Reply::bytes(413, "<html>413 Request Entity Too Large</html>"),
        || {
            refusal(
                400,
                "This model's maximum prompt length is 131072 but it has 200000 tokens.",
            )
        },
        || refusal(200, "The prompt is too long for the context window"),
        || {
            refusal(
                429,
                "Too many tokens. Tokens per Minute (actual/limit): 65605/16000",
            )
        },
    ];
    for reply in refusals {
        let host = world(move |call| (call.ids("Photo").len() > 2).then(reply));
        let report = report(&host, input(5, json!({})));
        let calls = asked(&host);
        assert_eq!(calls[..4], ["p1 p2 p3 p4 p5", "p1 p2", "p3 p4", "p5"]);
        assert_eq!(body(&report)[0].1.len(), 5);
        assert_eq!(report["warnings"], json!([]));
        assert_eq!(report["stats"]["batches"], 4);
        assert_eq!(report["stats"]["calls"], 5);
        let fetches = host.fetches.borrow();
        let photos = fetches.iter().filter(|request| request.body.is_none());
        assert_eq!(photos.count(), 5, "each photo is fetched once");
    }
}

#[test]
fn a_photo_that_is_too_much_by_itself_is_written_about_from_its_description() {
    let host = world(|call| (call.images() > 0).then(|| Reply::bytes(413, "")));
    let report = report(&host, input(2, json!({})));
    assert_eq!(asked(&host)[..5], ["p1 p2", "p1", "p1", "p2", "p2"]);
    let expected = [
        ("image_too_large", "photo-1"),
        ("image_too_large", "photo-2"),
    ];
    assert_eq!(warnings(&report), expected);
    assert_eq!(report["status"], "complete");
}

#[test]
fn words_alone_that_are_too_much_fail_the_job_with_a_reason() {
    let host = world(|_| Some(Reply::bytes(413, "")));
    let error = run_input(&host, input(1, json!({})));
    assert_eq!(
        error,
        Err(JobError::permanent("grok answered 413: nothing"))
    );
}

#[test]
fn too_many_tokens_for_a_minute_are_waited_out_when_there_is_nothing_to_halve() {
    let host = world(|call| {
        let words = "Too many tokens for the team. Tokens per Minute (actual/limit): 65605/16000";
        (call.name == "report_notes").then(|| refusal(429, words))
    });
    let error = run_input(&host, input(1, json!({})));
    assert!(
        matches!(error, Err(JobError::Retryable { .. })),
        "{error:?}"
    );
}

#[test]
fn a_photo_the_api_will_not_take_is_found_and_written_about_from_its_description() {
    let host = bad_photo();
    let report = report(&host, input(5, json!({})));
    let expected = ["p1 p2 p3 p4 p5", "p1 p2", "p3 p4", "p3", "p4", "p4 p5"];
    assert_eq!(asked(&host)[..expected.len()], expected);
    assert_eq!(warnings(&report), [("image_refused", "photo-4")]);
    assert_eq!(body(&report)[0].1.len(), 5);
    assert_eq!(report["status"], "complete");
}

#[test]
fn a_later_run_comes_to_the_same_requests_without_being_refused_again() {
    let first = bad_photo();
    let job = job("generate_report", input(5, json!({})));
    run(&first, job.clone()).expect("the report is written");
    let mut second_job = next_attempt(&first, job);
    second_job.steps.remove("batch/0/6");
    let second = bad_photo();
    let report = run(&second, second_job).expect("the report is written");
    assert_eq!(asked(&second), ["p4 p5"]);
    assert_eq!(warnings(&report), [("image_refused", "photo-4")]);
}

#[test]
fn a_photo_against_the_rules_is_found_and_written_about_from_its_description() {
    let host = world(|call| {
        let said = "Content violates usage guidelines. Team: 5b0c2a9e-4f0b-4c56-9d0e-2b7f1f6a3c11";
        call.shows("p7").then(|| refusal(403, said))
    });
    let report = report(&host, input(10, json!({})));
    assert_eq!(warnings(&report), [("image_refused", "photo-7")]);
    assert_eq!(report["status"], "complete");
    assert_eq!(body(&report)[0].1[6], "Statement about p7.");
    assert!(!report.to_string().contains("5b0c2a9e"));
}

#[test]
fn an_answer_that_is_withheld_is_asked_for_without_what_is_withheld() {
    let host = world(|call| {
        let is_withheld = call.shows("p2") || call.ids("Note").contains(&"n2".into());
        is_withheld.then(|| finished("", "content_filter"))
    });
    let notes = json!({ "bulletPoints": "North is done.\nA fight broke out.\nSouth is open." });
    let report = report(&host, input(3, notes));
    let expected = [("image_refused", "photo-2"), ("own_words", "")];
    assert_eq!(warnings(&report), expected);
    let notes = &body(&report)[1].1;
    assert_eq!(notes[..2], ["Statement about n1.", "A fight broke out."]);
    assert_eq!(notes[2], "Statement about n3.");
}

#[test]
fn a_description_against_the_rules_stands_in_the_engineers_words() {
    let host = world(|call| {
        let is_named = call.ids("Photo").contains(&"p2".into());
        is_named.then(|| refusal(403, "Content violates usage guidelines"))
    });
    let report = report(&host, input(3, json!({})));
    assert_eq!(warnings(&report), [("own_words", "photo-2")]);
    assert_eq!(body(&report)[0].1[1], "open lap number 2.");
}

#[test]
fn an_answer_that_is_cut_is_asked_for_in_halves() {
    let host = world(|call| {
        let is_too_much = call.ids("Photo").len() > 2;
        is_too_much.then(|| finished(r#"{"photos":[{"p":"#, "length"))
    });
    let report = report(&host, input(5, json!({})));
    assert_eq!(
        asked(&host)[..4],
        ["p1 p2 p3 p4 p5", "p1 p2", "p3 p4", "p5"]
    );
    assert_eq!(report["warnings"], json!([]));
    let stats = &report["stats"];
    assert_eq!((&stats["calls"], &stats["retries"]), (&json!(6), &json!(1)));
}

#[test]
fn a_bad_photo_that_nobody_names_is_found_by_halving() {
    for said in ["Invalid base64 data", "Ungültige Daten"] {
        let host = world(move |call| call.shows("p3").then(|| refusal(400, said)));
        let report = report(&host, input(5, json!({})));
        assert_eq!(warnings(&report), [("image_refused", "photo-3")]);
        assert_eq!(report["status"], "complete");
    }
}

#[test]
fn a_refusal_of_everything_that_nobody_explains_fails_the_job_after_a_few_requests() {
    let host = world(|call| (call.images() > 0).then(|| refusal(400, "Nein.")));
    let error = run_input(&host, input(20, json!({ "options": { "batchSize": 20 } })));
    let message = "grok answered 400: Nein (invalid-argument)";
    assert_eq!(error, Err(JobError::permanent(message)));
    assert!(asked(&host).len() < 30, "{}", asked(&host).len());
}

/// A world whose model refuses requests that have this parameter.
fn without(parameter: &'static str) -> ScriptedHost {
    world(move |call| {
        let said = format!("Argument not supported on this model: {parameter}");
        let is_there = call.body.get(parameter).is_some();
        is_there.then(|| refusal(400, &said))
    })
}

#[test]
fn an_optional_parameter_that_the_model_does_not_take_is_left_out_from_then_on() {
    for parameter in [
        "reasoning_effort",
        "max_completion_tokens",
        "temperature",
        "deferred",
    ] {
        let host = without(parameter);
        let report = report(&host, input(30, json!({})));
        assert_eq!(report["status"], "complete", "{parameter}");
        let mut with = 0;
        for_each_call(&host, |call| {
            with += usize::from(call.body.get(parameter).is_some())
        });
        assert!(with <= 4, "{parameter} went along {with} times");
        assert_eq!(report["warnings"], json!([]));
    }
}

#[test]
fn a_model_that_takes_no_schema_is_told_it_in_words() {
    let host = world(|_| None).on_fetch(|request| {
        let Some(body) = &request.body else {
            return Reply::bytes(200, JPEG);
        };
        let mut body: Value = serde_json::from_str(&body.to_string()).expect("a request is JSON");
        if body.get("response_format").is_some() {
            return refusal(400, "response_format is not supported");
        }
        let rules = body["messages"][0]["content"].as_str().expect("a text");
        let (_, schema) = rules.split_once("nothing else:\n").expect("a schema");
        assert!(serde_json::from_str::<Value>(schema).is_ok());
        let name = ["photos", "notes", "sections"]
            .into_iter()
            .find(|name| schema.contains(&format!("\"{name}\"")));
        let name = match name {
            Some("photos") => "report_batch",
            Some("notes") => "report_notes",
            _ => "report_plan",
        };
        body["response_format"] = json!({ "json_schema": { "name": name } });
        let request = HttpRequest {
            body: Some(body.to_string().into()),
            ..request.clone()
        };
        let call = Call::of(&request).expect("a call");
        completion(&call.answer().to_string())
    });
    let report = report(&host, input(1, json!({})));
    assert_eq!(report["status"], "complete");
}
