//! The model's reply about a batch of photos or notes: what it must look like, and what of it is usable.
//!
//! A schema does not make a reply true to it: ids can be missing, invented or doubled. Whatever is usable is kept.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::output::Kind;
use super::words;

/// Titles are for lists.
const MOST_WORDS_OF_A_TITLE: usize = 10;

/// What a batch is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// Photos with their descriptions.
    Photos,
    /// Lines of the engineer's notes.
    Notes,
}

/// A photo or a note that was asked about.
#[derive(Debug, Clone)]
pub struct Asked<'a> {
    /// What the model calls it.
    pub alias: &'a str,
    /// What the model calls the specifications it may cite about it.
    pub specs: Vec<&'a str>,
}

/// What the model wrote about one photo or note, cleaned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// A few words; may be empty.
    pub title: String,
    /// Statements, none of them empty. No statement at all about a note: it only says how to write.
    pub points: Vec<Point>,
}

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Point {
    pub text: String,
    pub kind: Kind,
    /// What the model calls the specification it is about.
    pub spec: Option<String>,
}

impl Subject {
    /// The schema's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Photos => "report_batch",
            Self::Notes => "report_notes",
        }
    }

    fn list(self) -> &'static str {
        match self {
            Self::Photos => "photos",
            Self::Notes => "notes",
        }
    }

    fn key(self) -> &'static str {
        match self {
            Self::Photos => "p",
            Self::Notes => "n",
        }
    }
}

/// The schema of a reply. It holds aliases only: texts of the caller's are not always valid in one.
pub fn schema(subject: Subject, asked: &[Asked]) -> Value {
    let aliases: Vec<&str> = asked.iter().map(|asked| asked.alias).collect();
    let mut specs: Vec<&str> = asked.iter().flat_map(|asked| asked.specs.clone()).collect();
    specs.sort_unstable();
    specs.dedup();
    let spec = match specs.is_empty() {
        true => json!({ "type": "null" }),
        false => json!({ "anyOf": [{ "type": "string", "enum": specs }, { "type": "null" }] }),
    };
    let point = object(json!({
        "text": { "type": "string" },
        "kind": { "type": "string", "enum": ["observation", "deficiency", "action", "verify"] },
        "spec": spec,
    }));
    let mut item = json!({
        "title": { "type": "string" },
        "points": { "type": "array", "items": point },
    });
    item[subject.key()] = json!({ "type": "string", "enum": aliases });
    let mut list = json!({});
    list[subject.list()] = json!({ "type": "array", "items": object(item) });
    object(list)
}

/// An object in which every property is there and no other is.
pub fn object(properties: Value) -> Value {
    let required: Vec<&String> = properties
        .as_object()
        .map(|map| map.keys().collect())
        .unwrap_or_default();
    json!({
        "type": "object",
        "required": required,
        "additionalProperties": false,
        "properties": properties,
    })
}

/// What of a reply is usable, by alias.
///
/// # Errors
/// Why nothing is.
pub fn read(
    subject: Subject,
    content: &str,
    asked: &[Asked],
) -> Result<BTreeMap<String, Written>, String> {
    let reply: Value = serde_json::from_str(content).map_err(|_| "the answer is not JSON")?;
    let items = reply[subject.list()]
        .as_array()
        .ok_or_else(|| format!("the answer has no list of {}", subject.list()))?;
    let mut written = BTreeMap::new();
    for item in items {
        let alias = item[subject.key()].as_str();
        let Some(asked) = asked.iter().find(|asked| Some(asked.alias) == alias) else {
            continue;
        };
        if let Some(usable) = usable(subject, item, asked) {
            // The first answer about something stands: a second one is a slip, not a correction.
            written.entry(asked.alias.to_owned()).or_insert(usable);
        }
    }
    Ok(written)
}

fn usable(subject: Subject, item: &Value, asked: &Asked) -> Option<Written> {
    let given = item["points"].as_array()?;
    let points: Vec<Point> = given
        .iter()
        .filter_map(|given| point(given, asked))
        .collect();
    let is_instruction = subject == Subject::Notes && given.is_empty();
    let title = words::clean(item["title"].as_str().unwrap_or_default());
    (!points.is_empty() || is_instruction).then(|| Written {
        title: words::beginning(title.trim_end_matches('.'), MOST_WORDS_OF_A_TITLE),
        points,
    })
}

fn point(given: &Value, asked: &Asked) -> Option<Point> {
    let text = words::clean(given["text"].as_str()?);
    let spec = given["spec"]
        .as_str()
        .filter(|spec| asked.specs.contains(spec));
    (!text.is_empty()).then(|| Point {
        text,
        kind: Kind::deserialize(&given["kind"]).unwrap_or_default(),
        spec: spec.map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked() -> Vec<Asked<'static>> {
        let specs = |alias| {
            if alias == "p1" {
                vec!["s1"]
            } else {
                Vec::new()
            }
        };
        let asked = ["p1", "p2"].into_iter();
        asked
            .map(|alias| Asked {
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
        let shown = written.iter().map(|(alias, written)| {
            written.points.iter().fold(alias.clone(), |text, point| {
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
        let odd =
            json!([{ "text": "# Seen.", "kind": "praise", "spec": "s9" }, { "kind": "verify" }]);
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
        let asked = [Asked {
            alias: "n1",
            specs: Vec::new(),
        }];
        let content = json!({ "notes": [{ "n": "n1", "title": "", "points": [] }] }).to_string();
        let written = read(Subject::Notes, &content, &asked).expect("a list of notes");
        assert!(written["n1"].points.is_empty());
        check(json!([about("p1", json!([]))]), &[]);
    }

    #[test]
    fn the_schema_asks_for_everything_and_nothing_else() {
        let schema = schema(Subject::Photos, &asked());
        let photo = &schema["properties"]["photos"]["items"];
        assert_eq!(schema["required"], json!(["photos"]));
        assert_eq!(photo["additionalProperties"], false);
        assert_eq!(photo["required"], json!(["p", "points", "title"]));
        assert_eq!(photo["properties"]["p"]["enum"], json!(["p1", "p2"]));
        let point = &photo["properties"]["points"]["items"]["properties"];
        assert_eq!(point["spec"]["anyOf"][0]["enum"], json!(["s1"]));
        let without = super::schema(
            Subject::Notes,
            &[Asked {
                alias: "n1",
                specs: Vec::new(),
            }],
        );
        let point = &without["properties"]["notes"]["items"]["properties"]["points"]["items"];
        assert_eq!(point["properties"]["spec"], json!({ "type": "null" }));
    }
}
