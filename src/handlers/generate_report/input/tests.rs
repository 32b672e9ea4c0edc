use serde_json::{Value, json};

use crate::address::{AddressError, AddressPolicy};
use crate::error::JobError;
use crate::grok::Effort;
use crate::handlers::generate_report::visit::{ImageTransport, Style, Visit};
use crate::report::WarningCode;
use crate::testing::raw;

/// The least a visit needs, changed by `change`; a key set to null is taken away.
fn input(change: Value) -> Value {
    let mut input = json!({
        "reportId": "6f0c2a9e-4f0b-4c56-9d0e-2b7f1f6a3c11",
        "projectId": "7f0c2a9e-4f0b-4c56-9d0e-2b7f1f6a3c11",
        "bulletPoints": "Membrane complete.",
    });
    for (key, value) in change.as_object().expect("a change is an object") {
        input[key] = value.clone();
    }
    input
}

fn visit_of(input: Value) -> Result<Visit, JobError> {
    Visit::read(&raw(&input), AddressPolicy::Public)
}

fn visit(change: Value) -> Visit {
    visit_of(input(change)).expect("the input is good")
}

#[test]
fn the_least_a_visit_needs_has_sensible_defaults() {
    let visit = visit(json!({}));
    assert_eq!(visit.notes[0].text, "Membrane complete.");
    assert!(visit.photos.is_empty() && visit.groups.is_empty() && visit.warnings.is_empty());
    assert_eq!(visit.style, Style::Brief);
    let settings = visit.settings;
    assert_eq!((settings.batch_size, settings.effort), (5, Effort::Low));
    assert_eq!(settings.image_transport, ImageTransport::Base64);
    assert_eq!((settings.language.as_str(), settings.model), ("en", None));
    assert!(settings.final_formatting && settings.write_report && !settings.reuse);
}

#[test]
fn bad_input_is_refused_for_good_and_the_field_is_named() {
    let image = json!({ "url": "https://photos.test/1.jpg" });
    let refused = |change: Value, expected: &str| match visit_of(input(change)) {
        Err(JobError::Permanent { message }) => {
            assert_eq!(message, format!("input_data.{expected}"))
        }
        other => panic!("{other:?} should be: {expected}"),
    };
    refused(
        json!({ "reportId": null }),
        "reportId: is missing, expected a uuid",
    );
    refused(
        json!({ "reportId": "library" }),
        "reportId: expected a uuid",
    );
    refused(
        json!({ "projectId": null }),
        "projectId: is missing, expected a uuid",
    );
    refused(json!({ "projectId": "" }), "projectId: expected a uuid");
    refused(
        json!({ "bulletPoints": null }),
        "bulletPoints: is missing, expected the engineer's notes",
    );
    refused(
        json!({ "bulletPoints": " \n- \n" }),
        "bulletPoints: is empty and there are no images, expected notes or images to write about",
    );
    let address = "expected an address that starts with https://";
    for url in [
        "ftp://photos.test/1.jpg",
        "data:image/png;base64,AA",
        "/1.jpg",
    ] {
        let images = json!([image, { "url": url }]);
        refused(
            json!({ "images": images }),
            &format!("images[1].url: {address}"),
        );
    }
    let missing = "is missing, expected an address, or a bucket and a path instead of it";
    for nowhere in [
        json!({}),
        json!({ "url": " " }),
        json!({ "bucket": "photos" }),
        json!({ "path": "1.jpg" }),
    ] {
        let images = json!([image, image, nowhere]);
        refused(
            json!({ "images": images }),
            &format!("images[2].url: {missing}"),
        );
    }
    let images = json!([{ "bucket": "photos/secret", "path": "1.jpg" }]);
    let bucket = "images[0].bucket: expected the name of a bucket";
    refused(json!({ "images": images }), bucket);
    for path in [
        "../secrets/1.jpg",
        "north/../../1.jpg",
        "/1.jpg",
        "north//1.jpg",
        "./1.jpg",
        " 1.jpg",
    ] {
        let images = json!([{ "bucket": "photos", "path": path }]);
        let expected = "images[0].path: expected a path in the bucket, without spaces around it, empty parts, `.`, \
            `..`, backslashes and what looks like or stands for them";
        refused(json!({ "images": images }), expected);
    }
    refused(
        json!({ "images": vec![image.clone(); 201] }),
        "images: 201 images, expected at most 200; split the visit into several reports",
    );
    for size in [0, 21] {
        let options = json!({ "batchSize": size });
        refused(
            json!({ "options": options }),
            "options.batchSize: expected a whole number from 1 to 20",
        );
    }
    refused(
        json!({ "options": { "maxCostUsd": -1 } }),
        "options.maxCostUsd: expected US dollars, 0 for no limit",
    );
    let name = "expected a model's name: at most 64 letters, digits, dots, dashes";
    refused(
        json!({ "options": { "model": "grok\" }" } }),
        &format!("options.model: {name}"),
    );
    refused(
        json!({ "imagesWithNumbering": [{}] }),
        &format!("imagesWithNumbering[0].url: {missing}"),
    );
}

#[test]
fn what_callers_leave_open_is_settled() {
    let images = json!([
        { "url": "https://photos.test/1.jpg", "number": 2, "group": ["Roof", " Roof ", ""], "rotation": -90 },
        { "bucket": "photos", "path": "2.jpg", "id": "b", "group": "ungrouped", "number": 0, "rotation": 450.0 },
        { "url": "HTTPS://photos.test/3.jpg", "id": "c", "group": null, "description": " two\nlines ", "tag": null },
    ]);
    let visit = visit(json!({ "images": images, "unknown": [1], "header": null, "options": null }));
    let photos = &visit.photos;
    assert_eq!(
        photos
            .iter()
            .map(|photo| photo.alias.as_str())
            .collect::<Vec<_>>(),
        ["p1", "p2", "p3"]
    );
    assert_eq!(
        photos
            .iter()
            .map(|photo| photo.id.as_str())
            .collect::<Vec<_>>(),
        ["image-1", "b", "c"]
    );
    assert_eq!(
        photos
            .iter()
            .map(|photo| photo.rotation)
            .collect::<Vec<_>>(),
        [270, 90, 0]
    );
    assert_eq!(photos[0].groups, ["Roof"]);
    assert!(photos[1].groups.is_empty() && photos[2].groups.is_empty());
    assert_eq!(photos[1].number, None);
    assert_eq!(photos[2].description, "two\nlines");
}

#[test]
fn an_address_with_a_space_is_read_as_browsers_read_it() {
    let images = json!([{ "url": "https://photos.test/my photo.jpg" }]);
    let photos = visit(json!({ "images": images })).photos;
    let read = "https://photos.test/my%20photo.jpg";
    assert_eq!(photos[0].url.as_deref(), Some(read));
}

#[test]
fn a_photo_whose_address_is_not_called_costs_no_more_than_itself() {
    let urls = [
        ("http://photos.test/1.jpg", AddressError::Scheme),
        ("https://", AddressError::Host),
        ("https://a b/1.jpg", AddressError::Host),
        ("https://bücher.test/1.jpg", AddressError::Host),
        ("https://10.0.0.1/1.jpg", AddressError::Private),
        (
            "https://me:secret@photos.test/1.jpg",
            AddressError::Credentials,
        ),
    ];
    for (url, error) in urls {
        let images = json!([{ "url": url }, { "url": url, "bucket": "photos", "path": "1.jpg" }]);
        for photo in visit(json!({ "images": images })).photos {
            assert_eq!((photo.url, photo.url_error), (None, Some(error)), "{url}");
        }
    }
}

#[test]
fn photos_may_come_under_either_name_and_the_numbered_ones_win() {
    let image = |id: &str| json!({ "id": id, "url": "https://photos.test/1.jpg", "number": 1 });
    let ids = |change| {
        let ids = visit(change).photos.into_iter().map(|photo| photo.id);
        ids.collect::<Vec<_>>()
    };
    assert_eq!(ids(json!({ "imagesWithNumbering": [image("a")] })), ["a"]);
    assert_eq!(
        ids(json!({ "imagesWithNumbering": [image("a")], "images": [image("b")] })),
        ["a"]
    );
    assert_eq!(
        ids(json!({ "imagesWithNumbering": [], "images": [image("b")] })),
        ["b"]
    );
}

#[test]
fn notes_are_the_lines_that_say_something_without_their_bullets() {
    let notes = |text: &str| {
        let notes = visit(json!({ "bulletPoints": text })).notes.into_iter();
        notes
            .map(|note| format!("{} {}", note.alias, note.text))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        notes("one\r\n\r\n - two\n*\n• three "),
        ["n1 one", "n2 two", "n3 three"]
    );
    assert_eq!(
        notes("-5 °C at noon\n**bold** start"),
        ["n1 -5 °C at noon", "n2 **bold** start"]
    );
}

#[test]
fn a_header_takes_numbers_and_lists_as_forms_send_them() {
    let header = json!({
        "reportNo": 7, "crewSize": 5, "weather": " dry ", "areasReviewed": "Roof", "distribution": ["A", "", "B"],
        "attendees": [{ "name": "M. Tran" }], "permitNo": null,
    });
    let header = visit(json!({ "header": header })).header;
    assert_eq!(
        (header.report_no.as_str(), header.crew_size.as_str()),
        ("7", "5")
    );
    assert_eq!(
        (header.weather.as_str(), header.permit_no.as_str()),
        ("dry", "")
    );
    assert_eq!(header.areas_reviewed, ["Roof"]);
    assert_eq!(header.distribution, ["A", "B"]);
    assert_eq!(
        (
            header.attendees[0].name.as_str(),
            header.attendees[0].company.as_str()
        ),
        ("M. Tran", "")
    );
}

#[test]
fn options_without_effect_and_unknown_images_are_warned_of() {
    let codes = |change| {
        let warnings = visit(change).warnings.into_iter();
        warnings
            .map(|warning| (warning.code, warning.image_id))
            .collect::<Vec<_>>()
    };
    let ignored = [
        json!({ "baseUrl": "https://elsewhere.test" }),
        json!({ "apiStyle": "responses", "transport": "deferred" }),
        json!({ "transport": "batch" }),
    ];
    for options in ignored {
        assert_eq!(
            codes(json!({ "options": options })),
            [(WarningCode::OptionIgnored, None)]
        );
    }
    let defaults = json!({ "baseUrl": "", "apiStyle": "chat", "transport": "sync", "maxCostUsd": 0, "model": "" });
    assert_eq!(codes(json!({ "options": defaults })), []);
    let specifications = json!([{ "id": "s", "imageIds": ["nobody"] }]);
    assert_eq!(
        codes(json!({ "specifications": specifications })),
        [(WarningCode::UnknownImage, Some("nobody".into()))]
    );
}

#[test]
fn an_image_listed_twice_is_one_photo_and_differences_make_two() {
    let image = |change: Value| {
        let mut image = json!({
            "id": "a", "url": "https://photos.test/1.jpg?token=1", "group": "Roof", "description": "lap",
        });
        for (key, value) in change.as_object().expect("a change is an object") {
            image[key] = value.clone();
        }
        image
    };
    let check = |change: Value, photos: &[&str], warned: &[WarningCode]| {
        let visit = visit(json!({ "images": [image(json!({ "number": 1 })), image(change)] }));
        let aliases = visit.photos.iter().map(|photo| photo.alias.as_str());
        assert_eq!(aliases.collect::<Vec<_>>(), photos);
        let codes = visit.warnings.iter().map(|warning| warning.code);
        assert_eq!(codes.collect::<Vec<_>>(), warned);
    };
    let signed_anew = json!({ "url": "https://photos.test/1.jpg?token=2" });
    check(signed_anew, &["p1"], &[WarningCode::DuplicateImage]);
    let number = |group: &str| json!({ "group": group, "number": 2 });
    check(number("Wall"), &["p1", "p2"], &[]);
    check(
        json!({ "description": "drain", "number": 2 }),
        &["p1", "p2"],
        &[],
    );
    check(json!({ "id": "b", "number": 2 }), &["p1", "p2"], &[]);
}

#[test]
fn groups_are_called_what_the_engineer_calls_them() {
    let images = json!([
        { "url": "https://photos.test/1.jpg", "group": [" Toiture  «Est» \u{200d}— 北 ", "Roof\nB"], "number": 1 },
    ]);
    let order = ["Roof\nB", "Toiture  «Est» \u{200d}— 北"];
    let visit = visit(json!({ "images": images, "groupOrder": order }));
    let names = visit.groups.iter().map(|group| group.name.as_str());
    let expected = ["Roof B", "Toiture  «Est» \u{200d}— 北"];
    assert_eq!(names.collect::<Vec<_>>(), expected);
    assert_eq!(visit.warnings, []);
}

#[test]
fn a_group_without_photos_is_warned_of() {
    let images = json!([{ "url": "https://photos.test/1.jpg", "group": "Roof", "number": 1 }]);
    let order = ["Attic", "Roof", "General Observations"];
    let visit = visit(json!({ "images": images, "groupOrder": order }));
    let codes = visit.warnings.iter().map(|warning| warning.code);
    assert_eq!(codes.collect::<Vec<_>>(), [WarningCode::EmptyGroup]);
}
