use serde_json::json;

use super::*;
use crate::address::AddressPolicy;
use crate::testing::raw;

/// A visit with two photos, one of them without a group, a note and a specification.
fn visit() -> Visit {
    let image = |id: &str, group: &str, description: &str, tag: &str| {
        json!({
            "id": id, "url": "https://photos.test/1.jpg", "group": group, "number": 1,
            "description": description, "tag": tag,
        })
    };
    let input = json!({
        "reportId": "6f0c2a9e-4f0b-4c56-9d0e-2b7f1f6a3c11",
        "projectId": "7f0c2a9e-4f0b-4c56-9d0e-2b7f1f6a3c11",
        "bulletPoints": "Access was locked",
        "images": [image("a", "", "the lane", "overview"), image("b", "Roof", "lap open\nby 300 mm", "Safety")],
        "specifications": [{ "id": "x" }, { "id": "y" }],
    });
    Visit::read(&raw(&input), AddressPolicy::Public).expect("the input is good")
}

fn written(points: &[(Kind, &str, Option<&str>)]) -> Passage {
    let point = |(kind, text, spec): &(Kind, &str, Option<&str>)| Point {
        text: (*text).to_owned(),
        kind: *kind,
        spec: spec.map(str::to_owned),
    };
    Passage {
        alias: String::new(),
        title: "Open lap".into(),
        points: points.iter().map(point).collect(),
    }
}

fn collected(about: &[(&str, Passage)]) -> (Vec<Finding>, Vec<Warning>) {
    let written = about.iter().map(|(alias, written)| Passage {
        alias: (*alias).to_owned(),
        ..written.clone()
    });
    collect(&visit(), &written.collect::<Vec<_>>())
}

/// The finding about the photo in a group, when this is written about it.
fn about_roof(points: &[(Kind, &str, Option<&str>)]) -> Finding {
    let (findings, _) = collected(&[("p2", written(points))]);
    findings[0].clone()
}

#[test]
fn groups_come_first_then_notes_then_photos_without_a_group() {
    let (findings, _) = collected(&[]);
    let shown = findings.iter().map(|finding| {
        (
            finding.id.as_str(),
            finding.group.as_deref(),
            finding.text.as_str(),
        )
    });
    assert_eq!(
        shown.collect::<Vec<_>>(),
        [
            ("o1", Some("Roof"), "lap open by 300 mm."),
            ("o2", None, "Access was locked."),
            ("o3", None, "the lane."),
        ]
    );
}

#[test]
fn statements_become_one_text_and_actions_stand_apart() {
    let finding = about_roof(&[
        (Kind::Observation, "The lap was open", None),
        (
            Kind::Action,
            "The Contractor was requested to patch it.",
            None,
        ),
        (Kind::Deficiency, "No bleed-out was seen.", Some("s2")),
        (Kind::Verify, "Bond to be tested.", Some("s1")),
    ]);
    assert_eq!(
        finding.text,
        "The lap was open. No bleed-out was seen. Bond to be tested."
    );
    assert_eq!(
        finding.actions,
        ["The Contractor was requested to patch it."]
    );
    assert_eq!(
        (finding.kind, finding.source),
        (Kind::Deficiency, Source::Model)
    );
    assert_eq!(
        (finding.title.as_str(), finding.spec),
        ("Open lap", Some(1))
    );
}

#[test]
fn actions_alone_stand_beside_the_engineers_description_or_for_themselves() {
    let action = [(Kind::Action, "Patch it.", None)];
    let photo = about_roof(&action);
    assert_eq!(
        (photo.text.as_str(), photo.source),
        ("lap open by 300 mm.", Source::Input)
    );
    assert_eq!(
        (photo.kind, photo.actions),
        (Kind::Deficiency, vec!["Patch it.".to_owned()])
    );
    let (findings, _) = collected(&[("n1", written(&action))]);
    let note = &findings[1];
    assert_eq!((note.text.as_str(), note.kind), ("Patch it.", Kind::Action));
}

#[test]
fn a_photo_nobody_wrote_about_keeps_its_description_its_tag_and_a_warning() {
    let (findings, warnings) = collected(&[]);
    assert_eq!(
        (findings[0].kind, findings[0].source),
        (Kind::Deficiency, Source::Input)
    );
    assert_eq!(findings[2].kind, Kind::Observation);
    let ids = warnings
        .iter()
        .map(|warning| (warning.code, warning.image_id.as_deref()));
    let own = WarningCode::OwnWords;
    assert_eq!(
        ids.collect::<Vec<_>>(),
        [(own, Some("a")), (own, Some("b")), (own, None)]
    );
}
