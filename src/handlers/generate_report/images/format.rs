//! What a photo's first bytes say, whatever its name or its server claims.

use super::Size;

/// The formats every one of the models takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Jpeg,
    Png,
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

/// A format, and the size if the header tells it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sniffed {
    pub(super) format: Format,
    pub(super) size: Option<Size>,
}

/// Recognises a photo; `None` for anything but JPEG and PNG.
pub(super) fn sniff(bytes: &[u8]) -> Option<Sniffed> {
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        return Some(Sniffed {
            format: Format::Png,
            size: png_size(bytes),
        });
    }
    let is_jpeg = bytes.starts_with(&[0xff, 0xd8, 0xff]);
    is_jpeg.then(|| Sniffed {
        format: Format::Jpeg,
        size: jpeg_size(bytes),
    })
}

/// Width and height follow the signature and the head of the first chunk.
fn png_size(bytes: &[u8]) -> Option<Size> {
    let number = |at: usize| {
        let four = bytes.get(at..at + 4)?;
        Some(u32::from_be_bytes(four.try_into().ok()?))
    };
    Some(Size {
        w: number(16)?,
        h: number(20)?,
    })
}

/// The frame header has the size; the segments before it each say how long they are.
fn jpeg_size(bytes: &[u8]) -> Option<Size> {
    let number = |at: usize| {
        let two = bytes.get(at..at + 2)?;
        Some(u32::from(u16::from_be_bytes(two.try_into().ok()?)))
    };
    let mut at = 2;
    while *bytes.get(at)? == 0xff {
        let marker = *bytes.get(at + 1)?;
        match marker {
            // Any number of fill bytes may stand before a marker.
            0xff => at += 1,
            0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                return Some(Size {
                    w: number(at + 7)?,
                    h: number(at + 5)?,
                });
            }
            _ => at += 2 + number(at + 2)? as usize,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x06\x40\0\0\x04\xb0";
    const JPEG: &[u8] = &[
        0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2, // a segment to skip
        0xff, 0xff, 0xc2, 0, 11, 8, 0x04, 0xb0, 0x06, 0x40,
        3, // after a fill byte, a progressive frame
    ];

    #[test]
    fn photos_are_known_by_their_bytes_and_tell_their_size() {
        let size = Some(Size { w: 1600, h: 1200 });
        assert_eq!(
            sniff(PNG),
            Some(Sniffed {
                format: Format::Png,
                size
            })
        );
        assert_eq!(
            sniff(JPEG),
            Some(Sniffed {
                format: Format::Jpeg,
                size
            })
        );
    }

    #[test]
    fn a_header_cut_short_or_odd_has_no_size_and_does_no_harm() {
        for end in 8..PNG.len() {
            assert_eq!(sniff(&PNG[..end]).and_then(|sniffed| sniffed.size), None);
        }
        for end in 3..JPEG.len() - 1 {
            assert_eq!(sniff(&JPEG[..end]).and_then(|sniffed| sniffed.size), None);
        }
        let no_frame = [0xff, 0xd8, 0xff, 0xe0, 0xff, 0xff, 0, 0];
        assert_eq!(sniff(&no_frame).and_then(|sniffed| sniffed.size), None);
    }

    #[test]
    fn anything_else_is_no_photo() {
        let others: [&[u8]; 5] = [
            b"",
            b"GIF89a",
            b"RIFF\0\0\0\0WEBP",
            b"<html>",
            &[0xff, 0xd8],
        ];
        for other in others {
            assert_eq!(sniff(other), None);
        }
    }
}
