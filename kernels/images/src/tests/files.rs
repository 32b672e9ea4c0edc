//! Files as cameras and programs write them.

use std::io::Write as _;

use exif::experimental::Writer;
use exif::{Field, In, Rational, Tag, Value};
use flate2::Compression;
use flate2::write::ZlibEncoder;
use jpeg_encoder::{ColorType, Encoder};

pub(super) const RED: [u8; 3] = [220, 30, 30];
pub(super) const GREEN: [u8; 3] = [30, 200, 40];
pub(super) const BLUE: [u8; 3] = [30, 40, 210];
pub(super) const WHITE: [u8; 3] = [255, 255, 255];
/// From the upper left to the lower right.
pub(super) const QUARTERS: [[u8; 3]; 4] = [RED, GREEN, BLUE, WHITE];

/// Four quarters, each of one colour, row by row.
pub(super) fn picture(width: usize, height: usize) -> Vec<[u8; 3]> {
    let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    places
        .map(|(x, y)| QUARTERS[usize::from(y * 2 >= height) * 2 + usize::from(x * 2 >= width)])
        .collect()
}

/// What stands in a JPEG besides pixels.
#[derive(Default)]
pub(super) struct Extras<'a> {
    pub(super) exif: Option<Vec<u8>>,
    pub(super) profile: Option<&'a [u8]>,
    pub(super) is_progressive: bool,
}

/// The picture as a JPEG.
pub(super) fn jpeg((width, height): (u16, u16), extras: &Extras) -> Vec<u8> {
    let pixels = picture(width.into(), height.into());
    jpeg_of(
        pixels.as_flattened(),
        (width, height),
        ColorType::Rgb,
        extras,
    )
}

/// Any pixels as a JPEG.
pub(super) fn jpeg_of(
    bytes: &[u8],
    (width, height): (u16, u16),
    colors: ColorType,
    extras: &Extras,
) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, 95);
    encoder.set_progressive(extras.is_progressive);
    if let Some(exif) = &extras.exif {
        encoder.add_exif_metadata(exif).expect("short enough");
    }
    if let Some(profile) = extras.profile {
        encoder.add_icc_profile(profile).expect("short enough");
    }
    encoder
        .encode(bytes, width, height, colors)
        .expect("a JPEG");
    file
}

/// Exif with an orientation, a time and a place.
pub(super) fn exif(orientation: u16) -> Vec<u8> {
    let ascii = |text: &str| Value::Ascii(vec![text.into()]);
    let parts =
        |parts: [u32; 3]| Value::Rational(parts.map(|num| Rational { num, denom: 1 }).to_vec());
    let values = [
        (Tag::Orientation, Value::Short(vec![orientation])),
        (Tag::DateTimeOriginal, ascii("2026:05:01 10:20:30")),
        (Tag::OffsetTimeOriginal, ascii("-07:00")),
        (Tag::GPSLatitudeRef, ascii("N")),
        (Tag::GPSLatitude, parts([49, 16, 30])),
        (Tag::GPSLongitudeRef, ascii("W")),
        (Tag::GPSLongitude, parts([123, 7, 12])),
    ];
    let fields = values.map(|(tag, value)| Field {
        tag,
        ifd_num: In::PRIMARY,
        value,
    });
    let mut writer = Writer::new();
    fields.iter().for_each(|field| writer.push_field(field));
    let mut tiff = std::io::Cursor::new(Vec::new());
    writer.write(&mut tiff, false).expect("written");
    tiff.into_inner()
}

/// A profile of ICC, as far as anybody looks, for colours of a space.
pub(super) fn profile(space: &[u8; 4]) -> Vec<u8> {
    let mut profile = vec![0; 128];
    profile[16..20].copy_from_slice(space);
    profile[36..40].copy_from_slice(b"acsp");
    profile
}

/// Pixels as a PNG of any kind, in which each channel has one or two bytes.
pub(super) fn png(
    bytes: &[u8],
    (width, height): (u32, u32),
    color: png::ColorType,
    depth: png::BitDepth,
) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(color);
    encoder.set_depth(depth);
    let mut writer = encoder.write_header().expect("a head");
    writer.write_image_data(bytes).expect("a PNG");
    drop(writer);
    file
}

/// The picture as an interlaced PNG, which no encoder in reach writes.
pub(super) fn interlaced_png((width, height): (u32, u32)) -> Vec<u8> {
    const PASSES: [(usize, usize, usize, usize); 7] = [
        (0, 0, 8, 8),
        (4, 0, 8, 8),
        (0, 4, 4, 8),
        (2, 0, 4, 4),
        (0, 2, 2, 4),
        (1, 0, 2, 2),
        (0, 1, 1, 2),
    ];
    let pixels = picture(width as usize, height as usize);
    let mut rows = Vec::new();
    for (x, y, step_x, step_y) in PASSES {
        for y in (y..height as usize).step_by(step_y) {
            rows.push(0); // no filter
            for x in (x..width as usize).step_by(step_x) {
                rows.extend(pixels[y * width as usize + x]);
            }
        }
    }
    let size = [width.to_be_bytes(), height.to_be_bytes()].concat();
    let head = [&size[..], &[8, 2, 0, 0, 1]].concat();
    let chunks = [
        chunk(b"IHDR", &head),
        chunk(b"IDAT", &zipped(&rows)),
        chunk(b"IEND", b""),
    ];
    [b"\x89PNG\r\n\x1a\n", &chunks.concat()[..]].concat()
}

/// A PNG that says it has so many pixels, all of them in a few bytes.
pub(super) fn png_bomb((width, height): (u32, u32), is_interlaced: bool) -> Vec<u8> {
    let size = [width.to_be_bytes(), height.to_be_bytes()].concat();
    let head = [&size[..], &[8, 6, 0, 0, is_interlaced.into()]].concat();
    let chunks = [
        chunk(b"IHDR", &head),
        chunk(b"IDAT", &zipped(&[0; 1 << 20])),
        chunk(b"IEND", b""),
    ];
    [b"\x89PNG\r\n\x1a\n", &chunks.concat()[..]].concat()
}

fn zipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("in memory");
    encoder.finish().expect("in memory")
}

fn chunk(name: &[u8], content: &[u8]) -> Vec<u8> {
    let mut crc = flate2::Crc::new();
    crc.update(name);
    crc.update(content);
    let length = (content.len() as u32).to_be_bytes();
    [&length[..], name, content, &crc.sum().to_be_bytes()].concat()
}

/// The picture as a WebP, with or without an alpha channel.
pub(super) fn webp(
    (width, height): (u32, u32),
    color: image_webp::ColorType,
    exif: Option<Vec<u8>>,
) -> Vec<u8> {
    let pixels = picture(width as usize, height as usize);
    let bytes: Vec<u8> = match color {
        image_webp::ColorType::Rgba8 => pixels
            .iter()
            .flat_map(|[r, g, b]| [*r, *g, *b, 255])
            .collect(),
        _ => pixels.as_flattened().to_vec(),
    };
    let mut file = Vec::new();
    let mut encoder = image_webp::WebPEncoder::new(&mut file);
    if let Some(exif) = exif {
        encoder.set_exif_metadata(exif);
    }
    encoder
        .encode(&bytes, width, height, color)
        .expect("a WebP");
    file
}
