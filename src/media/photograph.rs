//! What a photograph's bytes say, whatever its name or its server claims.

use std::rc::Rc;

use super::header::Dimensions;
use super::{jpeg, png};

/// The formats that every model takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `image/jpeg`.
    Jpeg,
    /// `image/png`.
    Png,
}

/// A photograph as it came; a clone shares its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Photograph {
    /// What the bytes are.
    pub format: Format,
    /// As it is shown, turned by `rotation`; `None` when the file does not tell.
    pub dimensions: Option<Dimensions>,
    /// Degrees that programs turn it clockwise before they show it: 0, 90, 180 or 270.
    pub rotation: u16,
    /// Whether the file has its end.
    pub is_whole: bool,
    /// The file.
    pub bytes: Rc<Vec<u8>>,
}

impl Format {
    /// The media type.
    pub fn mime(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
        }
    }
}

impl Photograph {
    /// The photograph that a file is; `None` for anything but JPEG and PNG.
    pub fn from_bytes(mut bytes: Vec<u8>) -> Option<Self> {
        let (format, header) = match bytes.as_slice() {
            [0xff, 0xd8, 0xff, ..] => (Format::Jpeg, jpeg::header(&bytes)),
            bytes if bytes.starts_with(b"\x89PNG\r\n\x1a\n") => (Format::Png, png::header(bytes)),
            _ => return None,
        };
        bytes.shrink_to_fit();
        Some(Self {
            format,
            dimensions: header.shown_dimensions(),
            rotation: header.rotation,
            is_whole: header.is_whole,
            bytes: Rc::new(bytes),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::fuzz::fuzz;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x06\x40\0\0\x04\xb0";
    const JPEG: &[u8] = &[
        0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2, // a segment to skip
        0xff, 0xff, 0xc2, 0, 11, 8, 0x04, 0xb0, 0x06, 0x40,
        3, // after a fill byte, a progressive frame
    ];

    fn dimensions(bytes: &[u8]) -> Option<Dimensions> {
        Photograph::from_bytes(bytes.to_vec())?.dimensions
    }

    #[test]
    fn photographs_are_known_by_their_bytes_and_tell_their_dimensions() {
        for (bytes, format) in [(PNG, Format::Png), (JPEG, Format::Jpeg)] {
            let photograph = Photograph::from_bytes(bytes.to_vec()).expect("a photograph");
            assert_eq!(photograph.format, format);
            let expected = Dimensions { w: 1600, h: 1200 };
            assert_eq!(photograph.dimensions, Some(expected));
        }
    }

    #[test]
    fn a_header_cut_short_or_odd_has_no_dimensions_and_does_no_harm() {
        for end in 8..PNG.len() {
            assert_eq!(dimensions(&PNG[..end]), None);
        }
        for end in 3..JPEG.len() - 1 {
            assert_eq!(dimensions(&JPEG[..end]), None);
        }
        let no_frame = [0xff, 0xd8, 0xff, 0xe0, 0xff, 0xff, 0, 0];
        assert_eq!(dimensions(&no_frame), None);
    }

    #[test]
    fn fuzzed_bytes_are_never_too_odd() {
        let start = prop_oneof![
            Just(&PNG[..8]),
            Just(PNG),
            Just(&JPEG[..3]),
            Just(&JPEG[..8]),
            Just(JPEG)
        ];
        let rest = prop_oneof![
            prop::collection::vec(any::<u8>(), 0..60),
            prop::collection::vec(
                prop_oneof![Just(0xff_u8), Just(0xe0), Just(0), any::<u8>()],
                0..200
            ),
        ];
        fuzz((start, rest), |(start, rest)| {
            assert!(Photograph::from_bytes([start, &rest].concat()).is_some());
            assert_eq!(Photograph::from_bytes([&[0], &rest[..]].concat()), None);
        });
    }

    #[test]
    fn anything_else_is_no_photograph() {
        let others: [&[u8]; 5] = [
            b"",
            b"GIF89a",
            b"RIFF\0\0\0\0WEBP",
            b"<html>",
            &[0xff, 0xd8],
        ];
        for other in others {
            assert_eq!(Photograph::from_bytes(other.to_vec()), None);
        }
    }
}
