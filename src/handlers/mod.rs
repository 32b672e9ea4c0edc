//! The job types this worker knows.

use crate::handler::Registration;
use crate::host::Host;

#[cfg(feature = "faults")]
mod crash;
pub(crate) mod export_document;
pub(crate) mod generate_report;
mod noop;
pub(crate) mod process_images;

#[cfg(test)]
pub(crate) use self::generate_report::declare;

/// Every job type; a test holds the list and the files of this folder equal.
pub fn all<H: Host>() -> Vec<Registration<H>> {
    let mut all = resident();
    all.push(Registration::of::<generate_report::GenerateReport>());
    all.push(Registration::of::<process_images::ProcessImages>());
    all.push(Registration::of::<export_document::ExportDocument>());
    all
}

/// The job types whose code is loaded with the worker. On the edge the others come as chunks, with their first job.
pub fn resident<H: Host>() -> Vec<Registration<H>> {
    Vec::from([
        #[cfg(feature = "faults")]
        Registration::of::<crash::Crash>(),
        Registration::of::<noop::Noop>(),
    ])
}
