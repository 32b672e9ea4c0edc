use serde_json::{Value, json};

use super::*;
use crate::testing::raw;

fn check<T>(input: Value, read: impl Fn(&Fields) -> Result<T, JobError>, expected: Result<T, &str>)
where
    T: PartialEq + std::fmt::Debug,
{
    let text = raw(&input);
    let fields = Fields::of_input(&text).expect("an object");
    let expected = expected.map_err(|message| JobError::permanent(format!("input_data.{message}")));
    assert_eq!(read(&fields), expected, "{input}");
}

#[test]
fn a_field_that_is_missing_or_null_is_none() {
    for input in [json!({}), json!({ "x": null })] {
        check(input.clone(), |fields| fields.filled("x"), Ok(None));
        check(
            input.clone(),
            |fields| fields.texts_or_text("x"),
            Ok(Vec::new()),
        );
        check(input.clone(), |fields| fields.whole_number("x"), Ok(None));
        check(input.clone(), |fields| fields.flag("x"), Ok(None));
        check(
            input.clone(),
            |fields| Ok(fields.objects("x")?.len()),
            Ok(0),
        );
        let line = |fields: &Fields| fields.object("x")?.line("y");
        check(input, line, Ok(String::new()));
    }
}

#[test]
fn a_field_is_read_as_what_it_is() {
    check(
        json!({ "x": " a\nb " }),
        |fields| fields.filled("x"),
        Ok(Some("a\nb".to_owned())),
    );
    for (given, line) in [(json!(" a\nb "), "a b"), (json!(4.5), "4.5")] {
        let line = Ok(line.to_owned());
        check(
            json!({ "x": given }),
            |fields| fields.line_or_number("x"),
            line,
        );
    }
    check(
        json!({ "x": "a" }),
        |fields| fields.texts_or_text("x"),
        Ok(vec!["a".to_owned()]),
    );
    check(
        json!({ "x": ["a"] }),
        |fields| fields.texts_or_text("x"),
        Ok(vec!["a".to_owned()]),
    );
    for number in [
        json!(7),
        json!(7.0),
        json!(7e0),
        json!("7"),
        json!("7.00000000000000000000"),
    ] {
        let input = json!({ "x": number });
        check(input, |fields| fields.whole_number("x"), Ok(Some(7)));
    }
    check(
        json!({ "x": -7.5 }),
        |fields| fields.number("x"),
        Ok(Some(-7.5)),
    );
    check(
        json!({ "x": "2.5000000000000000000001" }),
        |fields| fields.number("x"),
        Ok(Some(2.5)),
    );
    check(
        json!({ "x": false }),
        |fields| fields.flag("x"),
        Ok(Some(false)),
    );
    let choices = [("brief", 1), ("elaborate", 2)];
    check(
        json!({ "x": "elaborate" }),
        |fields| fields.choice("x", &choices),
        Ok(Some(2)),
    );
}

#[test]
fn a_field_of_another_kind_is_named_and_its_value_is_not_told() {
    let secret = || json!({ "x": "secret" });
    check(
        json!({ "x": 7 }),
        |fields| fields.line("x"),
        Err("x: expected a text"),
    );
    check(
        json!({ "x": ["a", 7] }),
        |fields| fields.texts("x"),
        Err("x[1]: expected a text"),
    );
    check(
        secret(),
        |fields| fields.texts("x"),
        Err("x: expected a list"),
    );
    let many = "x: expected a text or a list of texts";
    check(
        json!({ "x": 7 }),
        |fields| fields.texts_or_text("x"),
        Err(many),
    );
    for number in [
        json!(-1),
        json!(1.5),
        json!(-0.5),
        json!("1.5"),
        json!("one"),
        json!(""),
        json!("1e400"),
        json!(1u64 << 32),
        json!(1e300),
    ] {
        let input = json!({ "x": number });
        check(
            input,
            |fields| fields.whole_number("x"),
            Err("x: expected a whole number"),
        );
    }
    check(
        secret(),
        |fields| fields.number("x"),
        Err("x: expected a number"),
    );
    check(
        secret(),
        |fields| fields.flag("x"),
        Err("x: expected true or false"),
    );
    let choices = [("brief", 1), ("elaborate", 2)];
    let words = "x: expected one of brief, elaborate";
    check(secret(), |fields| fields.choice("x", &choices), Err(words));
    check(
        secret(),
        |fields| fields.object("x")?.line("y"),
        Err("x: expected an object"),
    );
    check(
        json!({ "x": [{}, 1] }),
        |fields| Ok(fields.objects("x")?.len()),
        Err("x[1]: expected an object"),
    );
    check(
        json!({ "x": { "y": [{ "z": 1 }] } }),
        |fields| {
            let inner = fields.object("x")?;
            inner.objects("y")?[0].line("z")
        },
        Err("x.y[0].z: expected a text"),
    );
}

/// Numbers whose digits are more than a double holds, as Postgres prints them.
fn long_numbers() -> [String; 5] {
    [
        "12345678901234567890".to_owned(),
        "-0.1000000000000000055511151231257827".to_owned(),
        "7.50".to_owned(),
        format!("1{}", "0".repeat(400)),
        format!("0.{}1", "0".repeat(400)),
    ]
}

#[test]
fn a_number_that_is_shown_keeps_every_digit() {
    for number in long_numbers() {
        let input = RawValue::from_string(format!(r#"{{ "x" : {number} }}"#)).expect("JSON");
        let fields = Fields::of_input(&input).expect("an object");
        assert_eq!(fields.line_or_number("x"), Ok(number));
    }
}

#[test]
fn a_number_beyond_all_measure_is_refused_by_name() {
    let [.., huge, tiny] = long_numbers();
    for number in ["1e400", "-1e400", &huge] {
        let input = RawValue::from_string(format!(r#"{{"x":{number}}}"#)).expect("JSON");
        let fields = Fields::of_input(&input).expect("an object");
        let refused = |expected| JobError::permanent(format!("input_data.x: expected {expected}"));
        assert_eq!(fields.number("x"), Err(refused("a number")));
        assert_eq!(fields.whole_number("x"), Err(refused("a whole number")));
    }
    let input = RawValue::from_string(format!(r#"{{"x":{tiny}}}"#)).expect("JSON");
    let fields = Fields::of_input(&input).expect("an object");
    assert_eq!(fields.number("x"), Ok(Some(0.0)));
}

#[test]
fn what_nobody_reads_may_be_anything() {
    let nested = format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000));
    for unknown in ["1e400", &nested] {
        let text = format!(r#"{{"unknown":{unknown},"x":{{"unknown":{unknown},"y":" a"}}}}"#);
        let input = RawValue::from_string(text).expect("JSON");
        let fields = Fields::of_input(&input).expect("an object");
        let line = fields.object("x").and_then(|inner| inner.line("y"));
        assert_eq!(line, Ok("a".to_owned()));
    }
}
