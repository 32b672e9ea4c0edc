//! Photo numbers and groups, as the engineer gave them and completed where they are missing.

use super::output::{Warning, WarningCode};
use super::visit::Photo;

/// Where photos without a group go.
pub const GENERAL: &str = "General Observations";

/// A heading of the engineer's, or [`GENERAL`], and its photos by number.
#[derive(Debug, PartialEq, Eq)]
pub struct Group {
    /// As the engineer wrote it.
    pub name: String,
    /// Its photos; a photo in two groups is in both.
    pub photos: Vec<Placed>,
}

/// A photo in a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    /// Its place in the visit's photos.
    pub photo: usize,
    /// Its number in the group, which no other photo of the group has.
    pub number: u32,
}

/// Sorts photos into groups: those of `order` first, others as they appear, [`GENERAL`] last unless ordered.
pub fn group(photos: &[Photo], order: &[String], warnings: &mut Vec<Warning>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for (index, photo) in photos.iter().enumerate() {
        for name in names(photo) {
            let placed = Placed {
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
    let mut numbered: Vec<Placed> = Vec::new();
    let mut without = Vec::new();
    for placed in std::mem::take(&mut group.photos) {
        match placed.number > 0 && !is_taken(&numbered, placed.number) {
            true => insert(&mut numbered, placed),
            false => without.push(placed),
        }
    }
    for Placed { photo, number } in without {
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
            Placed {
                photo,
                number: free,
            },
        );
    }
    group.photos = numbered;
}

fn is_taken(numbered: &[Placed], number: u32) -> bool {
    numbered.iter().any(|placed| placed.number == number)
}

fn insert(numbered: &mut Vec<Placed>, placed: Placed) {
    let place = numbered.partition_point(|other| other.number < placed.number);
    numbered.insert(place, placed);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handlers::generate_report::tests::photo;

    /// Photos by their groups, separated by commas, and their numbers, 0 for none.
    fn photos(given: &[(&str, u32)]) -> Vec<Photo> {
        let photos = given.iter().zip(1..);
        photos
            .map(|((groups, number), index)| Photo {
                groups: groups
                    .split(',')
                    .filter(|name| !name.is_empty())
                    .map(str::to_owned)
                    .collect(),
                number: (*number > 0).then_some(*number),
                ..photo(index)
            })
            .collect()
    }

    /// Each group as its name, then photo and number of each of its photos; and the warnings.
    fn check(
        given: &[(&str, u32)],
        order: &[&str],
        expected: &[&str],
        warned: &[(WarningCode, &str)],
    ) {
        let order: Vec<String> = order.iter().map(|name| (*name).to_owned()).collect();
        let mut warnings = Vec::new();
        let groups = group(&photos(given), &order, &mut warnings);
        let shown = groups.iter().map(|group| {
            let photos = group.photos.iter();
            photos.fold(group.name.clone(), |text, placed| {
                format!("{text} p{}={}", placed.photo + 1, placed.number)
            })
        });
        assert_eq!(shown.collect::<Vec<_>>(), expected);
        let codes = warnings
            .iter()
            .map(|warning| (warning.code, warning.image_id.as_deref().unwrap_or("")));
        assert_eq!(codes.collect::<Vec<_>>(), warned);
    }

    #[test]
    fn groups_follow_the_order_given_then_their_first_photo_and_the_general_one_is_last() {
        let given = [("", 1), ("Wall", 1), ("Roof", 1), ("Yard", 1)];
        check(
            &given,
            &[],
            &[
                "Wall p2=1",
                "Roof p3=1",
                "Yard p4=1",
                "General Observations p1=1",
            ],
            &[],
        );
        check(
            &given,
            &["Yard", "Attic", "Roof"],
            &[
                "Yard p4=1",
                "Roof p3=1",
                "Wall p2=1",
                "General Observations p1=1",
            ],
            &[],
        );
        check(
            &given[..2],
            &["General Observations"],
            &["General Observations p1=1", "Wall p2=1"],
            &[],
        );
    }

    #[test]
    fn photos_stand_by_number_and_in_every_group_they_name() {
        check(
            &[("Roof", 3), ("Roof,Wall", 1)],
            &[],
            &["Roof p2=1 p1=3", "Wall p2=1"],
            &[],
        );
    }

    #[test]
    fn missing_and_doubled_numbers_become_the_next_free_one_with_a_warning() {
        check(
            &[
                ("Roof", 1),
                ("Roof", 0),
                ("Roof", 2),
                ("Roof", 2),
                ("Roof", 4),
            ],
            &[],
            &["Roof p1=1 p3=2 p2=3 p5=4 p4=5"],
            &[
                (WarningCode::MissingNumber, "photo-2"),
                (WarningCode::DuplicateNumber, "photo-4"),
            ],
        );
        check(
            &[("Roof,Wall", 1), ("Wall", 1)],
            &[],
            &["Roof p1=1", "Wall p1=1 p2=2"],
            &[(WarningCode::DuplicateNumber, "photo-2")],
        );
    }
}
