use super::*;
use crate::handlers::generate_report::findings::About;
use crate::report::{Kind, Source};

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
    let section = |(title, items): &(&str, &str)| PlanSection {
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
