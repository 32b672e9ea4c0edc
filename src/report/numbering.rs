//! The numbers of a report: where sections, observations and photos stand in it.

use std::mem;

use super::Report;

impl Report {
    /// Numbers everything by its place: photos in the order the observations first speak of them. What refers to an
    /// observation or a photo follows it, so observations and photos need to be told apart before, by any numbers.
    pub fn number(&mut self) {
        let mut observations = Vec::new();
        let mut photos = Vec::new();
        for (section, number) in self.sections.iter_mut().zip(1..) {
            section.id = format!("section-{number}");
            section.number = format!("{number}.");
            for (observation, point) in section.observations.iter_mut().zip(1..) {
                let number = format!("{number}.{point}");
                let known = mem::replace(&mut observation.number, number.clone());
                observations.push((known, number));
                for image in &mut observation.images {
                    image.photo = number_of(&mut photos, image.photo);
                }
            }
        }
        for photo in &mut self.photos {
            photo.photo = number_of(&mut photos, photo.photo);
        }
        let mut unordered = mem::take(&mut self.photos);
        for number in 1..=photos.len() as u32 {
            let numbered = unordered.extract_if(.., |photo| photo.photo == number);
            self.photos.extend(numbered);
        }
        for reference in self
            .notes
            .iter_mut()
            .filter_map(|note| note.observation.as_mut())
        {
            if let Some((_, number)) = observations.iter().find(|(known, _)| known == reference) {
                reference.clone_from(number);
            }
        }
        let mut actions = mem::take(&mut self.actions);
        for (known, number) in &observations {
            for mut action in actions.extract_if(.., |action| action.observation == *known) {
                action.observation.clone_from(number);
                self.actions.push(action);
            }
        }
        self.actions.append(&mut actions);
    }
}

/// The number of what was known by another: its place among those that were asked for so far.
fn number_of(known: &mut Vec<u32>, number: u32) -> u32 {
    let place = known.iter().position(|known| *known == number);
    let place = place.unwrap_or_else(|| {
        known.push(number);
        known.len() - 1
    });
    place as u32 + 1
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// A report that was read again.
    fn finished() -> Report {
        let text = include_str!("../../tests/reports/grouped/result.json");
        let mut report: Value = serde_json::from_str(text).expect("JSON");
        report["text"] = json!("");
        serde_json::from_value(report).expect("a finished report can be read")
    }

    /// Which observation each action and each note refers to, by its id.
    fn references(report: &Report) -> Vec<(String, String)> {
        let observations = || {
            report
                .sections
                .iter()
                .flat_map(|section| &section.observations)
        };
        let id = |number: &str| {
            let found = observations().find(|observation| observation.number == number);
            found.expect("it refers to an observation").id.clone()
        };
        let actions = report
            .actions
            .iter()
            .map(|action| (action.text.clone(), id(&action.observation)));
        let notes = report
            .notes
            .iter()
            .filter_map(|note| Some((note.text.clone(), id(note.observation.as_ref()?))));
        let mut references: Vec<_> = actions.chain(notes).collect();
        references.sort_unstable();
        references
    }

    #[test]
    fn numbering_a_finished_report_again_changes_nothing() {
        let mut report = finished();
        report.number();
        assert_eq!(json!(report), json!(finished()));
    }

    #[test]
    fn what_refers_to_an_observation_or_a_photo_follows_it_to_its_new_place() {
        let mut report = finished();
        assert!(report.actions.len() > 1 && report.sections.len() > 1);
        report.sections.reverse();
        report.number();
        assert_eq!(references(&report), references(&finished()));
        let numbers = report
            .actions
            .iter()
            .map(|action| action.observation.as_str());
        assert!(
            numbers.is_sorted(),
            "actions stand in the order of the observations"
        );
        assert_eq!(report.sections[0].observations[0].number, "1.1");
        let observations = report
            .sections
            .iter()
            .flat_map(|section| &section.observations);
        let images: Vec<_> = observations
            .flat_map(|observation| &observation.images)
            .collect();
        assert_eq!(images[0].photo, 1, "photos are numbered as they come up");
        for image in images {
            assert_eq!(
                report.photos[image.photo as usize - 1].image_id,
                image.image_id
            );
        }
    }

    #[test]
    fn a_report_of_another_shape_is_not_read() {
        let mut report = json!(finished());
        report["schema"] = json!("report/2");
        assert!(serde_json::from_value::<Report>(report).is_err());
    }
}
