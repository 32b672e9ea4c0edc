//! Whatever the model answers, each photo stands once in each of its groups and no word of the engineer's is lost.

use super::*;

/// Numbers that look random and are the same in every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = self.0.wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % most
    }

    fn one_in(&mut self, most: usize) -> bool {
        self.below(most) == 0
    }
}

const GROUPS: [&str; 4] = ["Roof", "Élévation «nord»", "北側", "Yard  B"];

fn visit(chance: &mut Chance) -> Value {
    let mut visit = input(chance.below(12), json!({}));
    for image in visit["images"].as_array_mut().expect("images are a list") {
        let groups = GROUPS.iter().filter(|_| chance.one_in(3));
        image["group"] = groups.copied().collect();
        image["number"] = json!(chance.below(4));
        if chance.one_in(4) {
            image["description"] = json!("");
        }
    }
    let order = GROUPS.iter().filter(|_| chance.one_in(2));
    visit["groupOrder"] = order.rev().copied().collect();
    visit["bulletPoints"] = json!("Drain RD-2 was clear.\nKeep it short.");
    visit
}

/// An answer as it should be, with things left out, doubled, invented, emptied or put elsewhere.
fn spoilt(answer: Value, chance: &mut Chance) -> String {
    let mut answer = answer;
    for list in ["photos", "notes", "sections"] {
        let Some(items) = answer[list].as_array_mut() else {
            continue;
        };
        if chance.one_in(4) {
            items.pop();
        }
        if chance.one_in(4) {
            items.extend(items.first().cloned());
        }
        if chance.one_in(4) {
            let invented =
                json!({ "p": "p99", "n": "n99", "title": "x", "points": [], "items": [] });
            items.insert(0, invented);
        }
        for item in items {
            if chance.one_in(6) {
                item["points"] = json!([{ "text": " ** ", "kind": "praise", "spec": "s9" }]);
            }
            if let Some(ids) = item["items"].as_array_mut() {
                let by = chance.below(ids.len().max(1));
                ids.rotate_left(by);
            }
        }
    }
    let mut text = answer.to_string();
    if chance.one_in(6) {
        text.truncate(text.len() / 2);
    }
    text
}

/// Where each photo stands, by id and group.
fn places(report: &Value) -> Vec<(String, String)> {
    let mut places = Vec::new();
    for section in report["sections"].as_array().expect("sections are a list") {
        let observations = section["observations"].as_array();
        for observation in observations.expect("observations are a list") {
            assert_ne!(observation["text"], "", "an observation says something");
            for image in observation["images"].as_array().expect("images are a list") {
                let text = |name: &str| image[name].as_str().unwrap_or_default().to_owned();
                places.push((text("imageId"), text("group")));
            }
        }
    }
    places.sort_unstable();
    places
}

fn check(visit: &Value, report: &Value) {
    let text = report["text"].as_str().expect("a report has a text");
    let mut expected = Vec::new();
    for image in visit["images"].as_array().expect("images are a list") {
        let id = image["id"].as_str().unwrap_or_default();
        let groups = image["group"].as_array().expect("groups are a list");
        let mut groups: Vec<&str> = groups.iter().filter_map(Value::as_str).collect();
        if groups.is_empty() {
            groups.push("General Observations");
        }
        expected.extend(
            groups
                .iter()
                .map(|group| (id.to_owned(), (*group).to_owned())),
        );
        assert!(text.contains(image["description"].as_str().unwrap_or_default()));
    }
    expected.sort_unstable();
    assert_eq!(places(report), expected);
    for (_, group) in &expected {
        let of_group = |(_, other): &&(String, String)| other == group;
        let photos = expected.iter().filter(of_group).count();
        let tags = (1..100).filter(|number| text.contains(&format!("[IMAGE:{number}:{group}]")));
        assert_eq!(tags.count(), photos, "{group}: {text}");
    }
    let notes = report["notes"].as_array().expect("notes are a list").iter();
    let notes: Vec<&Value> = notes.map(|note| &note["text"]).collect();
    assert_eq!(notes, ["Drain RD-2 was clear.", "Keep it short."]);
}

#[test]
fn whatever_the_model_answers_each_photo_stands_once_in_each_of_its_groups() {
    for seed in 0..200 {
        let mut chance = Chance(seed);
        let visit = visit(&mut chance);
        let host = world(move |call| Some(completion(&spoilt(call.answer(), &mut chance))));
        check(&visit, &report(&host, visit.clone()));
    }
}
