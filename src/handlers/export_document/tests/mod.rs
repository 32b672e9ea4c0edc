//! Whole jobs, with the kernels linked natively and Storage as a script.

mod composed;
mod fuzz;
mod golden;
mod inputs;
mod sources;
mod world;

use serde_json::{Value, json};

use self::world::{World, input, report};

#[test]
fn a_report_becomes_a_document_in_storage_with_its_photographs_in_it() {
    let world = World::new();
    let output = world.run(input("html", report())).expect("a result");
    let (file, label) = world.stored("out/visits/7/report.html");
    assert_eq!(output["bucket"], "out");
    assert_eq!(output["path"], "visits/7/report.html");
    assert_eq!(output["format"], "html");
    assert_eq!(output["bytes"], file.len());
    assert_eq!(output["sha256"], label["sha256"]);
    assert_eq!(output["photos"], json!({ "embedded": 4, "missing": 0 }));
    assert_eq!(output["warnings"], json!([]));
    let html = String::from_utf8(file).expect("text");
    assert_eq!(html.matches("data:image/jpeg;base64,").count(), 4);
    let steps = world.steps();
    assert_eq!(
        steps,
        [
            "photograph/1",
            "photograph/2",
            "photograph/3",
            "photograph/4",
            "document"
        ]
    );
    // What is made of the photographs is kept beside the document.
    assert_eq!(world.paths_below("out/visits/7/photographs/").len(), 4);
}

#[test]
fn markdown_names_photographs_and_fetches_none() {
    let world = World::new();
    let output = world.run(input("md", report())).expect("a result");
    assert_eq!(output["photos"], json!({ "embedded": 0, "missing": 0 }));
    assert_eq!(world.steps(), ["document"]);
    let (file, _) = world.stored("out/visits/7/report.md");
    let text = String::from_utf8(file).expect("text");
    assert!(text.contains("(Photo 1)"), "{text}");
}

#[test]
fn the_same_input_makes_the_same_bytes() {
    for format in ["docx", "html", "md"] {
        let first = World::new().run(input(format, report())).expect("a result");
        let second = World::new().run(input(format, report())).expect("a result");
        assert_eq!(first["sha256"], second["sha256"]);
    }
}

#[test]
fn a_photograph_that_cannot_be_had_leaves_a_box_that_says_so() {
    let mut report = report();
    report["photos"][0]["path"] = json!("nowhere.jpg");
    report["photos"][1]["path"] = json!("../keys");
    let world = World::new();
    let output = world.run(input("html", report)).expect("a result");
    assert_eq!(output["photos"], json!({ "embedded": 2, "missing": 2 }));
    let warnings = output["warnings"].as_array().expect("a list");
    let told: Vec<_> = warnings
        .iter()
        .map(|warning| (&warning["code"], &warning["photo"]))
        .collect();
    let code = json!("photo_missing");
    assert_eq!(told, [(&code, &json!(1)), (&code, &json!(2))]);
    let (file, _) = world.stored("out/visits/7/report.html");
    let html = String::from_utf8(file).expect("text");
    assert!(html.contains("Photo 1 is not available"));
    assert!(html.contains("Photo 2 is not available"));
}

#[test]
fn a_document_replaces_its_like_and_nothing_else() {
    let world = World::new();
    world.run(input("html", report())).expect("a result");
    world.run(input("html", report())).expect("again");
    world.put("out/visits/7/report.html", b"a letter", Value::Null);
    let refused = world.run(input("html", report())).expect_err("a refusal");
    assert_eq!(
        refused.to_string(),
        "input_data.output.path: something else is there already, which is not replaced"
    );
    assert_eq!(world.stored("out/visits/7/report.html").0, b"a letter");
}

#[test]
fn what_was_made_before_a_hand_over_is_not_made_again() {
    let world = World::new();
    let done = world.run(input("html", report())).expect("a result");
    let saved = world.saved_steps();
    let again = World::new();
    let output = again
        .run_with_steps(input("html", report()), saved)
        .expect("a result");
    assert_eq!(output, done);
    assert!(again.host.fetches.borrow().is_empty());
}
