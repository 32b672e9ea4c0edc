//! PNG, row by row unless it is interlaced.

use std::io::Cursor;

use ::png::{ColorType, DecodingError, Limits, Reader, Transformations};

use super::rows::{Channels, Reduction};
use super::{Head, MOST_BYTES, check_size, divisor};
use crate::error::ImageError;
use crate::order::Format;
use crate::raster::Raster;

pub(super) type Decoder<'a> = Reader<Cursor<&'a [u8]>>;

pub(super) fn read(file: &[u8]) -> Result<Head<'_>, ImageError> {
    let limits = Limits { bytes: MOST_BYTES };
    let mut decoder = ::png::Decoder::new_with_limits(Cursor::new(file), limits);
    decoder.set_ignore_text_chunk(true);
    decoder.set_transformations(Transformations::normalize_to_color8());
    let info = decoder.read_header_info().map_err(refusal)?;
    let size = (info.width, info.height);
    check_size(size, 1)?;
    let reader = decoder.read_info().map_err(refusal)?;
    let info = reader.info();
    let (exif, profile) = (&info.exif_metadata, &info.icc_profile);
    let (exif, profile) = (
        exif.as_deref().map(<[u8]>::to_vec),
        profile.as_deref().map(<[u8]>::to_vec),
    );
    if info.interlaced {
        // It is decoded as a whole.
        check_size(size, channels(&reader)?.count())?;
    }
    Ok(Head {
        format: Format::Png,
        size,
        exif,
        profile,
        decoder: super::Decoder::Png(Box::new(reader)),
    })
}

pub(super) fn decode(
    mut reader: Decoder<'_>,
    size: (u32, u32),
    least: (u32, u32),
) -> Result<Raster, ImageError> {
    let channels = channels(&reader)?;
    let sides = (size.0 as usize, size.1 as usize);
    let mut reduction = Reduction::new(sides, divisor(size, least) as usize, channels);
    if reader.info().interlaced {
        let mut whole = vec![0; reader.output_buffer_size().ok_or(ImageError::Truncated)?];
        reader.next_frame(&mut whole).map_err(refusal)?;
        whole
            .chunks_exact(sides.0 * channels.count())
            .for_each(|row| reduction.push(row));
    } else {
        while let Some(row) = reader.next_row().map_err(refusal)? {
            reduction.push(row.data());
        }
    }
    Ok(reduction.finish())
}

fn channels(reader: &Decoder<'_>) -> Result<Channels, ImageError> {
    match reader.output_color_type().0 {
        ColorType::Grayscale => Ok(Channels::Grey),
        ColorType::GrayscaleAlpha => Ok(Channels::GreyAlpha),
        ColorType::Rgb => Ok(Channels::Rgb),
        ColorType::Rgba => Ok(Channels::Rgba),
        ColorType::Indexed => Err(ImageError::Unsupported),
    }
}

fn refusal(error: DecodingError) -> ImageError {
    match error {
        DecodingError::IoError(_) => ImageError::Truncated,
        error => ImageError::Damaged(error.to_string()),
    }
}
