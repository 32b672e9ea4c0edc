//! The worker of a job queue that lives in a Supabase project's own Postgres.
//!
//! From the top down. A module uses those below it and none above:
//!
//! - [`edge`]: the HTTP endpoint, and the Deno isolate behind it. Only its part `wasm` names JavaScript.
//! - [`worker`]: one run of the worker, from its first claim to the answer: it starts jobs, stops those past their
//!   deadline, hands over.
//! - [`handlers`]: the job types.
//! - `report`: what a report job makes, and its text.
//! - [`grok`]: xAI's API: what is asked, what comes back, what it costs, what can go wrong.
//! - [`media`]: photographs: their formats, how they are fetched, and how many are in memory.
//! - [`storage`]: objects in Supabase Storage.
//! - [`handler`]: what a job type implements and what it is given.
//! - [`isolate`]: what one isolate may use and has used, the signals that reach it, and what survives its crash.
//! - [`queue`]: the database's functions, and when to repeat a call.
//! - [`log`]: the function's log.
//! - [`host`]: HTTP, clock and sleep behind one trait. Tests put a scripted host behind it.
//! - [`config`]: the settings.
//! - [`error`]: what a handler can answer instead of a result.
//! - [`job`]: a claimed job.
//! - `foreign_json`: JSON text that comes from a model or goes to the database, without what cannot be stored. Inputs
//!   are cleaned where they are enqueued (`pkg-template/src/arguments.ts`).
//! - `words`: text for people, on one line and without what cannot be seen.
//! - [`address`]: which addresses of the web a user's input may name.
#![warn(missing_docs)]

pub mod address;
pub mod config;
pub mod edge;
pub mod error;
mod foreign_json;
pub mod grok;
pub mod handler;
pub mod handlers;
pub mod host;
pub mod isolate;
pub mod job;
pub mod log;
pub mod media;
pub mod queue;
mod report;
pub mod storage;
mod words;
pub mod worker;

#[cfg(test)]
mod testing;
