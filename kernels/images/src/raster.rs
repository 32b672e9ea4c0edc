//! Decoded pixels.

/// One byte each of red, green and blue, and one that fills four.
pub(crate) type Pixel = [u8; 4];

/// Decoded pixels, row by row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Raster {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) pixels: Vec<Pixel>,
    /// All of it is grey, as its file was.
    pub(crate) is_grey: bool,
}

impl Raster {
    /// Black.
    pub(crate) fn new(width: usize, height: usize) -> Self {
        Self {
            width,
            height,
            pixels: vec![[0, 0, 0, 255]; width * height],
            is_grey: false,
        }
    }

    /// The pixel at a place; black outside.
    pub(crate) fn pixel(&self, x: usize, y: usize) -> Pixel {
        let pixel = self.pixels.get(y * self.width + x);
        pixel.copied().unwrap_or([0, 0, 0, 255])
    }

    /// The part of a row between two columns; empty outside.
    pub(crate) fn row_part(&mut self, y: usize, from: usize, to: usize) -> &mut [Pixel] {
        let start = y * self.width;
        let part = self.pixels.get_mut(start + from..start + to);
        part.unwrap_or_default()
    }
}
