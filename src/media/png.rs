//! What the chunks of a PNG say.

use super::header::{Dimensions, ImageHeader};

/// Width and height follow the signature and the head of the first chunk; the last chunk ends the file.
pub(super) fn header(bytes: &[u8]) -> ImageHeader {
    let number = |at: usize| {
        let four = bytes.get(at..)?.first_chunk()?;
        Some(u32::from_be_bytes(*four))
    };
    let dimensions = || {
        Some(Dimensions {
            w: number(16)?,
            h: number(20)?,
        })
    };
    ImageHeader {
        dimensions: dimensions(),
        rotation: 0,
        is_whole: bytes.windows(4).rev().any(|name| name == b"IEND"),
    }
}
