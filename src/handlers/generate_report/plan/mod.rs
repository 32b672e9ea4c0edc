//! The order of the report: the model's if it is usable, the engineer's otherwise. Only order, headings and summary
//! are the model's to choose: it never returns the report's text, so this step cannot lose any.

#[cfg(test)]
mod tests;

use serde_json::Value;

use super::batch;
use super::findings::Finding;
use super::grouping::{self, GENERAL};
use super::markup;
use crate::foreign_json;
use crate::words;

/// The schema's name.
pub const NAME: &str = "report_plan";

const MOST_WORDS_OF_A_TITLE: usize = 10;
const MOST_SENTENCES: usize = 6;

/// An order as the model proposes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub sections: Vec<PlanSection>,
    pub summary: Vec<String>,
}

/// A heading and the ids of the findings under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanSection {
    pub title: String,
    pub items: Vec<String>,
}

/// The order of the report; every finding is in it once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline {
    pub sections: Vec<OutlineSection>,
    /// May be empty.
    pub summary: Vec<String>,
}

/// A heading and the findings under it, by their places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutlineSection {
    pub title: String,
    pub findings: Vec<usize>,
}

const SCHEMA: &str = r#"{
    "type": "object", "additionalProperties": false, "required": ["sections", "summary"], "properties": {
        "sections": { "type": "array", "items": {
            "type": "object", "additionalProperties": false, "required": ["title", "items"], "properties": {
                "title": { "type": "string" },
                "items": { "type": "array", "items": { "type": "string", "enum": [IDS] } }
            }
        } },
        "summary": { "type": "array", "items": { "type": "string" } }
    }
}"#;

/// What a plan must look like, as JSON.
pub fn schema(findings: &[Finding]) -> String {
    let ids = findings.iter().map(|finding| finding.id.as_str());
    SCHEMA.replace("IDS", &batch::quoted(ids))
}

/// The plan in a reply.
///
/// # Errors
/// Why there is none.
pub fn read(content: &str) -> Result<Plan, String> {
    let reply = foreign_json::read(content).unwrap_or_default();
    let texts = |of: &Value, name: &str| -> Option<Vec<String>> {
        let texts = of.get(name)?.as_array()?.iter();
        texts.map(|text| Some(text.as_str()?.to_owned())).collect()
    };
    let section = |section: &Value| {
        Some(PlanSection {
            title: section.get("title")?.as_str()?.to_owned(),
            items: texts(section, "items")?,
        })
    };
    let plan = || {
        let sections = reply.get("sections")?.as_array()?.iter().map(section);
        Some(Plan {
            sections: sections.collect::<Option<_>>()?,
            summary: texts(&reply, "summary")?,
        })
    };
    plan().ok_or_else(|| "the plan is not JSON of the shape asked for".into())
}

/// The order a plan stands for. The engineer's groups keep their name, their order and exactly their findings,
/// wherever the plan has put them; the plan orders what is inside and heads what has no group.
///
/// # Errors
/// Why the plan is of no use: it does not name every finding exactly once.
pub fn arrange(plan: &Plan, findings: &[Finding], order: &[String]) -> Result<Outline, String> {
    check(plan, findings)?;
    let place = |id: &String| findings.iter().position(|finding| finding.id == *id);
    let is_group = |title: &str| {
        let mut groups = findings.iter().map(|finding| finding.group.as_deref());
        groups.any(|group| group == Some(title))
    };
    let mut sections = Vec::new();
    for planned in &plan.sections {
        let places: Vec<usize> = planned.items.iter().filter_map(place).collect();
        let has_groups = places.iter().any(|place| findings[*place].group.is_some());
        let title = words::beginning(&markup::clean(&planned.title), MOST_WORDS_OF_A_TITLE);
        let heading = match title.is_empty() || has_groups || is_group(&title) {
            true => GENERAL,
            false => &title,
        };
        for place in places {
            let title = findings[place].group.as_deref().unwrap_or(heading);
            add(&mut sections, title, place);
        }
    }
    Ok(Outline {
        sections: grouping::ordered(sections, order, |section| &section.title),
        summary: summary(plan),
    })
}

/// Groups in the engineer's order, photos by number: the order the findings are in.
pub fn deterministic(findings: &[Finding]) -> Outline {
    let mut sections = Vec::new();
    for (place, finding) in findings.iter().enumerate() {
        add(
            &mut sections,
            finding.group.as_deref().unwrap_or(GENERAL),
            place,
        );
    }
    Outline {
        sections,
        summary: Vec::new(),
    }
}

fn add(sections: &mut Vec<OutlineSection>, title: &str, place: usize) {
    match sections.iter_mut().find(|section| section.title == title) {
        Some(section) => section.findings.push(place),
        None => sections.push(OutlineSection {
            title: title.to_owned(),
            findings: vec![place],
        }),
    }
}

/// Whether the plan names every finding exactly once.
fn check(plan: &Plan, findings: &[Finding]) -> Result<(), String> {
    let mut missing: Vec<&str> = findings.iter().map(|finding| finding.id.as_str()).collect();
    for id in plan.sections.iter().flat_map(|section| &section.items) {
        match missing.iter().position(|missing| missing == id) {
            Some(place) => {
                missing.swap_remove(place);
            }
            None if findings.iter().any(|finding| finding.id == *id) => {
                return Err(format!("the plan names {id} twice"));
            }
            None => return Err("the plan names an observation that does not exist".into()),
        }
    }
    match missing.len() {
        0 => Ok(()),
        missing => Err(format!(
            "the plan leaves out {missing} of {} observations",
            findings.len()
        )),
    }
}

fn summary(plan: &Plan) -> Vec<String> {
    let sentences = plan.summary.iter().map(|sentence| markup::clean(sentence));
    sentences
        .filter(|sentence| !sentence.is_empty())
        .take(MOST_SENTENCES)
        .collect()
}
