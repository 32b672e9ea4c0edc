//! JPEG, decoded to an eighth, a quarter or half of its size where that is enough.

use jpeg_decoder::{CodingProcess, Error, PixelFormat};

use super::rows::{Channels, Reduction};
use super::{Head, check_size};
use crate::error::ImageError;
use crate::order::Format;
use crate::raster::Raster;

pub(super) type Decoder<'a> = jpeg_decoder::Decoder<&'a [u8]>;

/// A progressive JPEG is in memory as a whole before its first pixel is known: two bytes for each of three colours.
const PROGRESSIVE_BYTES: usize = 6;
const BASELINE_BYTES: usize = 1;
const END: [u8; 2] = [0xff, 0xd9];

pub(super) fn read(file: &[u8]) -> Result<Head<'_>, ImageError> {
    let mut decoder = jpeg_decoder::Decoder::new(file);
    decoder.read_info().map_err(refusal)?;
    let info = decoder.info().ok_or(ImageError::Truncated)?;
    let size = (info.width.into(), info.height.into());
    check_size(
        size,
        match info.coding_process {
            CodingProcess::DctProgressive => PROGRESSIVE_BYTES,
            CodingProcess::DctSequential => BASELINE_BYTES,
            CodingProcess::Lossless => super::MOST_BYTES,
        },
    )?;
    // Decoders fill in what is missing, in grey. Whatever stands behind the end does no harm.
    if !file.windows(2).rev().any(|pair| pair == END) {
        return Err(ImageError::Truncated);
    }
    Ok(Head {
        format: Format::Jpeg,
        size,
        exif: decoder.exif_data().map(<[u8]>::to_vec),
        profile: decoder.icc_profile(),
        decoder: super::Decoder::Jpeg(decoder),
    })
}

pub(super) fn decode(
    mut decoder: Decoder<'_>,
    _: (u32, u32),
    least: (u32, u32),
) -> Result<Raster, ImageError> {
    let side = |least: u32| u16::try_from(least).unwrap_or(u16::MAX);
    let (width, height) = decoder
        .scale(side(least.0), side(least.1))
        .map_err(refusal)?;
    let pixels = decoder.decode().map_err(refusal)?;
    let format = decoder.info().ok_or(ImageError::Truncated)?.pixel_format;
    let channels = match format {
        PixelFormat::L8 => Channels::Grey,
        PixelFormat::RGB24 => Channels::Rgb,
        PixelFormat::CMYK32 => Channels::Cmyk,
        PixelFormat::L16 => return Err(ImageError::Unsupported),
    };
    let size = (width.into(), height.into());
    let mut reduction = Reduction::new(size, 1, channels);
    for row in pixels.chunks_exact(size.0 * channels.count()) {
        reduction.push(row);
    }
    Ok(reduction.finish())
}

fn refusal(error: Error) -> ImageError {
    match error {
        Error::Io(_) => ImageError::Truncated,
        Error::Unsupported(_) => ImageError::Unsupported,
        error => ImageError::Damaged(error.to_string()),
    }
}
