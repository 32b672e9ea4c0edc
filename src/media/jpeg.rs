//! What the segments of a JPEG say before and behind its pixels.

use super::exif;
use super::header::{Dimensions, ImageHeader, number};

/// Reads the segments, each of which says how long it is, up to the pixels.
pub(super) fn header(bytes: &[u8]) -> ImageHeader {
    let mut header = ImageHeader::default();
    let mut rest = bytes.get(2..).unwrap_or_default();
    while let [0xff, marker, behind @ ..] = rest {
        // Any number of fill bytes may stand before a marker.
        if *marker == 0xff {
            rest = rest.get(1..).unwrap_or_default();
            continue;
        }
        let length = number(behind, 0).map_or(usize::MAX, usize::from);
        let segment = behind.get(..length).unwrap_or(behind);
        match marker {
            0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                header.dimensions = dimensions(segment);
            }
            0xe1 => header.rotation = rotation(segment).unwrap_or(header.rotation),
            0xda => {
                // The end mark is nowhere among pixels. Whatever stands behind it does no harm.
                header.is_whole = behind.windows(2).rev().any(|pair| pair == [0xff, 0xd9]);
                break;
            }
            _ => {}
        }
        rest = behind.get(length..).unwrap_or_default();
    }
    header
}

fn dimensions(frame: &[u8]) -> Option<Dimensions> {
    Some(Dimensions {
        w: number(frame, 5)?.into(),
        h: number(frame, 3)?.into(),
    })
}

fn rotation(segment: &[u8]) -> Option<u16> {
    exif::rotation(segment.get(2..)?.strip_prefix(b"Exif\0\0")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: &[u8] = &[0xff, 0xd8];
    /// After a fill byte, a progressive frame of 1600 × 1200.
    const FRAME: &[u8] = b"\xff\xff\xc2\0\x0b\x08\x04\xb0\x06\x40\x03\0\0\0";
    const PIXELS: &[u8] = b"\xff\xda\0\x02\x11\xff\0\x22\xff\xd9";

    /// A segment of Exif with one entry before the orientation.
    fn exif(is_big: bool, orientation: u16) -> Vec<u8> {
        let number = |number: u16| match is_big {
            true => number.to_be_bytes(),
            false => number.to_le_bytes(),
        };
        let long = |value| match is_big {
            true => [number(0), number(value)].concat(),
            false => [number(value), number(0)].concat(),
        };
        let entry = |tag, value| {
            [
                &number(tag)[..],
                &number(3),
                &long(1),
                &number(value),
                &[0, 0],
            ]
            .concat()
        };
        let order: &[u8] = if is_big { b"MM" } else { b"II" };
        let tiff = [order, &number(42), &long(8), &number(2)].concat();
        let entries = [entry(0x0110, 6), entry(0x0112, orientation)].concat();
        let text = [b"Exif\0\0", &tiff[..], &entries].concat();
        let length = (text.len() as u16 + 2).to_be_bytes();
        [&[0xff, 0xe1], &length[..], &text].concat()
    }

    #[test]
    fn the_orientation_is_read_in_either_order_of_bytes() {
        let rotations = [
            (1, 0),
            (2, 0),
            (3, 180),
            (4, 180),
            (5, 270),
            (6, 90),
            (7, 90),
            (8, 270),
            (9, 0),
        ];
        for (orientation, rotation) in rotations {
            for is_big in [true, false] {
                let exif = exif(is_big, orientation);
                let header = super::header(&[START, &exif, FRAME, PIXELS].concat());
                assert_eq!(header.rotation, rotation, "{orientation}");
                assert_eq!(header.dimensions, Some(Dimensions { w: 1600, h: 1200 }));
            }
        }
    }

    #[test]
    fn wherever_a_file_is_cut_it_is_not_whole_and_does_no_harm() {
        let exif = exif(true, 6);
        let whole = [START, &exif, FRAME, PIXELS].concat();
        assert!(header(&whole).is_whole);
        assert!(header(&[&whole[..], &[0; 100]].concat()).is_whole);
        for end in 0..whole.len() {
            assert!(!header(&whole[..end]).is_whole, "{end}");
        }
    }

    #[test]
    fn the_end_of_a_preview_is_not_the_end_of_the_photograph() {
        let preview = b"\xff\xe2\0\x06\xff\xda\xff\xd9";
        assert!(!header(&[START, preview, FRAME, b"\xff\xda\0\x02\x11"].concat()).is_whole);
    }
}
