use serde_json::{Value, json};

use crate::address::AddressPolicy;
use crate::grok::Spending;
use crate::handlers::generate_report::batch::{Passage, Point};
use crate::handlers::generate_report::draft::Draft;
use crate::handlers::generate_report::findings;
use crate::handlers::generate_report::formatting::Layout;
use crate::handlers::generate_report::visit::Visit;
use crate::handlers::generate_report::{document, plan};
use crate::report::{Formatting, FormattingMode, Kind, Status};
use crate::testing::{job, raw};

/// The text of a report in the engineer's order, with what the model wrote and summed up.
fn text(input: Value, written: Vec<Passage>, summary: &[&str]) -> String {
    let visit = Visit::read(&raw(&input), AddressPolicy::Public).expect("the input is good");
    let draft = Draft {
        passages: written,
        ..Draft::default()
    };
    let (findings, _) = findings::collect(&visit, &draft.passages);
    let mut outline = plan::deterministic(&findings);
    outline.summary = summary
        .iter()
        .map(|sentence| (*sentence).to_owned())
        .collect();
    let layout = Layout {
        outline,
        formatting: Formatting {
            mode: FormattingMode::Model,
            reason: None,
        },
        status: Status::Complete,
        repeats: 0,
    };
    let job = job("generate_report", json!({}));
    document::assemble(
        &visit,
        &draft,
        &findings,
        layout,
        &Spending::default(),
        &job,
    )
    .text
}

const SMALL_VISIT: &str = "\
FIELD REVIEW REPORT 2026-114-07 (DRAFT)
Alder Street Library
210 Alder Street

Date of visit:  2026-11-19, 09:30
Weather:        overcast, 4 °C
Client:         City Facilities
Contractor:     Harbour Roofing Ltd.
Crew on site:   5
Present:        M. Tran (Harbour Roofing Ltd.), S. Okafor
Areas reviewed: Roof Area B; North elevation
Not reviewed:   Roof Area C (no access)
Prepared by:    J. Lindqvist, EIT

SUMMARY
Two photographs were reviewed.
One side lap was open.

1. Roof
1.1 The lap was open over 300 mm. Bond was not tested. (Project Specification, 07 52 00) [IMAGE:2:Roof]
    Action: The Contractor was requested to patch the lap.
1.2 leaves in the strainer. [IMAGE:3:Roof]

2. General Observations
2.1 The Contractor was reminded about edge protection.
2.2 The lane was dry. [IMAGE:1:General Observations]

OPEN ITEMS
1.1 Open side lap (Contractor, open)
2.1 Edge protection (Contractor, open)

PHOTOGRAPHS
Photo 1 (Roof, no. 2): Side lap open, 300 mm
Photo 2 (Roof, no. 3): leaves in the strainer
Photo 3 (General Observations, no. 1)
";

#[test]
fn a_small_visit_reads_like_a_report() {
    let header = json!({
        "reportNo": "2026-114-07", "dateOfVisit": "2026-11-19", "timeOfVisit": "09:30",
        "weather": "overcast", "temperature": "4 °C", "client": "City Facilities",
        "contractor": "Harbour Roofing Ltd.", "crewSize": 5, "preparedBy": "J. Lindqvist, EIT",
        "attendees": [{ "name": "M. Tran", "company": "Harbour Roofing Ltd." }, { "name": "S. Okafor" }],
        "areasReviewed": ["Roof Area B", "North elevation"], "areasNotReviewed": ["Roof Area C (no access)"],
    });
    let url = "https://photos.test/1.jpg";
    let input = json!({
        "reportId": "6f0c2a9e-4f0b-4c56-9d0e-2b7f1f6a3c11",
        "projectId": "7f0c2a9e-4f0b-4c56-9d0e-2b7f1f6a3c11",
        "contractName": "Alder Street Library",
        "location": "210 Alder Street",
        "bulletPoints": "Remind them about edge protection",
        "header": header,
        "images": [
            { "id": "a", "url": url, "number": 1 },
            { "id": "b", "url": url, "number": 2, "group": "Roof", "description": "Side lap open,\n300 mm" },
            { "id": "c", "url": url, "number": 3, "group": "Roof", "description": "leaves in the strainer" },
        ],
        "specifications": [{ "id": "x", "document": "Project Specification", "section": "07 52 00" }],
    });
    let point = |kind, text: &str, spec: Option<&str>| Point {
        text: text.into(),
        kind,
        spec: spec.map(str::to_owned),
    };
    let about = |alias: &str, title: &str, points: Vec<Point>| Passage {
        alias: alias.into(),
        title: title.into(),
        points,
    };
    let action = "The Contractor was requested to patch the lap.";
    let reminder = "The Contractor was reminded about edge protection.";
    let on_lap = vec![
        point(
            Kind::Deficiency,
            "The lap was open over 300 mm.",
            Some("s1"),
        ),
        point(Kind::Verify, "Bond was not tested.", None),
        point(Kind::Action, action, None),
    ];
    let written = vec![
        about(
            "p1",
            "Lane",
            vec![point(Kind::Observation, "The lane was dry.", None)],
        ),
        about("p2", "Open side lap", on_lap),
        about(
            "n1",
            "Edge protection",
            vec![point(Kind::Action, reminder, None)],
        ),
    ];
    let summary = ["Two photographs were reviewed.", "One side lap was open."];
    assert_eq!(text(input, written, &summary), SMALL_VISIT);
}

#[test]
fn without_header_photos_and_summary_nothing_stands_empty() {
    let input = json!({
        "reportId": "6f0c2a9e-4f0b-4c56-9d0e-2b7f1f6a3c11",
        "projectId": "7f0c2a9e-4f0b-4c56-9d0e-2b7f1f6a3c11",
        "bulletPoints": "Drains to be cleared.",
    });
    let expected =
        "FIELD REVIEW REPORT (DRAFT)\n\n1. General Observations\n1.1 Drains to be cleared.\n";
    assert_eq!(text(input, Vec::new(), &[]), expected);
}
