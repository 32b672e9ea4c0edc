//! Which pixel of a file stands where when it is shown: the eight orientations of Exif, and turns on top of them.

use crate::raster::Raster;

/// A way to lay pixels out anew: first rows may become columns, then either side may be read backwards.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Turn {
    /// Columns of what is shown are rows of the file.
    swaps_sides: bool,
    /// The file's rows are read from the right.
    mirrors_x: bool,
    /// The file's rows are read from below.
    mirrors_y: bool,
}

impl Turn {
    /// The turn that an orientation of Exif asks for; none for what is no orientation.
    pub(crate) fn of_orientation(orientation: u32) -> Self {
        let (swaps_sides, mirrors_x, mirrors_y) = match orientation {
            2 => (false, true, false),
            3 => (false, true, true),
            4 => (false, false, true),
            5 => (true, false, false),
            6 => (true, false, true),
            7 => (true, true, true),
            8 => (true, true, false),
            _ => (false, false, false),
        };
        Self {
            swaps_sides,
            mirrors_x,
            mirrors_y,
        }
    }

    /// The same, and then so many degrees clockwise.
    pub(crate) fn rotated(self, degrees: u16) -> Self {
        (0..degrees / 90 % 4).fold(self, |turn, _| turn.quarter())
    }

    fn quarter(self) -> Self {
        Self {
            swaps_sides: !self.swaps_sides,
            mirrors_x: self.mirrors_x ^ self.swaps_sides,
            mirrors_y: self.mirrors_y ^ !self.swaps_sides,
        }
    }

    /// Width and height of what is shown.
    pub(crate) fn shown<T>(self, (width, height): (T, T)) -> (T, T) {
        match self.swaps_sides {
            true => (height, width),
            false => (width, height),
        }
    }

    /// The pixels laid out as they are shown.
    pub(crate) fn apply(self, raster: Raster) -> Raster {
        if self == Self::default() {
            return raster;
        }
        let (width, height) = self.shown((raster.width, raster.height));
        let mut turned = Raster::new(width, height);
        turned.is_grey = raster.is_grey;
        let rows = turned.pixels.chunks_exact_mut(width.max(1));
        for (y, row) in rows.enumerate() {
            for (x, pixel) in row.iter_mut().enumerate() {
                let (from_x, from_y) = self.shown((x, y));
                let from_x = mirrored(from_x, raster.width, self.mirrors_x);
                let from_y = mirrored(from_y, raster.height, self.mirrors_y);
                *pixel = raster.pixel(from_x, from_y);
            }
        }
        turned
    }
}

fn mirrored(at: usize, length: usize, mirrors: bool) -> usize {
    match mirrors {
        true => length - 1 - at,
        false => at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three by two pixels, each with its place in the file as its colour.
    fn shown(turn: Turn) -> (usize, String) {
        let mut raster = Raster::new(3, 2);
        for (place, pixel) in raster.pixels.iter_mut().enumerate() {
            *pixel = [place as u8; 4];
        }
        let turned = turn.apply(raster);
        let letters = turned
            .pixels
            .iter()
            .map(|pixel| char::from(b'a' + pixel[0]));
        (turned.width, letters.collect())
    }

    /// The file's rows are `abc` and `def`.
    const SHOWN: [(u32, usize, &str); 9] = [
        (1, 3, "abcdef"),
        (2, 3, "cbafed"),
        (3, 3, "fedcba"),
        (4, 3, "defabc"),
        (5, 2, "adbecf"),
        (6, 2, "daebfc"),
        (7, 2, "fcebda"),
        (8, 2, "cfbead"),
        (9, 3, "abcdef"),
    ];

    #[test]
    fn each_orientation_is_shown_as_exif_says() {
        for (orientation, width, letters) in SHOWN {
            let turn = Turn::of_orientation(orientation);
            assert_eq!(shown(turn), (width, letters.to_owned()), "{orientation}");
        }
    }

    #[test]
    fn a_rotation_turns_what_is_shown_clockwise() {
        // Upright, a turn to the right is orientation 6, upside down 3, to the left 8.
        for (degrees, orientation) in [(0, 1), (90, 6), (180, 3), (270, 8), (360, 1), (450, 6)] {
            let turn = Turn::default().rotated(degrees);
            assert_eq!(turn, Turn::of_orientation(orientation), "{degrees}");
        }
        // Mirrored along its diagonals, it is mirrored upright after a turn.
        assert_eq!(Turn::of_orientation(5).rotated(90), Turn::of_orientation(2));
        assert_eq!(Turn::of_orientation(7).rotated(90), Turn::of_orientation(4));
        for orientation in 1..9 {
            let turn = Turn::of_orientation(orientation);
            assert_eq!(turn.rotated(90).rotated(270), turn, "{orientation}");
        }
    }
}
