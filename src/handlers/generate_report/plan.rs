//! The order of the report: the model's if it is usable, the engineer's otherwise. Only order, headings and summary
//! are the model's to choose: it never returns the report's text, so this step cannot lose any.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::batch;
use super::findings::Finding;
use super::grouping::{self, GENERAL};
use super::words;

/// The schema's name.
pub const NAME: &str = "report_plan";

const MOST_WORDS_OF_A_TITLE: usize = 10;
const MOST_SENTENCES: usize = 6;

/// An order as the model proposes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    pub sections: Vec<PlannedSection>,
    pub summary: Vec<String>,
}

/// A heading and the ids of the findings under it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedSection {
    pub title: String,
    pub items: Vec<String>,
}

/// The order of the report; every finding is in it once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline {
    pub sections: Vec<OutlinedSection>,
    /// May be empty.
    pub summary: Vec<String>,
}

/// A heading and the findings under it, by their places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutlinedSection {
    pub title: String,
    pub findings: Vec<usize>,
}

/// What a plan must look like.
pub fn schema(findings: &[Finding]) -> Value {
    let ids: Vec<&str> = findings.iter().map(|finding| finding.id.as_str()).collect();
    let section = batch::object(json!({
        "title": { "type": "string" },
        "items": { "type": "array", "items": { "type": "string", "enum": ids } },
    }));
    batch::object(json!({
        "sections": { "type": "array", "items": section },
        "summary": { "type": "array", "items": { "type": "string" } },
    }))
}

/// The plan in a reply.
///
/// # Errors
/// Why there is none.
pub fn read(content: &str) -> Result<Plan, String> {
    serde_json::from_str(content).map_err(|_| "the plan is not JSON of the shape asked for".into())
}

/// The order a plan stands for. The engineer's groups keep their name, their order and exactly their findings,
/// wherever the plan has put them; the plan orders what is inside and heads what has no group.
///
/// # Errors
/// Why the plan is of no use: it does not name every finding exactly once.
pub fn arrange(plan: &Plan, findings: &[Finding], order: &[String]) -> Result<Outline, String> {
    let places = places(plan, findings)?;
    let is_group = |title: &str| {
        findings
            .iter()
            .any(|finding| finding.group.as_deref() == Some(title))
    };
    let mut sections = Vec::new();
    for planned in &plan.sections {
        let has_groups = planned
            .items
            .iter()
            .any(|id| findings[places[id.as_str()]].group.is_some());
        let title = words::beginning(&words::clean(&planned.title), MOST_WORDS_OF_A_TITLE);
        let heading = match title.is_empty() || has_groups || is_group(&title) {
            true => GENERAL,
            false => &title,
        };
        for id in &planned.items {
            let place = places[id.as_str()];
            let title = findings[place].group.as_deref().unwrap_or(heading);
            add(&mut sections, title, place);
        }
    }
    sections.sort_by_key(|section| grouping::rank(&section.title, order).0);
    Ok(Outline {
        sections,
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

fn add(sections: &mut Vec<OutlinedSection>, title: &str, place: usize) {
    match sections.iter_mut().find(|section| section.title == title) {
        Some(section) => section.findings.push(place),
        None => sections.push(OutlinedSection {
            title: title.to_owned(),
            findings: vec![place],
        }),
    }
}

/// The place of every finding by its id, if the plan names each exactly once.
fn places<'a>(plan: &'a Plan, findings: &'a [Finding]) -> Result<BTreeMap<&'a str, usize>, String> {
    let ids = findings.iter().enumerate();
    let places: BTreeMap<&str, usize> = ids
        .map(|(place, finding)| (finding.id.as_str(), place))
        .collect();
    let mut named = vec![false; findings.len()];
    for id in plan.sections.iter().flat_map(|section| &section.items) {
        match places.get(id.as_str()) {
            None => return Err("the plan names an observation that does not exist".into()),
            Some(place) if named[*place] => return Err(format!("the plan names {id} twice")),
            Some(place) => named[*place] = true,
        }
    }
    match named.iter().filter(|is_named| !**is_named).count() {
        0 => Ok(places),
        missing => Err(format!(
            "the plan leaves out {missing} of {} observations",
            findings.len()
        )),
    }
}

fn summary(plan: &Plan) -> Vec<String> {
    let sentences = plan.summary.iter().map(|sentence| words::clean(sentence));
    sentences
        .filter(|sentence| !sentence.is_empty())
        .take(MOST_SENTENCES)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handlers::generate_report::findings::About;
    use crate::handlers::generate_report::output::{Kind, Source};

    /// Findings by their groups; an empty one for none.
    fn findings(groups: &[&str]) -> Vec<Finding> {
        let groups = groups.iter().zip(1..);
        groups
            .map(|(group, index)| Finding {
                id: format!("o{index}"),
                group: Some((*group).to_owned()).filter(|group| !group.is_empty()),
                title: String::new(),
                text: String::new(),
                kind: Kind::Observation,
                source: Source::Model,
                actions: Vec::new(),
                spec: None,
                about: About::Note(0),
            })
            .collect()
    }

    fn plan(sections: &[(&str, &str)]) -> Plan {
        let section = |(title, items): &(&str, &str)| PlannedSection {
            title: (*title).to_owned(),
            items: items.split_whitespace().map(str::to_owned).collect(),
        };
        Plan {
            sections: sections.iter().map(section).collect(),
            summary: vec![" **Water** stood. ".into(), String::new()],
        }
    }

    fn shown(outline: &Outline) -> Vec<String> {
        let sections = outline.sections.iter().map(|section| {
            section
                .findings
                .iter()
                .fold(section.title.clone(), |text, place| {
                    format!("{text} o{}", place + 1)
                })
        });
        sections.collect()
    }

    const GROUPS: [&str; 4] = ["Roof", "Roof", "Wall", ""];

    fn check(sections: &[(&str, &str)], order: &[&str], expected: &[&str]) {
        let order: Vec<String> = order.iter().map(|name| (*name).to_owned()).collect();
        let outline = arrange(&plan(sections), &findings(&GROUPS), &order).expect("a usable plan");
        assert_eq!(shown(&outline), expected);
    }

    #[test]
    fn a_plan_orders_sections_and_what_is_in_them_and_heads_what_has_no_group() {
        let sections = [("Site status", "o4"), ("Wall", "o3"), ("Roof", "o2 o1")];
        check(&sections, &[], &["Site status o4", "Wall o3", "Roof o2 o1"]);
    }

    #[test]
    fn the_engineers_groups_stay_whole_under_their_own_name_and_in_their_own_order() {
        check(
            &[("Everything", "o4 o3 o2 o1")],
            &[],
            &["General Observations o4", "Wall o3", "Roof o2 o1"],
        );
        check(
            &[("roof work", "o1 o2"), ("Roof", "o3"), ("", "o4")],
            &[],
            &["Roof o1 o2", "Wall o3", "General Observations o4"],
        );
        check(
            &[("Roof", "o4"), ("Wall", "o1 o3 o2")],
            &[],
            &["General Observations o4", "Roof o1 o2", "Wall o3"],
        );
        let sections = [("Site status", "o4"), ("Roof", "o1 o2"), ("Wall", "o3")];
        check(
            &sections,
            &["Wall", "Roof"],
            &["Wall o3", "Roof o1 o2", "Site status o4"],
        );
    }

    #[test]
    fn headings_of_the_model_are_cleaned_and_short() {
        let title = "## **Site** one two three four five six seven eight nine ten";
        check(
            &[(title, "o4"), ("Roof", "o1 o2"), ("Wall", "o3")],
            &[],
            &[
                "Site one two three four five six seven eight nine … o4",
                "Roof o1 o2",
                "Wall o3",
            ],
        );
    }

    #[test]
    fn a_plan_that_is_no_permutation_is_of_no_use() {
        let refused = |items: &str, expected: &str| {
            let arranged = arrange(&plan(&[("Roof", items)]), &findings(&GROUPS), &[]);
            assert_eq!(arranged, Err(expected.to_owned()));
        };
        refused("o1 o2 o3", "the plan leaves out 1 of 4 observations");
        refused("", "the plan leaves out 4 of 4 observations");
        refused("o1 o2 o3 o4 o1", "the plan names o1 twice");
        refused(
            "o1 o2 o3 o4 o5",
            "the plan names an observation that does not exist",
        );
        refused(
            "o1 o2 o3 O4",
            "the plan names an observation that does not exist",
        );
    }

    #[test]
    fn the_summary_is_cleaned_and_bounded() {
        let mut plan = plan(&[("", "o1 o2 o3 o4")]);
        let outline = arrange(&plan, &findings(&GROUPS), &[]).expect("a usable plan");
        assert_eq!(outline.summary, ["Water stood."]);
        plan.summary = vec!["Again.".into(); 50];
        let outline = arrange(&plan, &findings(&GROUPS), &[]).expect("a usable plan");
        assert_eq!(outline.summary.len(), MOST_SENTENCES);
    }

    #[test]
    fn without_a_plan_the_findings_stay_in_the_engineers_order() {
        let outline = deterministic(&findings(&GROUPS));
        assert_eq!(
            shown(&outline),
            ["Roof o1 o2", "Wall o3", "General Observations o4"]
        );
        assert!(outline.summary.is_empty());
    }
}
