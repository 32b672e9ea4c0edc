//! The job types this worker knows.

use crate::handler::Registration;
use crate::host::Host;

#[cfg(feature = "faults")]
mod crash;
mod generate_report;
mod noop;

/// Every job type; a test holds the list and the files of this folder equal.
pub fn all<H: Host>() -> Vec<Registration<H>> {
    Vec::from([
        #[cfg(feature = "faults")]
        Registration::of::<crash::Crash>(),
        Registration::of::<generate_report::GenerateReport>(),
        Registration::of::<noop::Noop>(),
    ])
}
