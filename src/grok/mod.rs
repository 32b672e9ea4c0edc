//! A client of xAI's API for any job type: what is asked, what comes back, what it costs, what can go wrong.
//!
//! [`Grok`] asks a [`Question`]. A step keeps what came back in a [`RequestRecord`], which [`Grok::answer`] reads.
// Whatever comes from outside, nothing here may panic.
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::string_slice))]

mod body;
mod chat;
mod client;
mod connection;
mod deferred;
mod failure;
mod fingerprint;
mod limiter;
mod parameters;
mod question;
mod record;
mod reply;
mod responses;
mod spending;
mod streaming;
mod transport;
mod usage;
mod wrapped;

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;

pub use self::client::{Grok, Preferences};
pub use self::failure::{Failure, FailureClass};
pub use self::parameters::Parameter;
pub use self::question::{Effort, ImageSource, Part, Question};
pub use self::record::{Receipt, RequestRecord, Ticket, answer_step};
pub use self::reply::{ApiReply, ContentProblem, ModelAnswer};
pub use self::spending::Spending;
pub use self::usage::{Estimate, TokenUsage};
