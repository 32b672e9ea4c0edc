//! Photographs: their bytes and formats, how they are fetched, and how many of them an isolate has in memory.

mod fetch;
mod memory;
mod photograph;

pub use self::fetch::{FetchError, fetch};
pub use self::memory::{ImageMemory, PhotographKey, Reservation};
pub use self::photograph::{Dimensions, Format, Photograph};
