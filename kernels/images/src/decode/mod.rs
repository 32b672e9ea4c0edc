//! From files to pixels. What a file would take is reckoned from its head, before anything is decoded.

mod jpeg;
mod png;
mod rows;
mod webp;

use crate::error::ImageError;
use crate::order::Format;
use crate::raster::Raster;

/// A decoded photograph is on its way to a report: a camera of a phone has 50 million pixels at most.
const MOST_PIXELS: u32 = 64_000_000;
/// What decoding may take of the module's memory, beside the file itself.
const MOST_BYTES: usize = 96 << 20;

/// A file whose head is read.
pub(crate) struct Head<'a> {
    /// What the bytes are.
    pub(crate) format: Format,
    /// Width and height as they are stored.
    pub(crate) size: (u32, u32),
    /// What the camera wrote: a TIFF of Exif.
    pub(crate) exif: Option<Vec<u8>>,
    /// What its colours mean, as ICC says it.
    pub(crate) profile: Option<Vec<u8>>,
    decoder: Decoder<'a>,
}

enum Decoder<'a> {
    Jpeg(jpeg::Decoder<'a>),
    Png(Box<png::Decoder<'a>>),
    Webp(webp::Decoder<'a>),
}

/// Reads a file's head.
///
/// # Errors
/// [`ImageError`] when it is no photograph, or more than can be decoded.
pub(crate) fn read(file: &[u8]) -> Result<Head<'_>, ImageError> {
    match format(file)? {
        Format::Jpeg => jpeg::read(file),
        Format::Png => png::read(file),
        Format::Webp => webp::read(file),
    }
}

impl Head<'_> {
    /// The pixels, as many as are needed for sides of up to `least`; more where that is quicker.
    ///
    /// # Errors
    /// [`ImageError`] when the file is damaged.
    pub(crate) fn decode(self, least: (u32, u32)) -> Result<Raster, ImageError> {
        match self.decoder {
            Decoder::Jpeg(decoder) => jpeg::decode(decoder, self.size, least),
            Decoder::Png(decoder) => png::decode(*decoder, self.size, least),
            Decoder::Webp(decoder) => webp::decode(decoder, self.size, least),
        }
    }
}

/// What a file is by its first bytes, whatever its name or its server claims.
fn format(file: &[u8]) -> Result<Format, ImageError> {
    match file {
        [0xff, 0xd8, 0xff, ..] => Ok(Format::Jpeg),
        [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => Ok(Format::Png),
        [
            b'R',
            b'I',
            b'F',
            b'F',
            _,
            _,
            _,
            _,
            b'W',
            b'E',
            b'B',
            b'P',
            ..,
        ] => Ok(Format::Webp),
        [_, _, _, _, b'f', b't', b'y', b'p', a, b, c, d, ..] if is_heic([*a, *b, *c, *d]) => {
            Err(ImageError::Heic)
        }
        _ if is_web_page(file) => Err(ImageError::WebPage),
        _ => Err(ImageError::Unsupported),
    }
}

/// The brands of HEIF that phones write.
fn is_heic(brand: [u8; 4]) -> bool {
    matches!(
        &brand,
        b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"mif1" | b"msf1"
    )
}

fn is_web_page(file: &[u8]) -> bool {
    let start = file.trim_ascii_start();
    let starts_with = |tag: &[u8]| {
        start
            .get(..tag.len())
            .is_some_and(|found| found.eq_ignore_ascii_case(tag))
    };
    starts_with(b"<!doctype html") || starts_with(b"<html")
}

/// Refuses a file of so many pixels, of which each takes so many bytes to decode.
fn check_size((width, height): (u32, u32), bytes_of_pixel: usize) -> Result<(), ImageError> {
    let pixels = u64::from(width) * u64::from(height);
    if pixels > u64::from(MOST_PIXELS) {
        return Err(ImageError::TooManyPixels {
            width,
            height,
            most_megapixels: MOST_PIXELS / 1_000_000,
        });
    }
    let bytes = pixels as usize * bytes_of_pixel;
    if bytes > MOST_BYTES {
        return Err(ImageError::TooLarge {
            width,
            height,
            mebibytes: bytes >> 20,
            most_mebibytes: MOST_BYTES >> 20,
        });
    }
    Ok(())
}

/// By how much each side may be divided so that no less than `least` is left of it.
fn divisor(size: (u32, u32), least: (u32, u32)) -> u32 {
    let of = |side: u32, least: u32| side / least.max(1);
    of(size.0, least.0).min(of(size.1, least.1)).max(1)
}
