//! What stands in a document.

use serde_json::{Value, json};

use super::world::{World, input, report, visit};

fn text(report: Value, template: Value) -> String {
    let mut input = input("md", report);
    input["template"] = template;
    let world = World::new();
    world.run(input).expect("a result");
    let (file, _) = world.stored("out/visits/7/report.md");
    String::from_utf8(file).expect("text")
}

#[test]
fn a_draft_says_so_and_one_that_is_issued_does_not() {
    let draft = text(visit("grouped"), json!({}));
    assert!(draft.starts_with("**DRAFT**\n"), "{draft}");
    assert!(draft.contains("**To be reviewed by:**"));
    let issued = text(visit("grouped"), json!({ "status": "issued" }));
    assert!(issued.starts_with("# Field Review Report"), "{issued}");
    assert!(issued.contains("**Reviewed by:**"));
}

#[test]
fn the_labels_are_in_the_language_that_is_asked_for() {
    let text = text(visit("grouped"), json!({ "language": "fr" }));
    for label in [
        "Rapport de visite",
        "## Zones non visitées",
        "Mesure à prendre :",
        "En suspens",
    ] {
        assert!(text.contains(label), "{label}");
    }
    for label in ["Field Review", "Action:", "Open Items", "| Contractor |"] {
        assert!(!text.contains(label), "{label}");
    }
}

#[test]
fn no_tag_for_a_photograph_is_left_in_any_text() {
    let mut report = visit("grouped");
    let observation = &mut report["sections"][0]["observations"][0];
    observation["text"] = json!("As in [IMAGE:1:Flashings] and [IMAGE:9:Nowhere], see [IMAGE:");
    report["actions"][0]["text"] = json!("Mend what is in [IMAGE:2:Perimeter Sealant].");
    report["summary"] = json!(["One [IMAGE:1:Roof]"]);
    let text = text(report, json!({ "intent": "See [IMAGE:1:Roof]" }));
    assert!(text.contains("As in Photo 4 and, see"), "{text}");
    assert!(text.contains("Mend what is in Photo 1."), "{text}");
    assert!(!text.contains("IMAGE:"), "{text}");
}

#[test]
fn a_deficiency_without_an_action_is_among_the_open_items_and_a_photograph_twice_is_once() {
    let text = text(visit("grouped"), json!({}));
    assert!(text.contains("| 3.4, 5.1 |"), "{text}");
    assert!(text.contains("| 2.2 | Flat sill flashing |"), "{text}");
}

#[test]
fn the_firms_own_words_stand_in_their_places_with_addresses_as_links() {
    let template = json!({
        "intent": "First.\n\nSecond, see https://x.test/a?b=1.",
        "limitations": "Not all was seen.",
    });
    let text = text(report(), template);
    assert!(text.contains("## Intent of the Review\n\nFirst.\n\nSecond"));
    assert!(
        text.contains("[https://x.test/a?b=1](<https://x.test/a?b=1>)."),
        "{text}"
    );
    assert!(text.contains("## Limitations\n\nNot all was seen."));
}

#[test]
fn what_remains_to_be_checked_has_a_list_of_its_own() {
    let mut report = report();
    report["sections"][0]["observations"][0]["kind"] = json!("verify");
    let text = text(report, json!({}));
    assert!(text.contains("## Items to Verify\n\n- 1"), "{text}");
}
