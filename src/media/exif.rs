//! How a photograph was held, as cameras write it into its file.

use super::header::number;

/// Degrees to turn the pixels clockwise: the orientation in a TIFF, whose first directory has entries of twelve bytes.
pub(super) fn rotation(tiff: &[u8]) -> Option<u16> {
    const ORIENTATION: u16 = 0x0112;
    let number: fn(&[u8], usize) -> Option<u16> = match tiff.get(..2)? {
        b"MM" => number,
        b"II" => |bytes, at| number(bytes, at).map(u16::swap_bytes),
        _ => return None,
    };
    // An offset has four bytes, of which the first directory needs two.
    let low_half = if tiff.starts_with(b"MM") { 6 } else { 4 };
    let directory = tiff.get(number(tiff, low_half)?.into()..)?;
    let entries = directory.get(2..)?.chunks_exact(12);
    let mut entries = entries.take(number(directory, 0)?.into());
    let entry = entries.find(|entry| number(entry, 0) == Some(ORIENTATION))?;
    match number(entry, 8)? {
        3 | 4 => Some(180),
        6 | 7 => Some(90),
        5 | 8 => Some(270),
        _ => None,
    }
}
