//! From one size to a smaller one.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use crate::error::ImageError;
use crate::raster::Raster;

/// The largest size of the same shape whose sides are no longer than `max_edge`; nothing is enlarged.
pub(crate) fn fitted((width, height): (u32, u32), max_edge: u16) -> (u32, u32) {
    let (longest, max_edge) = (width.max(height), u32::from(max_edge.max(1)));
    if longest <= max_edge {
        return (width, height);
    }
    let scaled = |side: u32| {
        let rounded = (u64::from(side) * u64::from(max_edge) * 2 + u64::from(longest))
            / (u64::from(longest) * 2);
        u32::try_from(rounded).unwrap_or(max_edge).max(1)
    };
    (scaled(width), scaled(height))
}

/// The raster in another size.
///
/// # Errors
/// [`ImageError::Encoding`] when a side is 0.
pub(crate) fn resized(raster: &Raster, (width, height): (u32, u32)) -> Result<Raster, ImageError> {
    let failed = |error: &dyn std::fmt::Display| ImageError::Encoding(error.to_string());
    let sides = (raster.width as u32, raster.height as u32);
    if sides == (width, height) {
        return Ok(raster.clone());
    }
    let bytes = raster.pixels.as_flattened();
    let source =
        ImageRef::new(sides.0, sides.1, bytes, PixelType::U8x4).map_err(|error| failed(&error))?;
    let mut target = Image::new(width, height, PixelType::U8x4);
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3))
        .use_alpha(false);
    Resizer::new()
        .resize(&source, &mut target, &options)
        .map_err(|error| failed(&error))?;
    let (pixels, _) = target.buffer().as_chunks();
    Ok(Raster {
        width: width as usize,
        height: height as usize,
        pixels: pixels.to_vec(),
        is_grey: raster.is_grey,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_keeps_its_shape_and_is_never_enlarged() {
        let cases = [
            ((4032, 3024), 1600, (1600, 1200)),
            ((3024, 4032), 1600, (1200, 1600)),
            ((800, 600), 1600, (800, 600)),
            ((1601, 1), 1600, (1600, 1)),
            ((10_000, 1), 16, (16, 1)),
            ((3, 2), 2, (2, 1)),
        ];
        for (size, max_edge, expected) in cases {
            assert_eq!(fitted(size, max_edge), expected, "{size:?}");
        }
    }
}
