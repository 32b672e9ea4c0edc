//! A text and bytes as one: how orders go in and answers come out.

/// What stands before the bytes: the text and, in four bytes before it, its length.
pub(crate) fn head(text: &str) -> Vec<u8> {
    let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
    [&length.to_le_bytes()[..], text.as_bytes()].concat()
}

/// The text and the bytes behind it.
pub(crate) fn split(frame: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = frame.split_first_chunk()?;
    rest.split_at_checked(u32::from_le_bytes(*length).try_into().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_bytes_come_out_of_a_frame_as_they_went_in_and_a_frame_cut_short_is_none() {
        let frame = [&head("é")[..], b"bytes"].concat();
        assert_eq!(split(&frame), Some(("é".as_bytes(), &b"bytes"[..])));
        for end in 0..head("é").len() {
            assert_eq!(split(&frame[..end]), None);
        }
    }
}
