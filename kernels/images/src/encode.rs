//! JPEG files, with the photograph's colour profile and nothing else that its file held.

use jpeg_encoder::{ColorType, Encoder, EncodingError};

use crate::error::ImageError;
use crate::raster::Raster;

/// Encodes a raster; grey ones as grey.
///
/// # Errors
/// [`ImageError::Encoding`] when a side is too long for a JPEG.
pub(crate) fn jpeg(
    raster: &Raster,
    quality: u8,
    profile: Option<&[u8]>,
) -> Result<Vec<u8>, ImageError> {
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, quality.clamp(1, 100));
    if let Some(profile) = profile.filter(|profile| fits(profile, raster.is_grey)) {
        encoder.add_icc_profile(profile).map_err(refusal)?;
    }
    let side = |side: usize| u16::try_from(side).unwrap_or(u16::MAX);
    let (width, height) = (side(raster.width), side(raster.height));
    if raster.is_grey {
        let greys: Vec<u8> = raster.pixels.iter().map(|[grey, ..]| *grey).collect();
        encoder.encode(&greys, width, height, ColorType::Luma)
    } else {
        encoder.encode(raster.pixels.as_flattened(), width, height, ColorType::Rgba)
    }
    .map_err(refusal)?;
    Ok(file)
}

/// Whether a profile speaks of the colours that are written: that of a CMYK file does not, once it is RGB.
fn fits(profile: &[u8], is_grey: bool) -> bool {
    let space: &[u8] = if is_grey { b"GRAY" } else { b"RGB " };
    profile.get(16..20) == Some(space)
}

fn refusal(error: EncodingError) -> ImageError {
    ImageError::Encoding(error.to_string())
}
