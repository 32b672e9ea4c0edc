//! Whatever may come as a report.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::world::{World, input, visit};
use crate::error::JobError;
use crate::testing::fuzz::{SECRET, any_change, any_json, fuzz, in_time};

const MEMBERS: &[&str] = &[
    "actions",
    "caption",
    "group",
    "header",
    "images",
    "kind",
    "number",
    "observation",
    "observations",
    "path",
    "photo",
    "photos",
    "rotation",
    "sections",
    "spec",
    "summary",
    "text",
    "title",
    "url",
];
const FORMATS: &[&str] = &["docx", "html", "md"];

fn check(input: Value) {
    let world = World::new();
    match in_time(|| world.run(input)) {
        Ok(output) => assert!(output["bytes"].as_u64().is_some_and(|bytes| bytes > 0)),
        Err(JobError::Permanent { message }) => assert!(!message.contains(SECRET), "{message}"),
        Err(error) => panic!("{error:?}"),
    }
    let outside = world
        .written()
        .into_iter()
        .find(|path| !path.starts_with("out/visits/7/"));
    assert_eq!(outside, None);
}

#[test]
fn fuzzed_reports_become_documents_or_are_refused() {
    let formats = prop::sample::select(FORMATS);
    let changes = prop::collection::vec(any_change(MEMBERS), 1..6);
    fuzz((formats, changes), |(format, changes)| {
        let mut report = visit("grouped");
        for change in changes {
            if let Ok(changed) = serde_json::from_slice(&change.apply(report.clone())) {
                report = changed;
            }
        }
        check(input(format, report));
    });
}

#[test]
fn fuzzed_templates_are_taken_or_refused() {
    const TEMPLATE: &[&str] = &[
        "colour",
        "firm",
        "intent",
        "language",
        "layout",
        "limitations",
        "paper",
        "status",
    ];
    fuzz(any_json(TEMPLATE), |template| {
        let mut input = input("html", json!(visit("small")));
        input["template"] = template;
        check(input);
    });
}
