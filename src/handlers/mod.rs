//! The job types this worker knows.

use crate::handler::Registration;
use crate::host::Host;

mod generate_report;
mod noop;

#[cfg(test)]
mod typescript;

/// Every job type; a test holds the list and the files of this folder equal.
pub fn all<H: Host>() -> [Registration<H>; 2] {
    [
        Registration::of::<generate_report::GenerateReport>(),
        Registration::of::<noop::Noop>(),
    ]
}
