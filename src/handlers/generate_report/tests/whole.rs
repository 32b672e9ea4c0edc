use super::*;

#[test]
fn a_visit_becomes_a_report_with_photos_in_batches_notes_and_a_plan() {
    let host = world(|_| None);
    let report = report(&host, input(7, json!({})));
    assert_eq!(
        asked(&host),
        ["p1 p2 p3 p4 p5", "p6 p7", "n1", "o1 o2 o3 o4 o5 o6 o7 o8"]
    );
    assert_eq!(report["schema"], "report/1");
    assert_eq!(report["success"], true);
    assert_eq!(report["status"], "complete");
    assert_eq!(report["message"], "Report generated successfully");
    assert_eq!(
        report["formatting"],
        json!({ "mode": "model", "reason": null })
    );
    assert_eq!(report["summary"], json!(["The roof was reviewed."]));
    assert_eq!(report["warnings"], json!([]));
    let first = &report["sections"][0]["observations"][0];
    assert_eq!(first["number"], "1.1");
    assert_eq!(first["text"], "Statement about p1.");
    assert_eq!(first["source"], "model");
    let image = json!({
        "imageId": "photo-1", "photo": 1, "group": "Roof", "number": 1, "caption": "open lap number 1",
    });
    assert_eq!(first["images"], json!([image]));
    assert_eq!(report["sections"][0]["title"], "Roof");
    assert_eq!(report["sections"][1]["title"], "General Observations");
    let note = json!({ "text": "Membrane complete on the east half.", "observation": "2.1" });
    assert_eq!(report["notes"], json!([note]));
    let photo = json!({
        "photo": 7, "imageId": "photo-7", "url": "https://photos.test/7.jpg", "w": 1600, "h": 1200, "rotation": 0,
    });
    assert_eq!(report["photos"][6], photo);
}

#[test]
fn one_statement_of_the_models_makes_a_report_that_is_not_of_own_words_alone() {
    let host = world(|call| (call.name == "report_batch").then(|| completion("{}")));
    let report = report(&host, input(2, json!({})));
    assert_eq!(report["status"], "complete");
    assert_eq!(report["message"], "Report generated successfully");
}

#[test]
fn stats_count_what_was_paid_for() {
    let host = world(|_| None);
    let report = report(&host, input(7, json!({})));
    let expected = json!({
        "images": 7, "batches": 3, "calls": 4, "reusedSteps": 0, "reusedAnswers": 0, "retries": 0, "duplicateRisk": 0,
        "promptTokens": 400, "imageTokens": 240, "cachedTokens": 20, "completionTokens": 40,
        "reasoningTokens": 8, "costUsd": 0.004, "models": ["grok-4.3"], "promptVersion": 2,
    });
    assert_eq!(report["stats"], expected);
}

#[test]
fn a_request_has_only_parameters_that_every_model_takes() {
    let host = world(|_| None);
    let job = job("generate_report", input(1, json!({})));
    run(&host, job.clone()).expect("the report is written");
    for_each_call(&host, |call| {
        assert_eq!(call.request.url, "http://grok.test/v1/chat/completions");
        assert_eq!(call.request.timeout_ms, 120_000);
        let header = |name: &str| {
            let mut headers = call.request.headers.iter();
            headers
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.clone())
        };
        assert_eq!(header("authorization").as_deref(), Some("Bearer grok-key"));
        assert_eq!(header("x-grok-conv-id"), Some(job.id.to_string()));
        let mut keys: Vec<&str> = call
            .body
            .as_object()
            .expect("an object")
            .keys()
            .map(String::as_str)
            .collect();
        keys.sort_unstable();
        let known = [
            "deferred",
            "max_completion_tokens",
            "messages",
            "model",
            "reasoning_effort",
            "response_format",
            "temperature",
        ];
        assert_eq!(keys, known);
        assert_eq!(call.body["model"], "grok-4.3");
        assert_eq!(call.body["reasoning_effort"], "low");
        assert_eq!(call.body["response_format"]["json_schema"]["strict"], true);
        assert_eq!(call.body["messages"][0]["role"], "system");
    });
    for_each_call(&host, |call| {
        let image = &call.body["messages"][1]["content"][2];
        if call.name == "report_batch" {
            let url = "data:image/jpeg;base64,/9j/wAALCASwBkADAAAA/9oAAv/Z";
            let expected =
                json!({ "type": "image_url", "image_url": { "url": url, "detail": "auto" } });
            assert_eq!(image, &expected);
        }
    });
}

#[test]
fn a_callers_texts_never_reach_a_schema() {
    let host = world(|_| None);
    let change = json!({
        "specifications": [{ "id": "07/52", "document": "Spec", "section": "07/52", "text": "laps of 90 mm" }],
        "groupOrder": ["Roof"],
    });
    report(&host, input(1, change));
    for_each_call(&host, |call| {
        let schema = call.body["response_format"]["json_schema"]["schema"].to_string();
        assert!(
            !schema.contains('/') && !schema.contains("Roof"),
            "{schema}"
        );
    });
}

#[test]
fn options_choose_the_model_its_effort_the_batch_and_the_language() {
    let host = world(|_| None);
    let options = json!({
        "model": "grok-4.6", "reasoningEffort": "high", "batchSize": 2, "language": "fr",
        "baseUrl": "http://thief.test", "finalFormatting": false, "writeReport": false,
    });
    let report = report(
        &host,
        input(3, json!({ "options": options, "reportStyle": "elaborate" })),
    );
    assert_eq!(asked(&host), ["p1 p2", "p3", "n1"]);
    for_each_call(&host, |call| {
        assert!(call.request.url.starts_with("http://grok.test/"));
        assert_eq!(call.body["model"], "grok-4.6");
        assert_eq!(call.body["reasoning_effort"], "high");
        let rules = call.body["messages"][0]["content"]
            .as_str()
            .unwrap_or_default();
        assert!(rules.contains("Language: fr.") && rules.contains("three to five sentences"));
    });
    assert_eq!(warnings(&report), [("option_ignored", "")]);
    assert_eq!(report["formatting"]["mode"], "deterministic");
    assert_eq!(report["status"], "complete");
    assert!(host.calls_of("save_report").is_empty());
}

#[test]
fn the_model_is_told_all_that_the_engineer_wrote() {
    let host = world(|_| None);
    let change = json!({
        "contractName": "Library", "location": "210 Alder Street",
        "specifications": [
            { "id": "a", "document": "Spec", "section": "07 52 00", "text": "laps of 90 mm", "imageIds": ["photo-1"] },
        ],
        "header": { "weather": "overcast" },
    });
    report(&host, input(2, change));
    let mut texts = Vec::new();
    for_each_call(&host, |call| texts.push(call.text.clone()));
    let expected = [
        "Contract: Library",
        "Location: 210 Alder Street",
        "Weather: overcast",
        "The engineer noted: Membrane complete on the east half.",
        "Specification s1, Spec 07 52 00: laps of 90 mm",
        "Photo p1\nDescription: open lap number 1\nGroup: Roof\nTag: deficiency\nSpecifications: s1",
        "Photo p2\nDescription: open lap number 2\nGroup: Roof\nTag: deficiency",
    ];
    for line in expected {
        assert!(texts[0].contains(line), "{line} is not in {}", texts[0]);
    }
    assert!(
        !texts[0].contains(
            "Photo p2\nDescription: open lap number 2\nGroup: Roof\nTag: deficiency\nSpec"
        )
    );
    assert!(texts[1].contains("Note n1\nText: Membrane complete on the east half."));
}

#[test]
fn without_photos_the_report_is_written_from_the_notes() {
    let host = world(|_| None);
    let notes = "- Membrane complete.\n\n• Drains to be cleared.\n-5 °C at noon";
    let report = report(&host, input(0, json!({ "bulletPoints": notes })));
    assert_eq!(asked(&host), ["n1 n2 n3", "o1 o2 o3"]);
    assert_eq!(
        body(&report),
        [(
            "Site",
            vec![
                "Statement about n1.",
                "Statement about n2.",
                "Statement about n3."
            ]
        )]
    );
    assert_eq!(report["notes"][2]["text"], "-5 °C at noon");
    assert_eq!(report["stats"]["images"], 0);
}

#[test]
fn a_photo_in_two_groups_is_asked_about_once_and_stands_in_both() {
    let host = world(|_| None);
    let mut input = input(2, json!({}));
    input["images"][0]["group"] = json!(["Roof", "Safety"]);
    let report = report(&host, input);
    assert_eq!(asked(&host)[0], "p1 p2");
    assert_eq!(
        body(&report)[..2],
        [
            ("Roof", vec!["Statement about p1.", "Statement about p2."]),
            ("Safety", vec!["Statement about p1."]),
        ]
    );
    assert_eq!(report["photos"].as_array().map(Vec::len), Some(2));
    let text = report["text"].as_str().unwrap_or_default();
    assert!(
        text.contains("Photo 1 (Roof, no. 1; Safety, no. 1): open lap number 1"),
        "{text}"
    );
}

#[test]
fn progress_counts_photos_and_never_goes_back() {
    let host = world(|call| {
        let answer = completion(&call.answer().to_string());
        match call.all_ids()[0].as_str() {
            "p1" => Some(answer.after_ms(2_000)),
            "n1" => Some(answer.after_ms(3_000)),
            _ => None,
        }
    });
    report(&host, input(7, json!({})));
    let saves = host.calls_of("save_job_step");
    let progress: Vec<String> = saves
        .iter()
        .map(|save| {
            let progress = &save["progress"];
            format!(
                "{} {} of {}",
                progress["phase"], progress["done"], progress["total"]
            )
        })
        .collect();
    let expected = [
        r#""photos" 0 of 7"#,
        r#""photos" 2 of 7"#,
        r#""notes" 7 of 7"#,
        r#""final" 7 of 7"#,
        r#""save" 7 of 7"#,
    ];
    assert_eq!(progress, expected);
}

#[test]
fn without_a_key_no_report_job_is_taken() {
    use crate::handler::JobHandler;
    let without = config(&[("GROK_API_KEY", "")]);
    assert_eq!(
        GenerateReport::unavailable(&without),
        Some("GROK_API_KEY is not set")
    );
    assert_eq!(GenerateReport::unavailable(&config(&[])), None);
}
