//! A text and bytes as one: how orders go into a kernel and answers come out, and the exports of its Wasm module.
#![warn(missing_docs)]
// Whatever comes from outside, nothing here may panic.
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::string_slice))]

/// What stands before the bytes: the text and, in four bytes before it, its length.
pub fn head(text: &str) -> Vec<u8> {
    let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
    [&length.to_le_bytes()[..], text.as_bytes()].concat()
}

/// The text and the bytes behind it.
pub fn split(frame: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = frame.split_first_chunk()?;
    rest.split_at_checked(u32::from_le_bytes(*length).try_into().ok()?)
}

/// The exports of a Wasm module that answers frames by `$answer`, a function from bytes to bytes: room for a frame, an
/// answer to it, where the answer is. They keep nothing from one frame to the next.
#[macro_export]
macro_rules! export {
    ($answer:path) => {
        mod module {
            use std::cell::RefCell;

            thread_local! {
                static INPUT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
                static OUTPUT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
            }

            // Exported under names of their own: unsafe, should another function have the same.
            /// Room for a frame of so many bytes.
            #[allow(unsafe_code)]
            #[unsafe(no_mangle)]
            extern "C" fn room(bytes: usize) -> *mut u8 {
                OUTPUT.take();
                INPUT.with_borrow_mut(|input| {
                    *input = vec![0; bytes];
                    input.as_mut_ptr()
                })
            }

            /// Answers the frame in the room; how many bytes the answer has.
            #[allow(unsafe_code)]
            #[unsafe(no_mangle)]
            extern "C" fn run() -> usize {
                let output = $answer(&INPUT.take());
                OUTPUT.replace(output);
                OUTPUT.with_borrow(Vec::len)
            }

            /// Where the answer is.
            #[allow(unsafe_code)]
            #[unsafe(no_mangle)]
            extern "C" fn result() -> *const u8 {
                OUTPUT.with_borrow(|output| output.as_ptr())
            }
        }
    };
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
