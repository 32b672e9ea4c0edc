//! Every format that cameras and programs write becomes the same JPEG.

use jpeg_encoder::ColorType;
use png::BitDepth::{Eight, Sixteen};

use super::files::{
    BLUE, Extras, GREEN, QUARTERS, RED, WHITE, interlaced_png, jpeg, jpeg_of, picture, png,
    profile, webp,
};
use super::{assert_alike, decoded, order, quarters};
use crate::order::{Format, Order};
use crate::process::process;

const SIZE: (u16, u16) = (300, 200);
const SIDES: (u32, u32) = (300, 200);

#[test]
fn every_kind_of_file_becomes_the_same_picture() {
    let pixels = picture(300, 200);
    let rgb = pixels.as_flattened();
    let wide: Vec<u8> = rgb.iter().flat_map(|channel| [*channel, 7]).collect();
    let opaque: Vec<u8> = pixels
        .iter()
        .flat_map(|[r, g, b]| [*r, *g, *b, 255])
        .collect();
    let progressive = Extras {
        is_progressive: true,
        ..Extras::default()
    };
    let files = [
        ("baseline JPEG", jpeg(SIZE, &Extras::default())),
        ("progressive JPEG", jpeg(SIZE, &progressive)),
        ("PNG", png(rgb, SIDES, png::ColorType::Rgb, Eight)),
        (
            "PNG of 16 bits",
            png(&wide, SIDES, png::ColorType::Rgb, Sixteen),
        ),
        (
            "opaque PNG",
            png(&opaque, SIDES, png::ColorType::Rgba, Eight),
        ),
        ("interlaced PNG", interlaced_png(SIDES)),
        ("WebP", webp(SIDES, image_webp::ColorType::Rgb8, None)),
        (
            "WebP with alpha",
            webp(SIDES, image_webp::ColorType::Rgba8, None),
        ),
    ];
    // As it is, scaled, and scaled so far that a part of the file is enough.
    for max_edge in [300, 160, 40] {
        for (what, file) in &files {
            assert_alike(quarters(file, &order(max_edge)), QUARTERS, what);
        }
    }
}

#[test]
fn ink_becomes_light() {
    let inked = picture(300, 200);
    let inked: Vec<u8> = inked
        .iter()
        .flat_map(|[r, g, b]| [255 - r, 255 - g, 255 - b, 0])
        .collect();
    for colors in [ColorType::Cmyk, ColorType::CmykAsYcck] {
        let cmyk = profile(b"CMYK");
        let extras = Extras {
            profile: Some(&cmyk),
            ..Extras::default()
        };
        let file = jpeg_of(&inked, SIZE, colors, &extras);
        assert_alike(
            quarters(&file, &order(160)),
            QUARTERS,
            &format!("{colors:?}"),
        );
        let processed = process(&file, &order(160)).expect("a photograph");
        let mut decoder = jpeg_decoder::Decoder::new(&processed.variants[0].1[..]);
        decoder.read_info().expect("a JPEG");
        assert_eq!(decoder.icc_profile(), None);
    }
}

#[test]
fn grey_stays_grey() {
    let greys: Vec<u8> = picture(300, 200).iter().map(|[r, ..]| *r).collect();
    let files = [
        jpeg_of(&greys, SIZE, ColorType::Luma, &Extras::default()),
        png(&greys, SIDES, png::ColorType::Grayscale, Eight),
    ];
    for file in files {
        let expected = QUARTERS.map(|[r, ..]| [r; 3]);
        assert_alike(quarters(&file, &order(160)), expected, "grey");
        let processed = process(&file, &order(160)).expect("a photograph");
        let mut decoder = jpeg_decoder::Decoder::new(&processed.variants[0].1[..]);
        decoder.read_info().expect("a JPEG");
        let format = decoder.info().map(|info| info.pixel_format);
        assert_eq!(format, Some(jpeg_decoder::PixelFormat::L8));
    }
}

#[test]
fn what_shines_through_is_white() {
    let pixels: Vec<u8> = [RED, GREEN, BLUE, [0; 3]]
        .iter()
        .zip([0, 255, 128, 0])
        .flat_map(|([r, g, b], alpha)| [*r, *g, *b, alpha])
        .collect();
    let row = |pair: &[u8]| [pair[..4].repeat(16), pair[4..].repeat(16)].concat();
    let file = [row(&pixels[..8]).repeat(16), row(&pixels[8..]).repeat(16)].concat();
    let file = png(&file, (32, 32), png::ColorType::Rgba, Eight);
    let half = BLUE.map(|channel| ((u32::from(channel) * 128 + 255 * 127) / 255) as u8);
    assert_alike(
        quarters(&file, &order(32)),
        [WHITE, GREEN, half, WHITE],
        "alpha",
    );
}

#[test]
fn the_colour_profile_stays() {
    let rgb = profile(b"RGB ");
    let file = jpeg(
        SIZE,
        &Extras {
            profile: Some(&rgb),
            ..Extras::default()
        },
    );
    let processed = process(&file, &order(160)).expect("a photograph");
    let mut decoder = jpeg_decoder::Decoder::new(&processed.variants[0].1[..]);
    decoder.read_info().expect("a JPEG");
    assert_eq!(decoder.icc_profile(), Some(rgb));
}

#[test]
fn variants_come_in_the_orders_order_and_none_is_larger_than_the_photograph() {
    let file = jpeg(SIZE, &Extras::default());
    let mut three = order(100);
    three.variants.extend(order(1_600).variants);
    three.variants.extend(order(40).variants);
    let processed = process(&file, &three).expect("a photograph");
    let sizes = processed.variants.iter().map(|(variant, file)| {
        assert_eq!(decoded(file).0, variant.width as usize);
        (variant.width, variant.height)
    });
    assert_eq!(sizes.collect::<Vec<_>>(), [(100, 67), (300, 200), (40, 27)]);
}

#[test]
fn without_variants_a_photograph_is_only_looked_at() {
    // Its pixels are damaged, which nobody sees.
    let mut file = jpeg(SIZE, &Extras::default());
    let half = file.len() / 2;
    file.truncate(half);
    file.extend([0xff, 0xd9]);
    let processed = process(&file, &Order::default()).expect("a photograph");
    let source = processed.source;
    assert_eq!(
        (source.width, source.height, source.format),
        (300, 200, Format::Jpeg)
    );
    assert!(processed.variants.is_empty());
}
