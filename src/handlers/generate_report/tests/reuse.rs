use std::collections::BTreeMap;

use super::*;

/// What the steps of a job keep: replies by the fingerprints of their questions.
fn replies(host: &ScriptedHost) -> BTreeMap<String, Value> {
    let saves = host.calls_of("save_job_step").into_iter();
    let replies = saves.filter_map(|save| {
        let fingerprint = save["result"]["fingerprint"].as_str()?;
        Some((
            fingerprint.to_owned(),
            save["result"]["sent"]["reply"].clone(),
        ))
    });
    replies.collect()
}

/// A world in which an earlier job about the report keeps these replies.
fn world_after(
    replies: BTreeMap<String, Value>,
    grok: impl FnMut(&Call) -> Option<Reply> + 'static,
) -> ScriptedHost {
    world(grok).on_rpc(move |function, arguments| match function {
        "find_report_reply" => {
            let fingerprint = arguments["fingerprint"].as_str().unwrap_or_default();
            let reply = replies.get(fingerprint).cloned();
            Reply::json(200, reply.unwrap_or_default())
        }
        "save_report" => Reply::json(200, json!("saved")),
        _ => held(),
    })
}

fn reusing(change: Value) -> Value {
    let mut input = input(7, json!({ "options": { "reuse": true } }));
    for (key, value) in change.as_object().expect("a change is an object") {
        input[key] = value.clone();
    }
    input
}

#[test]
fn a_report_made_again_with_nothing_changed_costs_nothing() {
    let first = world(|_| None);
    let before = report(&first, input(7, json!({})));
    let second = world_after(replies(&first), |_| None);
    let job = job("generate_report", reusing(json!({})));
    let again = run(&second, job.clone()).expect("the report is written");
    assert_eq!(asked(&second), [""; 0]);
    assert_eq!(again["text"], before["text"]);
    let stats = &again["stats"];
    assert_eq!(
        (&stats["calls"], &stats["reusedAnswers"], &stats["costUsd"]),
        (&json!(0), &json!(4), &json!(0.0))
    );
    assert_eq!(stats["models"], json!(["grok-4.3"]));
    let arguments = &second.calls_of("find_report_reply")[0];
    assert_eq!(arguments["job_id"], job.id.to_string());
}

#[test]
fn a_changed_photo_costs_its_batch() {
    let first = world(|_| None);
    report(&first, input(7, json!({})));
    let second = world_after(replies(&first), |_| None).on_fetch(|request| {
        let mut photo = JPEG.to_vec();
        photo.extend(request.url.ends_with("/6.jpg").then_some(1));
        match Call::of(request) {
            Some(call) => completion(&call.answer().to_string()),
            None => Reply::bytes(200, photo),
        }
    });
    let report = report(&second, reusing(json!({})));
    assert_eq!(asked(&second), ["p6 p7"]);
    assert_eq!(report["stats"]["reusedAnswers"], 3);
}

#[test]
fn a_changed_note_costs_everything_because_every_question_tells_it() {
    let first = world(|_| None);
    report(&first, input(7, json!({})));
    let second = world_after(replies(&first), |_| None);
    report(
        &second,
        reusing(json!({ "bulletPoints": "Drains to be cleared." })),
    );
    assert_eq!(asked(&second).len(), 4);
}

#[test]
fn without_the_option_everything_is_asked_anew() {
    let first = world(|_| None);
    report(&first, input(7, json!({})));
    let second = world_after(replies(&first), |_| None);
    report(&second, input(7, json!({})));
    assert_eq!(asked(&second).len(), 4);
    assert!(second.calls_of("find_report_reply").is_empty());
}

#[test]
fn what_was_of_no_use_is_asked_again_and_what_was_left_out_is_known() {
    let first = world(|call| match call.subject().as_str() {
        "p6 p7" => {
            let mut answer = call.answer();
            answer["photos"].as_array_mut().expect("a list").pop();
            Some(completion(&answer.to_string()))
        }
        "n1" => Some(completion("prose")),
        _ => None,
    });
    report(&first, input(7, json!({})));
    let second = world_after(replies(&first), |_| None);
    let report = report(&second, reusing(json!({})));
    // The note is new, and the order is of observations that one of which is new.
    assert_eq!(asked(&second), ["n1", "o1 o2 o3 o4 o5 o6 o7 o8"]);
    assert_eq!(report["stats"]["reusedAnswers"], 3);
}

#[test]
fn a_project_that_cannot_look_earlier_answers_up_pays_for_new_ones() {
    let host = world(|_| None).on_rpc(|function, _| match function {
        "find_report_reply" => {
            Reply::json(404, json!({ "code": "PGRST202", "message": "not found" }))
        }
        "save_report" => Reply::json(200, json!("saved")),
        _ => held(),
    });
    let report = report(&host, reusing(json!({})));
    assert_eq!(report["status"], "complete");
    assert_eq!(report["stats"]["calls"], 4);
}
