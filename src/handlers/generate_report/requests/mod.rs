//! Everything the model is asked for a report. A request is a step: paid for once, its reply kept as it came.

mod batches;
mod drafter;
mod drafting;
mod plan;
mod request;
mod reuse;

pub use self::drafter::Drafter;
pub use self::request::{Preparation, ReportRequest};
