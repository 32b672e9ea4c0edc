//! What tests share, and tests of the sources themselves.

mod crates;
mod documents;
pub mod fuzz;
mod reply;
mod scripted_host;
mod tidy;
pub mod typescript;

pub use self::reply::Reply;
pub use self::scripted_host::*;
