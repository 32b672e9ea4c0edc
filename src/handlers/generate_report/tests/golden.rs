//! Whole site visits, from `input_data` to the finished report, compared with files that a person has read:
//! `tests/reports/README.md`.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::PathBuf;
use std::{env, fs};

use super::*;
use crate::report::{Report, text};

/// A line of `result.json` is not longer than this if it can be broken.
const WIDTH: usize = 100;

struct Recording(PathBuf);

impl Recording {
    fn called(name: &str) -> Self {
        let reports = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/reports");
        Self(reports.join(name))
    }

    fn read(&self, file: &str) -> Value {
        let text = fs::read_to_string(self.0.join(file)).expect("a text file");
        serde_json::from_str(&text).expect("JSON")
    }

    /// Holds what came out against the file, or makes it the file.
    fn compare(&self, file: &str, text: &str) {
        let path = self.0.join(file);
        if env::var_os("WRITE_REPORTS").is_some() {
            fs::write(path, text).expect("the file can be written");
            return;
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        let line = text.lines().zip(expected.lines());
        let same = line.take_while(|(line, expected)| line == expected).count();
        assert!(
            text == expected,
            "{} differs from line {}: if that is as it should be, write the files anew (tests/reports/README.md)",
            path.display(),
            same + 1
        );
    }
}

/// A world in which the model answers what was recorded, and photos called `missing` are gone.
fn recorded(replies: Value) -> ScriptedHost {
    world(|_| None).on_fetch(move |request| {
        let Some(call) = Call::of(request) else {
            return match request.url.contains("missing") {
                true => Reply::bytes(404, ""),
                false => Reply::bytes(200, JPEG),
            };
        };
        let subject = call.subject();
        match &replies[&subject] {
            Value::Null => panic!("no reply is recorded to: {subject}"),
            Value::String(raw) => completion(raw),
            reply => completion(&reply.to_string()),
        }
    })
}

/// What the model was told, call by call; what it was told before is not repeated.
fn prompts(host: &ScriptedHost) -> String {
    let (mut told, mut text) = (BTreeSet::new(), String::new());
    for_each_call(host, |call| {
        let _ = writeln!(text, "===== {} about {}", call.name, call.subject());
        let parts = call.body["messages"][1]["content"].as_array();
        let parts = parts.expect("the user message has parts").iter();
        let pieces = [&call.body["messages"][0]["content"]]
            .into_iter()
            .chain(parts.map(|part| &part["text"]));
        for piece in pieces.filter_map(Value::as_str) {
            if told.insert(piece.to_owned()) {
                let _ = writeln!(text, "{piece}\n");
            }
        }
    });
    text
}

/// JSON for people, as `deno fmt` lays it out: what fits stands on one line. `taken` characters of it are taken.
fn laid_out(value: &Value, indent: usize, taken: usize) -> String {
    let line = on_one_line(value);
    let (open, close, items) = match value {
        _ if line.chars().count() + taken <= WIDTH => return line,
        Value::Array(items) => {
            let items = items
                .iter()
                .map(|item| laid_out(item, indent + 2, indent + 3));
            ('[', ']', items.collect::<Vec<_>>())
        }
        Value::Object(fields) => (
            '{',
            '}',
            fields
                .iter()
                .map(|field| laid_out_field(field, indent + 2))
                .collect(),
        ),
        _ => return line,
    };
    let (inside, outside) = (" ".repeat(indent + 2), " ".repeat(indent));
    let items: Vec<String> = items.iter().map(|item| format!("{inside}{item}")).collect();
    format!("{open}\n{}\n{outside}{close}", items.join(",\n"))
}

fn laid_out_field((name, value): (&String, &Value), indent: usize) -> String {
    let name = format!("{}: ", json!(name));
    let taken = indent + name.chars().count() + 1;
    name + &laid_out(value, indent, taken)
}

fn on_one_line(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(on_one_line).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(fields) if fields.is_empty() => "{}".into(),
        Value::Object(fields) => {
            let fields = fields
                .iter()
                .map(|(name, value)| format!("{}: {}", json!(name), on_one_line(value)));
            format!("{{ {} }}", fields.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

/// The text that a later job makes of the finished report.
fn rendered_again(input: &Value, output: &Value) -> String {
    let report: Report = serde_json::from_value(output.clone()).expect("a report can be read");
    assert_eq!(json!(report), *output);
    let given = |name: &str| input[name].as_str().unwrap_or_default();
    text::render(given("contractName"), given("location"), &report)
}

fn check(name: &str) {
    let visit = Recording::called(name);
    let host = recorded(visit.read("replies.json"));
    let input = visit.read("input.json");
    let mut report = report(&host, input.clone());
    visit.compare("prompts.txt", &prompts(&host));
    visit.compare("report.txt", &rendered_again(&input, &report));
    let text = report
        .as_object_mut()
        .and_then(|report| report.remove("text"));
    let text = text.expect("a report has a text");
    visit.compare("report.txt", text.as_str().unwrap_or_default());
    visit.compare("result.json", &(laid_out(&report, 0, 0) + "\n"));
}

#[test]
fn golden_small_visit() {
    check("small");
}

#[test]
fn golden_visit_with_groups_and_specifications() {
    check("grouped");
}

#[test]
fn golden_visit_with_sixty_photographs() {
    check("large");
}
