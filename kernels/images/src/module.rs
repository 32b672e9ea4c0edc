//! The Wasm module's own exports: room for a frame, an answer to it, where the answer is. It keeps nothing from one
//! frame to the next.

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
    let output = crate::answer(&INPUT.take());
    OUTPUT.replace(output);
    OUTPUT.with_borrow(Vec::len)
}

/// Where the answer is.
#[allow(unsafe_code)]
#[unsafe(no_mangle)]
extern "C" fn result() -> *const u8 {
    OUTPUT.with_borrow(|output| output.as_ptr())
}
