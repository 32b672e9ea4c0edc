//! Decoded rows become pixels, several of them one where fewer are enough.

use crate::raster::{Pixel, Raster};

/// What the bytes of a row are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Channels {
    Grey,
    GreyAlpha,
    Rgb,
    Rgba,
    /// How much ink there is of each.
    Cmyk,
}

impl Channels {
    /// Bytes of a pixel.
    pub(super) fn count(self) -> usize {
        match self {
            Self::Grey => 1,
            Self::GreyAlpha => 2,
            Self::Rgb => 3,
            Self::Rgba | Self::Cmyk => 4,
        }
    }

    /// The pixel that bytes are; what shines through is white.
    fn pixel(self, bytes: &[u8]) -> Pixel {
        match (self, bytes) {
            (Self::Grey, [grey]) => [*grey, *grey, *grey, 255],
            (Self::GreyAlpha, [grey, alpha]) => {
                let grey = on_white(*grey, *alpha);
                [grey, grey, grey, 255]
            }
            (Self::Rgb, [r, g, b]) => [*r, *g, *b, 255],
            (Self::Rgba, [r, g, b, alpha]) => {
                let [r, g, b] = [r, g, b].map(|channel| on_white(*channel, *alpha));
                [r, g, b, 255]
            }
            (Self::Cmyk, [c, m, y, k]) => {
                let [r, g, b] =
                    [c, m, y].map(|ink| of_255(255 - u32::from(*ink), 255 - u32::from(*k)));
                [r, g, b, 255]
            }
            _ => [255; 4],
        }
    }
}

fn on_white(channel: u8, alpha: u8) -> u8 {
    let white = 255 - alpha;
    of_255(channel.into(), alpha.into()).saturating_add(white)
}

/// The product of two parts of 255, rounded.
fn of_255(a: u32, b: u32) -> u8 {
    ((a * b + 127) / 255) as u8
}

/// Squares of pixels that become one each. What is left over on the right and below falls into the last of them.
pub(super) struct Reduction {
    raster: Raster,
    channels: Channels,
    divisor: usize,
    sums: Vec<[u32; 4]>,
    rows: usize,
    row: usize,
}

impl Reduction {
    pub(super) fn new((width, height): (usize, usize), divisor: usize, channels: Channels) -> Self {
        let mut raster = Raster::new(width / divisor, height / divisor);
        raster.is_grey = matches!(channels, Channels::Grey | Channels::GreyAlpha);
        Self {
            sums: vec![[0; 4]; raster.width],
            raster,
            channels,
            divisor,
            rows: 0,
            row: 0,
        }
    }

    /// The next row of the file.
    pub(super) fn push(&mut self, row: &[u8]) {
        if self.divisor == 1 {
            let (width, at) = (self.raster.width, self.row);
            let target = self.raster.row_part(at, 0, width).iter_mut();
            for (pixel, bytes) in target.zip(row.chunks_exact(self.channels.count())) {
                *pixel = self.channels.pixel(bytes);
            }
            self.row += 1;
            return;
        }
        let squares = row.chunks(self.channels.count() * self.divisor);
        for (sum, square) in self.sums.iter_mut().zip(squares) {
            for bytes in square.chunks_exact(self.channels.count()) {
                let pixel = self.channels.pixel(bytes);
                sum.iter_mut()
                    .zip(pixel)
                    .for_each(|(sum, channel)| *sum += u32::from(channel));
            }
        }
        self.rows += 1;
        if self.rows == self.divisor {
            self.end_squares();
        }
    }

    fn end_squares(&mut self) {
        let (width, at) = (self.raster.width, self.row);
        let target = self.raster.row_part(at, 0, width).iter_mut();
        let count = (self.divisor * self.divisor) as u32;
        for (pixel, sum) in target.zip(&mut self.sums) {
            *pixel = std::mem::take(sum).map(|sum| ((sum + count / 2) / count) as u8);
        }
        self.rows = 0;
        self.row += 1;
    }

    pub(super) fn finish(self) -> Raster {
        self.raster
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pixel(channels: Channels, bytes: &[u8]) -> [u8; 3] {
        let [r, g, b, _] = channels.pixel(bytes);
        [r, g, b]
    }

    #[test]
    fn what_shines_through_is_white_and_ink_takes_light_away() {
        assert_eq!(pixel(Channels::Grey, &[7]), [7, 7, 7]);
        assert_eq!(pixel(Channels::GreyAlpha, &[0, 128]), [127, 127, 127]);
        assert_eq!(pixel(Channels::Rgba, &[10, 20, 30, 255]), [10, 20, 30]);
        assert_eq!(pixel(Channels::Rgba, &[10, 20, 30, 0]), [255, 255, 255]);
        assert_eq!(pixel(Channels::Cmyk, &[0, 0, 0, 0]), [255, 255, 255]);
        assert_eq!(pixel(Channels::Cmyk, &[255, 0, 0, 0]), [0, 255, 255]);
        assert_eq!(pixel(Channels::Cmyk, &[0, 0, 0, 255]), [0, 0, 0]);
    }

    #[test]
    fn squares_become_their_mean_and_what_is_left_over_is_left_out() {
        let mut reduction = Reduction::new((5, 5), 2, Channels::Grey);
        for row in 0..5 {
            reduction.push(&[row, row + 2, 100, 100, 255]);
        }
        let raster = reduction.finish();
        let greys: Vec<u8> = raster.pixels.iter().map(|[grey, ..]| *grey).collect();
        assert_eq!((raster.width, raster.height), (2, 2));
        assert_eq!(greys, [2, 100, 4, 100]);
    }
}
