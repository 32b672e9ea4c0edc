//! The other endpoint.

use super::*;

/// The bodies of the requests about photos and notes, each `/responses` and each answered properly.
fn bodies(settings: &[(&str, &str)], options: Value) -> (Vec<Value>, Value) {
    let host = world(|_| None).on_fetch(|request| match &request.body {
        None => Reply::bytes(200, JPEG),
        Some(body) => {
            assert_eq!(request.url, "http://grok.test/v1/responses");
            let body: Value = serde_json::from_str(&body.to_string()).expect("a request is JSON");
            Reply::json(200, answer(&body))
        }
    });
    let job = job("generate_report", input(1, json!({ "options": options })));
    let report = run_job::<GenerateReport>(&host, &config(settings), job);
    let fetches = host.fetches.borrow();
    let bodies = fetches.iter().filter_map(|request| request.body.as_ref());
    let bodies =
        bodies.map(|body| serde_json::from_str(&body.to_string()).expect("a request is JSON"));
    (bodies.collect(), report.expect("the report is written"))
}

fn answer(body: &Value) -> Value {
    let point = json!({ "text": "The lap was open.", "kind": "observation", "spec": null });
    let entry = |key: &str, id: &str| json!([{ key: id, "title": "Lap", "points": [point] }]);
    let written = match body["text"]["format"]["name"].as_str() {
        Some("report_batch") => json!({ "photos": entry("p", "p1") }),
        Some("report_notes") => json!({ "notes": entry("n", "n1") }),
        _ => json!({ "sections": [{ "title": "Roof", "items": ["o1", "o2"] }], "summary": [] }),
    };
    let content = json!([{ "type": "output_text", "text": written.to_string() }]);
    json!({
        "model": "grok-4.3", "status": "completed", "error": null,
        "output": [{ "type": "reasoning" }, { "type": "message", "content": content }],
        "usage": { "input_tokens": 100, "output_tokens": 10, "cost_in_usd_ticks": 10_000_000 },
    })
}

#[test]
fn a_report_can_be_written_through_responses_and_nothing_is_stored_there() {
    let (bodies, report) = bodies(&[], json!({ "apiStyle": "responses" }));
    assert_eq!(report["status"], "complete");
    assert_eq!(report["stats"]["costUsd"], 0.003);
    for body in &bodies {
        let keys = body.as_object().expect("an object").keys();
        let mut keys: Vec<&str> = keys.map(String::as_str).collect();
        keys.sort_unstable();
        let known = [
            "input",
            "max_output_tokens",
            "model",
            "prompt_cache_key",
            "reasoning",
            "store",
            "temperature",
            "text",
        ];
        assert_eq!(keys, known);
        assert_eq!(body["store"], false);
        assert_eq!(body["reasoning"], json!({ "effort": "low" }));
        assert_eq!(body["text"]["format"]["strict"], true);
        assert_eq!(body["input"][0]["role"], "system");
    }
    let about_photos = bodies
        .iter()
        .find(|body| body["text"]["format"]["name"] == "report_batch");
    let content = &about_photos.expect("photos are asked about")["input"][1]["content"];
    assert_eq!(content[1]["type"], "input_text");
    let url = "data:image/jpeg;base64,/9j/wAALCASwBkADAAAA/9oAAv/Z";
    let image = json!({ "type": "input_image", "image_url": url, "detail": "auto" });
    assert_eq!(content[2], image);
}

#[test]
fn a_configured_endpoint_that_cannot_defer_yields_what_is_only_configured() {
    let settings = [
        ("GROK_API_STYLE", "responses"),
        ("GROK_TRANSPORT", "deferred"),
    ];
    let (bodies, _) = bodies(&settings, json!({}));
    assert!(bodies.iter().all(|body| body.get("deferred").is_none()));
}

#[test]
fn a_job_that_wants_its_answers_later_gets_the_endpoint_that_can() {
    let host = world(|_| None);
    let options = json!({ "apiStyle": "responses", "transport": "deferred" });
    let report = report(&host, input(1, json!({ "options": options })));
    assert_eq!(warnings(&report), [("option_ignored", "")]);
    for_each_call(&host, |call| assert_eq!(call.body["deferred"], true));
}
