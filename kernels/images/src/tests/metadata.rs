//! What cameras write is read, acted upon, and left behind.

use super::files::{BLUE, Extras, GREEN, RED, WHITE, exif, jpeg, webp};
use super::{assert_alike, order, quarters};
use crate::order::{GpsPosition, Order};
use crate::process::process;

/// How the quarters of the file are shown under each orientation.
const SHOWN: [[[u8; 3]; 4]; 8] = [
    [RED, GREEN, BLUE, WHITE],
    [GREEN, RED, WHITE, BLUE],
    [WHITE, BLUE, GREEN, RED],
    [BLUE, WHITE, RED, GREEN],
    [RED, BLUE, GREEN, WHITE],
    [BLUE, RED, WHITE, GREEN],
    [WHITE, GREEN, BLUE, RED],
    [GREEN, WHITE, RED, BLUE],
];

fn held(orientation: u16) -> Vec<u8> {
    let exif = Some(exif(orientation));
    jpeg(
        (300, 200),
        &Extras {
            exif,
            ..Extras::default()
        },
    )
}

#[test]
fn every_orientation_is_baked_in() {
    for (orientation, shown) in (1..).zip(SHOWN) {
        let file = held(orientation);
        for max_edge in [300, 120] {
            assert_alike(
                quarters(&file, &order(max_edge)),
                shown,
                &orientation.to_string(),
            );
        }
        let processed = process(&file, &order(150)).expect("a photograph");
        let expected = if orientation < 5 {
            (300, 200)
        } else {
            (200, 300)
        };
        assert_eq!((processed.source.width, processed.source.height), expected);
        let variant = processed.variants[0].0;
        assert_eq!(
            (variant.width, variant.height),
            (expected.0 / 2, expected.1 / 2)
        );
    }
}

#[test]
fn a_rotation_comes_on_top_and_the_source_is_told_as_it_is_shown_without() {
    let turned = Order {
        rotation: 90,
        ..order(300)
    };
    // Upright after a turn to the right, it is turned once more.
    assert_alike(quarters(&held(6), &turned), SHOWN[2], "6 and 90");
    let back = Order {
        rotation: 270,
        ..order(300)
    };
    assert_alike(quarters(&held(6), &back), SHOWN[0], "6 and 270");
    let processed = process(&held(1), &turned).expect("a photograph");
    assert_eq!(
        (processed.source.width, processed.source.height),
        (300, 200)
    );
    assert_eq!(processed.variants[0].0.width, 200);
}

#[test]
fn a_webp_is_turned_too() {
    let color = image_webp::ColorType::Rgb8;
    let plain = webp((300, 200), color, Some(exif(6)));
    assert_alike(quarters(&plain, &order(150)), SHOWN[5], "WebP");
    let marked = [b"Exif\0\0", &exif(6)[..]].concat();
    let marked = webp((300, 200), color, Some(marked));
    assert_alike(quarters(&marked, &order(150)), SHOWN[5], "WebP with a mark");
}

#[test]
fn the_time_is_told_and_the_place_only_to_who_asks() {
    let file = held(1);
    let source = |wants_gps| {
        let order = Order {
            wants_gps,
            ..Order::default()
        };
        process(&file, &order).expect("a photograph").source
    };
    assert_eq!(
        source(false).taken_at.as_deref(),
        Some("2026-05-01T10:20:30-07:00")
    );
    assert_eq!(source(false).gps, None);
    let place = GpsPosition {
        latitude: 49.275,
        longitude: -123.12,
    };
    assert_eq!(source(true).gps, Some(place));
}

#[test]
fn nothing_the_camera_wrote_is_in_a_variant() {
    let order = Order {
        wants_gps: true,
        ..order(300)
    };
    let processed = process(&held(6), &order).expect("a photograph");
    let file = &processed.variants[0].1;
    let holds = |text: &[u8]| file.windows(text.len()).any(|window| window == text);
    assert!(!holds(b"Exif") && !holds(b"2026:05:01"));
}
