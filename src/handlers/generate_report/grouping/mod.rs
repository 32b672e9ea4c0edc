//! Photo numbers and groups, as the engineer gave them and completed where they are missing.

#[cfg(test)]
mod tests;

use super::visit::{Group, Photo, Placement};
use crate::report::{Warning, WarningCode};

/// Where photos without a group go.
pub const GENERAL: &str = "General Observations";

/// Sorts photos into groups: those of `order` first, others as they appear, [`GENERAL`] last unless ordered.
pub fn group(photos: &[Photo], order: &[String], warnings: &mut Vec<Warning>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for (index, photo) in photos.iter().enumerate() {
        for name in names(photo) {
            let placed = Placement {
                photo: index,
                number: photo.number.unwrap_or(0),
            };
            match groups.iter_mut().find(|group| group.name == name) {
                Some(group) => group.photos.push(placed),
                None => groups.push(Group {
                    name: name.to_owned(),
                    photos: vec![placed],
                }),
            }
        }
    }
    if let Some(general) = groups.iter().position(|group| group.name == GENERAL) {
        let general = groups.remove(general);
        groups.push(general);
    }
    for group in &mut groups {
        complete_numbers(group, photos, warnings);
    }
    ordered(groups, order, |group| &group.name)
}

/// Puts what is called by the names of `order` first and in that order; the rest stays as it is.
pub fn ordered<T>(mut items: Vec<T>, order: &[String], name: impl Fn(&T) -> &str) -> Vec<T> {
    let mut first = Vec::new();
    for ordered in order {
        while let Some(place) = items.iter().position(|item| name(item) == ordered) {
            first.push(items.remove(place));
        }
    }
    first.extend(items);
    first
}

fn names(photo: &Photo) -> Vec<&str> {
    match photo.groups.as_slice() {
        [] => vec![GENERAL],
        groups => groups.iter().map(String::as_str).collect(),
    }
}

/// The first photo to claim a number keeps it; the others get the smallest that is free. Then sorts by number.
fn complete_numbers(group: &mut Group, photos: &[Photo], warnings: &mut Vec<Warning>) {
    let mut numbered: Vec<Placement> = Vec::new();
    let mut without = Vec::new();
    for placed in std::mem::take(&mut group.photos) {
        match placed.number > 0 && !is_taken(&numbered, placed.number) {
            true => insert(&mut numbered, placed),
            false => without.push(placed),
        }
    }
    for Placement { photo, number } in without {
        let free = (1..).find(|free| !is_taken(&numbered, *free)).unwrap_or(0);
        let (code, message) = match number {
            0 => (
                WarningCode::MissingNumber,
                format!("has no number in {}; got {free}", group.name),
            ),
            taken => (
                WarningCode::DuplicateNumber,
                format!(
                    "has number {taken} in {} like another photo; got {free}",
                    group.name
                ),
            ),
        };
        warnings.push(Warning::about(code, &photos[photo].id, message));
        insert(
            &mut numbered,
            Placement {
                photo,
                number: free,
            },
        );
    }
    group.photos = numbered;
}

fn is_taken(numbered: &[Placement], number: u32) -> bool {
    numbered.iter().any(|placed| placed.number == number)
}

fn insert(numbered: &mut Vec<Placement>, placed: Placement) {
    let place = numbered.partition_point(|other| other.number < placed.number);
    numbered.insert(place, placed);
}
