//! Photographs: read, decoded, turned upright, scaled, covered, drawn upon and encoded as JPEG. Pure functions from
//! bytes to bytes, which know of no job.
//!
//! It is compiled to a Wasm module with a memory of its own: what a broken file does to an instance ends with that
//! instance. Tests link it natively.
//!
//! From the top down:
//!
//! - [`process`]: what is done to one photograph, and [`answer`], the same from a frame to a frame.
//! - `draw`, `encode`, `scale`, `redact`: what is done to pixels.
//! - `decode`: from files to pixels, within limits that are held before anything is decoded.
//! - `metadata`: what cameras write into files.
//! - [`order`]: what is asked and what is answered.
#![warn(missing_docs)]
// Whatever comes from outside, nothing here may panic.
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::string_slice))]

mod decode;
mod draw;
mod encode;
mod error;
mod metadata;
pub mod order;
mod process;
mod raster;
mod redact;
mod scale;
mod turn;

#[cfg(test)]
mod tests;

pub use self::error::ImageError;
pub use self::process::{answer, head, process, read_answer};

/// Raised whenever the same order makes another file than before: what was made earlier is then made anew.
pub const VERSION: u32 = 1;

#[cfg(feature = "module")]
kernel_frame::export!(crate::answer);
