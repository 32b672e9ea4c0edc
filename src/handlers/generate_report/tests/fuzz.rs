//! Whatever a user sends or the model answers: a whole report, or an error that says what is wrong.

use proptest::prelude::*;

use super::*;
use crate::address::AddressPolicy;
use crate::error::ErrorMessage;
use crate::handlers::generate_report::visit::Visit;
use crate::testing::fuzz::{Change, PAYLOAD, SECRET, any_change, fuzz};
use crate::testing::raw;

const INPUT: &[&str] = &[
    "reportId",
    "projectId",
    "bulletPoints",
    "images",
    "url",
    "description",
    "tag",
    "group",
    "number",
    "id",
    "options",
    "batchSize",
    "model",
    "header",
    "attendees",
    "specifications",
    "groupOrder",
    "contractName",
    "location",
    "reportStyle",
    "storagePath",
    "maxCostUsd",
    "transport",
    "rotation",
];
const REPLY: &[&str] = &[
    "photos",
    "notes",
    "points",
    "p",
    "n",
    "title",
    "text",
    "kind",
    "spec",
    "sections",
    "items",
    "summary",
    "choices",
    "message",
    "content",
    "finish_reason",
    "usage",
    "error",
    "code",
    "prompt_tokens",
    "cost_in_usd_ticks",
];

#[test]
fn input_of_any_shape_is_read_or_refused_by_the_name_of_a_field() {
    let changes = prop::collection::vec(any_change(INPUT), 1..4);
    fuzz(changes, |changes| {
        let words = json!({
            "contractName": PAYLOAD, "location": SECRET, "groupOrder": ["Roof"],
            "options": { "batchSize": 5, "transport": "stream", "maxCostUsd": 1 },
            "header": { "attendees": [{ "name": "M. Tran", "company": PAYLOAD }] },
            "specifications": [{ "imageIds": ["photo-1"], "text": PAYLOAD }],
        });
        let input = changes.iter().fold(input(2, words), |input, change| {
            change.apply_to_value(input)
        });
        if let Err(error) = Visit::read(&raw(&input), AddressPolicy::Any) {
            let message = ErrorMessage::of(&error).to_string();
            assert!(message.starts_with("input_data"), "{message}");
            assert!(
                !message.contains(PAYLOAD) && !message.contains(SECRET),
                "{message}"
            );
        }
    });
}

/// The reply to a call: what the model should say, changed, as the answer to it, changed as well.
fn changed(call: &Call, status: u16, (content, reply): &(Change, Change)) -> Reply {
    let content = String::from_utf8_lossy(&content.apply(call.answer())).into_owned();
    let choice = json!({ "message": { "content": content }, "finish_reason": "stop" });
    let body =
        json!({ "choices": [choice], "usage": { "prompt_tokens": 9, "completion_tokens": 9 } });
    Reply::bytes(status, reply.apply(body))
}

fn is_whole(report: &Value, photos: usize) {
    let text = report.to_string();
    for number in 1..=photos {
        assert!(
            text.contains(&format!("photo-{number}")),
            "photo {number} is missing"
        );
    }
    assert!(report["text"].as_str().is_some_and(|text| !text.is_empty()));
}

#[test]
fn answers_of_any_shape_and_status_make_a_whole_report_or_a_clear_error() {
    let status = prop_oneof![8 => Just(200_u16), 1 => 200_u16..600, 1 => prop::sample::select(&[400_u16, 401, 403, 413, 429][..])];
    let reply = (status, (any_change(REPLY), any_change(REPLY)));
    let transport = prop::sample::select(&["sync", "stream", "deferred"][..]);
    fuzz(
        (prop::collection::vec(reply, 1..6), transport),
        |(replies, transport)| {
            let mut replies = replies.into_iter().cycle();
            let host = ScriptedHost::new()
                .on_rpc(|function, _| match function {
                    "save_report" => Reply::json(200, json!("saved")),
                    _ => held(),
                })
                .on_fetch(move |request| match Call::of(request) {
                    None if request.url.contains("photos.test") => Reply::bytes(200, JPEG),
                    None => Reply::bytes(202, ""),
                    Some(call) => {
                        let (status, change) = replies.next().expect("it goes on for ever");
                        changed(&call, status, &change)
                    }
                });
            let input = input(
                3,
                json!({ "options": { "transport": transport, "batchSize": 2 } }),
            );
            match run_input(&host, input) {
                Ok(report) => is_whole(&report, 3),
                Err(error) => {
                    let message = ErrorMessage::of(&error).to_string();
                    assert!(!message.is_empty());
                    assert!(
                        !message.contains("grok-key") && !message.contains(SECRET),
                        "{message}"
                    );
                    assert!(!message.contains("Statement about"), "{message}");
                }
            }
            assert!(!host.messages.borrow().concat().contains("Statement about"));
        },
    );
}
