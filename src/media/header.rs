//! What is known of a photograph without decoding it.

use serde::{Deserialize, Serialize};

/// Width and height in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dimensions {
    /// Width.
    pub w: u32,
    /// Height.
    pub h: u32,
}

/// What a file says about its pixels.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ImageHeader {
    /// As the pixels are stored; `None` when the file does not tell.
    pub(super) dimensions: Option<Dimensions>,
    /// Degrees to turn them clockwise before they are shown.
    pub(super) rotation: u16,
    /// Whether the pixels come to an end.
    pub(super) is_whole: bool,
}

impl ImageHeader {
    /// Width and height of what is shown.
    pub(super) fn shown_dimensions(&self) -> Option<Dimensions> {
        let Dimensions { w, h } = self.dimensions?;
        Some(match self.rotation {
            90 | 270 => Dimensions { w: h, h: w },
            _ => Dimensions { w, h },
        })
    }
}

/// The two bytes at a position as a number, the high one first.
pub(super) fn number(bytes: &[u8], at: usize) -> Option<u16> {
    let two = bytes.get(at..)?.first_chunk()?;
    Some(u16::from_be_bytes(*two))
}
