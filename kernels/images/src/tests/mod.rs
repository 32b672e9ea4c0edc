//! Whole photographs, made by code, through the kernel.

mod files;
mod formats;
mod fuzz;
#[path = "../../../../src/testing/fuzz/runner.rs"]
mod fuzz_runner;
mod hostile;
mod marks;
mod metadata;

use crate::order::{Order, VariantOrder};
use crate::process::process;

/// Makes one variant without annotations.
fn order(max_edge: u16) -> Order {
    let variant = VariantOrder {
        max_edge,
        quality: 90,
        is_annotated: false,
    };
    Order {
        variants: vec![variant],
        ..Order::default()
    }
}

/// The pixels of a JPEG, and its width.
fn decoded(file: &[u8]) -> (usize, Vec<[u8; 3]>) {
    let mut decoder = jpeg_decoder::Decoder::new(file);
    let bytes = decoder.decode().expect("a JPEG");
    let info = decoder.info().expect("read");
    let pixels = match info.pixel_format {
        jpeg_decoder::PixelFormat::L8 => bytes.iter().map(|grey| [*grey; 3]).collect(),
        _ => bytes.as_chunks().0.to_vec(),
    };
    (info.width.into(), pixels)
}

/// The colours in the middle of the four quarters, from the upper left to the lower right.
fn quarters(file: &[u8], order: &Order) -> [[u8; 3]; 4] {
    let processed = process(file, order).expect("a photograph");
    let (variant, file) = &processed.variants[0];
    let (width, pixels) = decoded(file);
    assert_eq!(variant.bytes, file.len());
    assert_eq!(
        (width, pixels.len() / width),
        (variant.width as usize, variant.height as usize)
    );
    let height = pixels.len() / width;
    let at = |x: usize, y: usize| pixels[y * height / 4 * width + x * width / 4];
    [at(1, 1), at(3, 1), at(1, 3), at(3, 3)]
}

fn assert_alike(found: [[u8; 3]; 4], expected: [[u8; 3]; 4], what: &str) {
    let distance = found.as_flattened().iter().zip(expected.as_flattened());
    let most = distance.map(|(a, b)| a.abs_diff(*b)).max();
    assert!(most <= Some(6), "{what}: {found:?}, expected {expected:?}");
}
