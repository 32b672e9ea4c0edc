//! What the edge function calls: who may start a run, what is answered over HTTP, and the Deno isolate.

pub mod auth;
pub mod endpoint;
#[cfg(target_arch = "wasm32")]
mod wasm;
