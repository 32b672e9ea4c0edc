use serde_json::json;

use super::*;

fn asked() -> Vec<BatchItem<'static>> {
    let specs = |alias| {
        if alias == "p1" {
            vec!["s1"]
        } else {
            Vec::new()
        }
    };
    let asked = ["p1", "p2"].into_iter();
    asked
        .map(|alias| BatchItem {
            alias,
            specs: specs(alias),
        })
        .collect()
}

fn about(alias: &str, points: Value) -> Value {
    json!({ "p": alias, "title": "Open lap.", "points": points })
}

/// What is read of photos, each shown as its alias and its statements.
fn check(photos: Value, expected: &[&str]) {
    let content = json!({ "photos": photos }).to_string();
    let written = read(Subject::Photos, &content, &asked()).expect("a list of photos");
    let shown = written.iter().map(|written| {
        let points = written.points.iter();
        points.fold(written.alias.clone(), |text, point| {
            let spec = point.spec.as_deref().unwrap_or("-");
            format!("{text} | {} {:?} {spec}", point.text, point.kind)
        })
    });
    assert_eq!(shown.collect::<Vec<_>>(), expected);
}

#[test]
fn a_good_reply_is_taken_as_it_is() {
    let points = json!([
        { "text": "The lap was open.", "kind": "deficiency", "spec": "s1" },
        { "text": "Bond was not tested.", "kind": "verify", "spec": null },
    ]);
    check(
        json!([about("p1", points)]),
        &["p1 | The lap was open. Deficiency s1 | Bond was not tested. Verify -"],
    );
}

#[test]
fn of_a_bad_reply_the_usable_part_is_kept() {
    let good = json!([{ "text": "Seen.", "kind": "observation", "spec": null }]);
    let seen = "p1 | Seen. Observation -";
    check(
        json!([about("p1", good.clone()), about("p99", good.clone())]),
        &[seen],
    );
    let other = json!([{ "text": "Seen twice.", "kind": "observation", "spec": null }]);
    check(
        json!([about("p1", good.clone()), about("p1", other)]),
        &[seen],
    );
    check(
        json!([about("p1", good.clone()), about("p2", json!([]))]),
        &[seen],
    );
    check(
        json!([about("p1", good.clone()), about("p2", json!("text"))]),
        &[seen],
    );
    check(
        json!([about("p1", good), { "points": [] }, "p2", null]),
        &[seen],
    );
    let blank = json!([{ "text": " **  ** ", "kind": "observation", "spec": null }]);
    check(json!([about("p1", blank)]), &[]);
    let odd = json!([{ "text": "# Seen.", "kind": "praise", "spec": "s9" }, { "kind": "verify" }]);
    check(json!([about("p1", odd)]), &[seen]);
    let not_for_it = json!([{ "text": "Seen.", "kind": "observation", "spec": "s1" }]);
    check(
        json!([about("p2", not_for_it)]),
        &["p2 | Seen. Observation -"],
    );
}

#[test]
fn a_reply_of_another_shape_says_why_it_is_of_no_use() {
    let check = |content: &str, expected: &str| {
        let error = read(Subject::Photos, content, &asked()).err();
        assert_eq!(error.as_deref(), Some(expected));
    };
    check("The roof leaks.", "the answer is not JSON");
    check(r#"{"photos":[{"p":"p1""#, "the answer is not JSON");
    check("{}", "the answer has no list of photos");
    check(r#"[{"p":"p1"}]"#, "the answer has no list of photos");
}

#[test]
fn no_statement_about_a_note_is_an_answer_and_about_a_photo_is_none() {
    let asked = [BatchItem {
        alias: "n1",
        specs: Vec::new(),
    }];
    let content = json!({ "notes": [{ "n": "n1", "title": "", "points": [] }] }).to_string();
    let written = read(Subject::Notes, &content, &asked).expect("a list of notes");
    assert!(written[0].points.is_empty());
    check(json!([about("p1", json!([]))]), &[]);
}

#[test]
fn the_schema_asks_for_everything_and_nothing_else() {
    let schema = parsed(schema(Subject::Photos, &asked()));
    let photo = &schema["properties"]["photos"]["items"];
    assert_eq!(schema["required"], json!(["photos"]));
    assert_eq!(photo["additionalProperties"], false);
    assert_eq!(photo["required"], json!(["p", "title", "points"]));
    assert_eq!(photo["properties"]["p"]["enum"], json!(["p1", "p2"]));
    let point = &photo["properties"]["points"]["items"]["properties"];
    assert_eq!(point["spec"]["anyOf"][0]["enum"], json!(["s1"]));
    let without = parsed(super::schema(
        Subject::Notes,
        &[BatchItem {
            alias: "n1",
            specs: Vec::new(),
        }],
    ));
    let point = &without["properties"]["notes"]["items"]["properties"]["points"]["items"];
    assert_eq!(
        point["properties"]["spec"],
        json!({ "anyOf": [{ "type": "null" }] })
    );
}

fn parsed(schema: String) -> Value {
    serde_json::from_str(&schema).expect("a schema is JSON")
}
