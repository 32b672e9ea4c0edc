//! WebP, which is decoded as a whole.

use std::io::Cursor;

use image_webp::{DecodingError, WebPDecoder};

use super::rows::{Channels, Reduction};
use super::{Head, MOST_BYTES, check_size, divisor};
use crate::error::ImageError;
use crate::order::Format;
use crate::raster::Raster;

pub(super) type Decoder<'a> = WebPDecoder<Cursor<&'a [u8]>>;

/// Brightness and colour of all pixels, and what comes out: with an alpha channel there are two of that.
const LOSSY_BYTES: usize = 5;
const BYTES: usize = 8;

pub(super) fn read(file: &[u8]) -> Result<Head<'_>, ImageError> {
    let mut decoder = WebPDecoder::new(Cursor::new(file)).map_err(refusal)?;
    decoder.set_memory_limit(MOST_BYTES);
    let size = decoder.dimensions();
    let is_small = decoder.is_lossy() && !decoder.has_alpha() && !decoder.is_animated();
    check_size(size, if is_small { LOSSY_BYTES } else { BYTES })?;
    Ok(Head {
        format: Format::Webp,
        size,
        exif: decoder.exif_metadata().ok().flatten(),
        profile: decoder.icc_profile().ok().flatten(),
        decoder: super::Decoder::Webp(decoder),
    })
}

pub(super) fn decode(
    mut decoder: Decoder<'_>,
    size: (u32, u32),
    least: (u32, u32),
) -> Result<Raster, ImageError> {
    let channels = match decoder.has_alpha() {
        true => Channels::Rgba,
        false => Channels::Rgb,
    };
    let mut whole = vec![0; decoder.output_buffer_size().ok_or(ImageError::Truncated)?];
    decoder.read_image(&mut whole).map_err(refusal)?;
    let sides = (size.0 as usize, size.1 as usize);
    let mut reduction = Reduction::new(sides, divisor(size, least) as usize, channels);
    for row in whole.chunks_exact(sides.0 * channels.count()) {
        reduction.push(row);
    }
    Ok(reduction.finish())
}

fn refusal(error: DecodingError) -> ImageError {
    match error {
        DecodingError::IoError(_) => ImageError::Truncated,
        error => ImageError::Damaged(error.to_string()),
    }
}
