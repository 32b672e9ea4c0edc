//! Job types whose code is a chunk: Wasm that is loaded with the first job, and shares the worker's memory. The build
//! (`xtask/src/wasm.rs`) cuts out everything that only the functions marked here lead to.

use std::rc::Rc;

use serde_json::value::RawValue;
use wasm_split_helpers::{SplitLoaderError, wasm_split};

use super::host::EdgeHost;
use super::meter::Meter;
use crate::config::Config;
use crate::error::JobError;
use crate::handler::{JobContext, JobFuture, JobHandler, Registration, attempt};
use crate::handlers::export_document::ExportDocument;
use crate::handlers::generate_report::GenerateReport;
use crate::handlers::process_images::ProcessImages;

type Unavailable = fn(&Config) -> Option<&'static str>;

/// The job types whose code is in the chunk.
#[derive(Clone, Copy)]
enum Chunked {
    Report,
    Images,
    Document,
}

/// Every job type that is not resident.
pub(super) fn registrations(meter: &Rc<Meter>) -> Vec<Registration<EdgeHost>> {
    let all: [(_, _, Unavailable); 3] = [
        (
            Chunked::Report,
            GenerateReport::JOB_TYPE,
            GenerateReport::unavailable,
        ),
        (
            Chunked::Images,
            ProcessImages::JOB_TYPE,
            ProcessImages::unavailable,
        ),
        (
            Chunked::Document,
            ExportDocument::JOB_TYPE,
            ExportDocument::unavailable,
        ),
    ];
    let registrations = all.map(|(chunked, job_type, unavailable)| {
        let meter = meter.clone();
        Registration {
            job_type: job_type.into(),
            unavailable,
            run: Rc::new(move |context| {
                meter.add_chunk();
                Box::pin(run(chunked, context))
            }),
        }
    });
    registrations.into()
}

async fn run(
    chunked: Chunked,
    context: &JobContext<'_, EdgeHost>,
) -> Result<Box<RawValue>, JobError> {
    in_chunk(chunked, context).await?.await
}

// The macro exports the function under a name of its own: unsafe, should two have the same.
#[allow(unsafe_code)]
#[wasm_split(report, fallible)]
fn in_chunk<'a>(
    chunked: Chunked,
    context: &'a JobContext<'a, EdgeHost>,
) -> Result<JobFuture<'a>, JobError> {
    Ok(match chunked {
        Chunked::Report => attempt::<GenerateReport, EdgeHost>(context),
        Chunked::Images => attempt::<ProcessImages, EdgeHost>(context),
        Chunked::Document => attempt::<ExportDocument, EdgeHost>(context),
    })
}

impl From<SplitLoaderError> for JobError {
    fn from(_: SplitLoaderError) -> Self {
        Self::unavailable(
            "a part of the function could not be loaded (its log says why): deploy it again",
        )
    }
}
