//! The worker of a job queue that lives in a Supabase project's own Postgres.
//!
//! From the outside in; a module uses those below it and none above:
//!
//! - `wasm`: what the edge function calls, and the world as it is there. Nothing else names JavaScript.
//! - [`endpoint`], [`auth`]: who may start a run, and what is answered over HTTP.
//! - [`engine`]: one run, from the first claim to the [`report`]. [`budget`] says how long, [`signals`] reach
//!   it from outside, `prefetch` sizes its claims, [`outcome`] turns a handler's answer into a result,
//!   [`crash_record`] is what a crash leaves readable.
//! - [`handlers`]: the job types. [`handler`] is what they implement and what they are given.
//! - [`grok`], [`media`], [`storage`]: xAI's API, photographs' bytes and Supabase Storage, for handlers to use.
//! - [`queue`], [`retry`]: the database's functions, and when a call is worth repeating.
//! - [`config`], [`log`], [`error`], [`job`]: settings, log lines, verdicts, and a claimed job.
//! - [`host`]: the one seam to HTTP, clock and log. Tests put a scripted world behind it.
#![warn(missing_docs)]

pub mod config;
pub mod edge;
pub mod error;
pub mod grok;
pub mod handler;
pub mod handlers;
pub mod host;
pub mod isolate;
pub mod job;
pub mod log;
pub mod media;
pub mod queue;
pub mod storage;
pub mod worker;

#[cfg(test)]
mod testing;
