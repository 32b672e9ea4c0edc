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
