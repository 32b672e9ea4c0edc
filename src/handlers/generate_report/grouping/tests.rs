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
fn check(given: &[(&str, u32)], order: &[&str], expected: &[&str], warned: &[(WarningCode, &str)]) {
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
