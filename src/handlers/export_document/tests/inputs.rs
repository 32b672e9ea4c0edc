//! What an input may be.

use serde_json::{Value, json};

use super::world::{World, input, report};
use crate::error::JobError;

fn refusal(change: impl FnOnce(&mut Value)) -> String {
    let mut input = input("md", report());
    change(&mut input);
    match World::new().run(input) {
        Err(JobError::Permanent { message }) => message,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_format_that_does_not_exist_is_refused_by_the_names_of_those_that_do() {
    let said = refusal(|input| input["format"] = json!("rtf"));
    assert_eq!(
        said,
        "input_data.format: expected one of `docx`, `html`, `md`"
    );
}

#[test]
fn an_input_names_one_report() {
    let expected = "input_data: expected one of reportId, jobId and report";
    let none = refusal(|input| input["report"] = Value::Null);
    assert_eq!(none, expected);
    let id = "5f0c6f0e-8a43-4b43-9c84-6a1d0d3f1201";
    for field in ["reportId", "jobId"] {
        assert_eq!(refusal(|input| input[field] = json!(id)), expected);
    }
}

#[test]
fn whatever_else_is_wrong_is_said_by_its_field() {
    let cases: [(&str, Value, &str); 8] = [
        ("/output/bucket", json!("a/b"), "input_data.output.bucket: "),
        ("/output/path", json!("../x"), "input_data.output.path: "),
        (
            "/template",
            json!({ "firm": "x".repeat(201) }),
            "input_data.template.firm: ",
        ),
        (
            "/template",
            json!({ "colour": "red" }),
            "input_data.template.colour: ",
        ),
        (
            "/template",
            json!({ "paper": "legal" }),
            "input_data.template.paper: ",
        ),
        (
            "/template",
            json!({ "logo": "x.png" }),
            "input_data.template.logo: ",
        ),
        (
            "/template",
            json!({ "layout": "side" }),
            "input_data.template.layout: ",
        ),
        (
            "/signed_url_seconds",
            json!(60),
            "input_data.signed_url_seconds: ",
        ),
    ];
    for (field, value, words) in cases {
        let said = refusal(|input| {
            let (parent, name) = field.rsplit_once('/').expect("a path");
            input.pointer_mut(parent).expect("an object")[name] = value;
        });
        assert!(said.starts_with(words), "{said}");
    }
}

#[test]
fn a_report_that_is_none_is_refused_by_the_place_where_it_is_none_and_without_its_words() {
    let said = refusal(|input| input["report"]["sections"][0]["title"] = json!(["secret"]));
    assert_eq!(
        said,
        "input_data.report: it is no report of the schema report/1, at sections[0].title"
    );
    let said = refusal(|input| input["report"]["schema"] = json!("report/2"));
    assert!(said.ends_with("at schema"), "{said}");
}
