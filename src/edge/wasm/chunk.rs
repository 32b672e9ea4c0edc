//! Job types whose code is a chunk: Wasm that is loaded with the first job, and shares the worker's memory. The build
//! (`xtask/src/wasm.rs`) cuts out everything that only the functions marked here lead to.

use std::rc::Rc;

use wasm_split_helpers::{SplitLoaderError, wasm_split};

use super::host::EdgeHost;
use super::meter::Meter;
use crate::error::JobError;
use crate::handler::{JobContext, JobFuture, JobHandler, Registration, attempt};
use crate::handlers::generate_report::GenerateReport;
use crate::handlers::process_images::ProcessImages;

/// Every job type that is not resident.
pub(super) fn registrations(meter: &Rc<Meter>) -> Vec<Registration<EdgeHost>> {
    let [of_reports, of_images] = [meter.clone(), meter.clone()];
    Vec::from([
        Registration {
            job_type: GenerateReport::JOB_TYPE.into(),
            unavailable: GenerateReport::unavailable,
            run: Rc::new(move |context| {
                of_reports.add_chunk();
                Box::pin(async move { generate_report(context).await?.await })
            }),
        },
        Registration {
            job_type: ProcessImages::JOB_TYPE.into(),
            unavailable: ProcessImages::unavailable,
            run: Rc::new(move |context| {
                of_images.add_chunk();
                Box::pin(async move { process_images(context).await?.await })
            }),
        },
    ])
}

// The macro exports the function under a name of its own: unsafe, should two have the same.
#[allow(unsafe_code)]
#[wasm_split(report, fallible)]
fn generate_report<'a>(context: &'a JobContext<'a, EdgeHost>) -> Result<JobFuture<'a>, JobError> {
    Ok(attempt::<GenerateReport, EdgeHost>(context))
}

#[allow(unsafe_code)]
#[wasm_split(report, fallible)]
fn process_images<'a>(context: &'a JobContext<'a, EdgeHost>) -> Result<JobFuture<'a>, JobError> {
    Ok(attempt::<ProcessImages, EdgeHost>(context))
}

impl From<SplitLoaderError> for JobError {
    fn from(_: SplitLoaderError) -> Self {
        Self::unavailable(
            "a part of the function could not be loaded (its log says why): deploy it again",
        )
    }
}
