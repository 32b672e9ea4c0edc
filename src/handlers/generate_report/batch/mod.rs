//! The model's reply about a batch of photos or notes: what it must look like, and what of it is usable.
//!
//! A schema does not make a reply true to it: ids can be missing, invented or doubled. Whatever is usable is kept.

#[cfg(test)]
mod tests;

use serde_json::Value;

use super::markup;
use crate::foreign_json;
use crate::report::Kind;
use crate::words;

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
pub struct BatchItem<'a> {
    /// What the model calls it.
    pub alias: &'a str,
    /// What the model calls the specifications it may cite about it.
    pub specs: Vec<&'a str>,
}

/// What the model wrote about one photo or note, cleaned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage {
    /// The photo or note.
    pub alias: String,
    /// A few words; may be empty.
    pub title: String,
    /// Statements, none of them empty. No statement at all about a note: it only says how to write.
    pub points: Vec<Point>,
}

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    /// A sentence or more.
    pub text: String,
    /// Its nature.
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

    /// Several of them, as a reply lists them.
    pub fn list(self) -> &'static str {
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

const SCHEMA: &str = r#"{
    "type": "object", "additionalProperties": false, "required": ["LIST"], "properties": {
        "LIST": { "type": "array", "items": {
            "type": "object", "additionalProperties": false, "required": ["KEY", "title", "points"], "properties": {
                "KEY": { "type": "string", "enum": [ALIASES] },
                "title": { "type": "string" },
                "points": { "type": "array", "items": {
                    "type": "object", "additionalProperties": false, "required": ["text", "kind", "spec"], "properties": {
                        "text": { "type": "string" },
                        "kind": { "type": "string", "enum": ["observation", "deficiency", "action", "verify"] },
                        "spec": { "anyOf": [SPECS{ "type": "null" }] }
                    }
                } }
            }
        } }
    }
}"#;

/// The schema of a reply, as JSON. It holds aliases only: texts of the caller's are not always valid in one.
pub fn schema(subject: Subject, items: &[BatchItem]) -> String {
    let mut specs: Vec<&str> = Vec::new();
    for spec in items.iter().flat_map(|item| &item.specs) {
        if !specs.contains(spec) {
            specs.push(spec);
        }
    }
    let specs = match specs.is_empty() {
        true => String::new(),
        false => format!(r#"{{ "type": "string", "enum": [{}] }}, "#, quoted(specs)),
    };
    SCHEMA
        .replace("LIST", subject.list())
        .replace("KEY", subject.key())
        .replace("ALIASES", &quoted(items.iter().map(|item| item.alias)))
        .replace("SPECS", &specs)
}

/// Aliases as the elements of a JSON list; they have no characters that JSON would escape.
pub fn quoted<'a>(aliases: impl IntoIterator<Item = &'a str>) -> String {
    let mut list = String::new();
    for alias in aliases {
        let comma = if list.is_empty() { "" } else { ", " };
        list.push_str(&format!("{comma}\"{alias}\""));
    }
    list
}

/// What of a reply is usable.
///
/// # Errors
/// Why nothing is.
pub fn read(subject: Subject, content: &str, items: &[BatchItem]) -> Result<Vec<Passage>, String> {
    let reply = foreign_json::read(content).map_err(|_| "the answer is not JSON")?;
    let entries = reply.get(subject.list()).and_then(Value::as_array);
    let entries = entries.ok_or_else(|| format!("the answer has no list of {}", subject.list()))?;
    let mut passages: Vec<Passage> = Vec::new();
    for entry in entries {
        let alias = text_of(entry, subject.key());
        let Some(item) = items.iter().find(|item| Some(item.alias) == alias) else {
            continue;
        };
        // The first answer about something stands: a second one is a slip, not a correction.
        if !passages.iter().any(|known| known.alias == item.alias) {
            passages.extend(passage(subject, entry, item));
        }
    }
    Ok(passages)
}

fn text_of<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name).and_then(Value::as_str)
}

fn passage(subject: Subject, entry: &Value, item: &BatchItem) -> Option<Passage> {
    let given = entry.get("points")?.as_array()?;
    let points = given.iter().filter_map(|given| point(given, item));
    let points: Vec<Point> = points.collect();
    let is_instruction = subject == Subject::Notes && given.is_empty();
    let title = markup::clean(text_of(entry, "title").unwrap_or_default());
    (!points.is_empty() || is_instruction).then(|| Passage {
        alias: item.alias.to_owned(),
        title: words::beginning(title.trim_end_matches('.'), MOST_WORDS_OF_A_TITLE),
        points,
    })
}

fn point(given: &Value, item: &BatchItem) -> Option<Point> {
    let text = markup::clean(text_of(given, "text")?);
    let spec = text_of(given, "spec").filter(|spec| item.specs.contains(spec));
    (!text.is_empty()).then(|| Point {
        text,
        kind: match text_of(given, "kind") {
            Some("deficiency") => Kind::Deficiency,
            Some("action") => Kind::Action,
            Some("verify") => Kind::Verify,
            _ => Kind::Observation,
        },
        spec: spec.map(str::to_owned),
    })
}
