//! Documents: a model of what is on their pages, and renderers of it. Pure functions from bytes to bytes, which know of
//! no job and of no report.
//!
//! It is compiled to a Wasm module with a memory of its own. Tests link it natively. The same order makes the same
//! bytes: nothing here knows what time it is.
//!
//! From the top down:
//!
//! - [`render`]: one document in one format, and [`answer`], the same from a frame to a frame.
//! - `docx`, `html`, `markdown`: the formats.
//! - `photos`: the photographs' files, as they follow the order.
//! - [`order`]: the document's model, and what is answered.
#![warn(missing_docs)]
// Whatever comes from outside, nothing here may panic.
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::string_slice))]

mod docx;
mod html;
mod markdown;
pub mod order;
mod photos;
mod render;

#[cfg(test)]
mod tests;

pub use self::render::{RenderError, Rendered, answer, head, read_answer, render};

#[cfg(feature = "module")]
kernel_frame::export!(crate::answer);
