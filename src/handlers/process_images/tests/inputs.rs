//! Inputs that make no sense.

use serde_json::{Value, json};

use super::{host, image, input, run, storage};
use crate::error::JobError;

#[test]
fn an_input_that_makes_no_sense_fails_for_good_and_names_the_field() {
    let whole = input(json!([image("a", "1.jpg")]));
    let cases = [
        ("/images", json!([]), "images: expected 1 to 500"),
        (
            "/images/0/rotation",
            json!(45),
            "images[0].rotation: expected 0, 90, 180 or 270",
        ),
        (
            "/images/0/path",
            json!("../1.jpg"),
            "images[0].path: expected a path in the bucket",
        ),
        (
            "/images/0/bucket",
            json!("a/b"),
            "images[0].bucket: expected the name of a bucket",
        ),
        ("/images/0", json!({}), "images[0].url: is missing"),
        (
            "/images/0",
            json!({ "url": "ftp://x" }),
            "images[0].url: expected an address",
        ),
        (
            "/images/0/redact",
            json!([{ "x": 2, "y": 0, "width": 1, "height": 1 }]),
            "images[0].redact[0]: expected",
        ),
        (
            "/images/0/redact",
            json!([{ "x": 0 }]),
            "images[0].redact[0]: missing field `y`",
        ),
        (
            "/images/0/annotations",
            json!([{ "type": "arrow" }]),
            "images[0].annotations[0]: expected an arrow with",
        ),
        (
            "/images/0/annotations",
            json!([{ "type": "text", "at": { "x": 0, "y": 0 }, "text": "" }]),
            "images[0].annotations[0]: expected",
        ),
        (
            "/images/0/annotations",
            json!([{ "type": "text", "at": { "x": 0, "y": 0 }, "text": "a", "color": "red" }]),
            "images[0].annotations[0]: expected",
        ),
        ("/variants", json!([]), "variants: expected 1 to 8"),
        (
            "/variants",
            json!([{ "name": "a b", "max_edge": 100 }]),
            "variants[0].name: expected",
        ),
        (
            "/variants",
            json!([{ "name": "a", "max_edge": 5 }]),
            "variants[0].max_edge: expected 16 to 4096",
        ),
        (
            "/variants",
            json!([{ "name": "a", "max_edge": 100, "quality": 0 }]),
            "variants[0].quality: expected 1",
        ),
        (
            "/output/prefix",
            json!("/visit"),
            "output.prefix: expected a path",
        ),
        (
            "/output/bucket",
            json!(7),
            "output.bucket: expected a string",
        ),
    ];
    for (pointer, wrong, expected) in cases {
        let mut input = whole.clone();
        let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
        let parent = input.pointer_mut(parent).expect("there");
        match parent {
            Value::Array(list) => list[name.parse::<usize>().expect("an index")] = wrong,
            parent => parent[name] = wrong,
        }
        let host = host(&storage(&[]));
        let Err(JobError::Permanent { message }) = run(&host, input) else {
            panic!("{pointer} should be refused");
        };
        assert!(
            message.starts_with(&format!("input_data.{expected}")),
            "{message}"
        );
        assert!(host.fetches.borrow().is_empty());
    }
}
