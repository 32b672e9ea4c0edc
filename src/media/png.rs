//! What the chunks of a PNG say.

use super::exif;
use super::header::{Dimensions, ImageHeader};

/// Reads the chunks that follow the signature: the length and the name of each stand before it, a checksum behind. The
/// first says width and height.
pub(super) fn header(bytes: &[u8]) -> ImageHeader {
    let mut header = ImageHeader {
        dimensions: dimensions(bytes),
        ..ImageHeader::default()
    };
    let mut rest = bytes.get(8..).unwrap_or_default();
    while let Some((length, [name @ .., _, _, _, _])) = chunk(rest) {
        let (name, content) = name.split_at(4);
        match name {
            b"eXIf" => header.rotation = exif::rotation(content).unwrap_or_default(),
            b"IEND" => header.is_whole = true,
            _ => {}
        }
        rest = rest.get(length..).unwrap_or_default();
    }
    header
}

/// The first chunk's length in all, and what of it stands behind its own length. `None` when it was cut.
fn chunk(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let length = 12_usize.checked_add(number(bytes, 0)?.try_into().ok()?)?;
    Some((length, bytes.get(4..length)?))
}

fn dimensions(bytes: &[u8]) -> Option<Dimensions> {
    Some(Dimensions {
        w: number(bytes, 16)?,
        h: number(bytes, 20)?,
    })
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..)?.first_chunk()?;
    Some(u32::from_be_bytes(*four))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TURNED: &[u8] = b"MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0";

    fn png() -> Vec<u8> {
        let chunk = |name: &[u8], content: &[u8]| {
            let length = (content.len() as u32).to_be_bytes();
            [&length[..], name, content, &[0; 4]].concat()
        };
        let size = [1600_u32.to_be_bytes(), 1200_u32.to_be_bytes()].concat();
        let chunks = [
            chunk(b"IHDR", &[&size[..], &[8, 2, 0, 0, 0]].concat()),
            chunk(b"eXIf", TURNED),
            chunk(b"tEXt", b"the name IEND in a text"),
            chunk(b"IEND", b""),
        ];
        [b"\x89PNG\r\n\x1a\n", &chunks.concat()[..]].concat()
    }

    #[test]
    fn a_png_says_how_large_it_is_and_how_it_was_held() {
        let header = header(&png());
        assert_eq!(header.dimensions, Some(Dimensions { w: 1600, h: 1200 }));
        assert_eq!((header.rotation, header.is_whole), (90, true));
    }

    #[test]
    fn wherever_a_png_is_cut_it_is_not_whole_and_does_no_harm() {
        let whole = png();
        assert!(header(&[&whole[..], b"behind"].concat()).is_whole);
        for end in 0..whole.len() {
            assert!(!header(&whole[..end]).is_whole, "{end}");
        }
    }
}
