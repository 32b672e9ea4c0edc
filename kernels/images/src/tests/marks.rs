//! What is covered and what is drawn.

use super::files::{Extras, RED, jpeg, jpeg_of};
use super::{decoded, order};
use crate::order::{Annotation, Order, Position, Rectangle, VariantOrder};
use crate::process::process;

const AT: fn(f32, f32) -> Position = |x, y| Position { x, y };

/// Whether a variant's pixel at a place, in parts of the sides, is near a colour.
fn is_colored(file: &[u8], (x, y): (f32, f32), color: [u8; 3]) -> bool {
    let (width, pixels) = decoded(file);
    let height = pixels.len() / width;
    let at = (y * height as f32) as usize * width + (x * width as f32) as usize;
    pixels[at]
        .iter()
        .zip(color)
        .all(|(found, wanted)| found.abs_diff(wanted) < 40)
}

fn annotated(is_annotated: bool) -> VariantOrder {
    VariantOrder {
        is_annotated,
        ..order(400).variants.remove(0)
    }
}

fn grey_photo() -> Vec<u8> {
    jpeg_of(
        &vec![128; 600 * 400],
        (600, 400),
        jpeg_encoder::ColorType::Luma,
        &Extras::default(),
    )
}

#[test]
fn what_is_redacted_is_black_in_every_size_and_nothing_of_it_shines_through() {
    let rectangle = Rectangle {
        x: 0.1,
        y: 0.1,
        width: 0.2,
        height: 0.2,
    };
    let file = jpeg((1_200, 800), &Extras::default());
    for max_edge in [1_200, 600, 150, 40] {
        let order = Order {
            redact: vec![rectangle],
            ..order(max_edge)
        };
        let processed = process(&file, &order).expect("a photograph");
        let variant = &processed.variants[0].1;
        for place in [(0.11, 0.11), (0.29, 0.11), (0.2, 0.2), (0.11, 0.29)] {
            assert!(is_colored(variant, place, [0; 3]), "{max_edge}, {place:?}");
        }
        assert!(is_colored(variant, (0.4, 0.4), RED), "{max_edge}");
    }
}

#[test]
fn a_rectangle_covers_what_is_shown_there_however_the_camera_was_held() {
    let rectangle = Rectangle {
        x: 0.0,
        y: 0.0,
        width: 0.25,
        height: 0.25,
    };
    let exif = Some(super::files::exif(6));
    let file = jpeg(
        (600, 400),
        &Extras {
            exif,
            ..Extras::default()
        },
    );
    let order = Order {
        redact: vec![rectangle],
        rotation: 90,
        ..order(300)
    };
    let processed = process(&file, &order).expect("a photograph");
    let variant = &processed.variants[0].1;
    assert!(is_colored(variant, (0.1, 0.1), [0; 3]));
    assert!(!is_colored(variant, (0.4, 0.1), [0; 3]));
}

#[test]
fn annotations_are_drawn_where_they_belong_and_into_annotated_variants_only() {
    let arrow = Annotation::Arrow {
        from: AT(0.1, 0.5),
        to: AT(0.4, 0.5),
        color: Some("#0000ff".into()),
    };
    let circle = Annotation::Circle {
        center: AT(0.75, 0.5),
        radius: 0.1,
        color: None,
    };
    let order = Order {
        annotations: vec![arrow, circle],
        variants: vec![annotated(true), annotated(false)],
        ..Order::default()
    };
    let processed = process(&grey_photo(), &order).expect("a photograph");
    let [(_, drawn), (_, plain)] = &processed.variants[..] else {
        panic!("two variants");
    };
    let red = [229, 57, 53];
    assert!(is_colored(drawn, (0.25, 0.5), [0, 0, 255]));
    assert!(is_colored(drawn, (0.65, 0.5), red) && is_colored(drawn, (0.85, 0.5), red));
    assert!(is_colored(drawn, (0.75, 0.35), red));
    assert!(is_colored(drawn, (0.75, 0.5), [128; 3]));
    for place in [(0.25, 0.5), (0.65, 0.5)] {
        assert!(is_colored(plain, place, [128; 3]), "{place:?}");
    }
}

#[test]
fn words_stand_in_a_box_that_is_moved_inside() {
    let text = Annotation::Text {
        at: AT(0.99, 0.99),
        text: "crack é 漢".into(),
        color: None,
    };
    let order = Order {
        annotations: vec![text],
        variants: vec![annotated(true)],
        ..Order::default()
    };
    let processed = process(&grey_photo(), &order).expect("a photograph");
    let (width, pixels) = decoded(&processed.variants[0].1);
    let changed: Vec<usize> = (0..pixels.len())
        .filter(|at| pixels[*at][0].abs_diff(128) > 40)
        .collect();
    let columns: Vec<usize> = changed.iter().map(|at| at % width).collect();
    let widest = columns.iter().max().zip(columns.iter().min());
    let (most, least) = widest.expect("something is drawn");
    assert!(
        most - least > 120 && *most >= width - 4,
        "{least} to {most}"
    );
}

#[test]
fn odd_annotations_do_no_harm() {
    let odd = [-5.0, 0.0, 1.0, 99.0, f32::NAN, f32::INFINITY];
    for (x, y) in odd.iter().flat_map(|x| odd.iter().map(move |y| (*x, *y))) {
        let color = Some("no colour".to_owned());
        let annotations = vec![
            Annotation::Arrow {
                from: AT(x, y),
                to: AT(y, x),
                color: color.clone(),
            },
            Annotation::Arrow {
                from: AT(x, y),
                to: AT(x, y),
                color: color.clone(),
            },
            Annotation::Circle {
                center: AT(x, y),
                radius: y,
                color: color.clone(),
            },
            Annotation::Text {
                at: AT(x, y),
                text: "w".repeat(300),
                color: color.clone(),
            },
            Annotation::Text {
                at: AT(x, y),
                text: String::new(),
                color,
            },
        ];
        let order = Order {
            annotations,
            variants: vec![annotated(true)],
            ..Order::default()
        };
        process(&grey_photo(), &order).expect("a photograph");
    }
}
