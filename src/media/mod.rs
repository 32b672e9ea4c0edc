//! Photographs: their bytes and formats, how they are fetched, and how many of them an isolate has in memory.
// Whatever comes from outside, nothing here may panic.
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::string_slice))]

mod exif;
mod fetch;
mod header;
mod jpeg;
mod memory;
mod photograph;
mod png;

pub use self::fetch::{FetchError, fetch, fetch_file};
pub use self::header::Dimensions;
pub use self::memory::{ImageMemory, PhotographKey, Reservation};
pub use self::photograph::{Format, Photograph};
