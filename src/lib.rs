//! The worker of a job queue that lives in a Supabase project's own Postgres.
#![warn(missing_docs)]

pub mod auth;
pub mod budget;
pub mod config;
pub mod endpoint;
pub mod engine;
pub mod error;
pub mod handler;
pub mod handlers;
pub mod host;
pub mod job;
pub mod log;
pub mod outcome;
mod prefetch;
pub mod queue;
pub mod report;
pub mod retry;
pub mod signals;

#[cfg(target_arch = "wasm32")]
mod wasm;

#[cfg(test)]
mod scripted_host;
#[cfg(test)]
mod tidy;
