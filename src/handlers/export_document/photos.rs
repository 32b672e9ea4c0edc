//! The report's photographs: each made small and upright beside the document, as `process_images` does, and fetched
//! for it.

use futures_util::future::join_all;

use super::plan::ExportPlan;
use crate::address::{self, AddressPolicy};
use crate::error::JobError;
use crate::handler::JobContext;
use crate::handlers::process_images::{self, ImageInput, OutputInput, VariantInput};
use crate::host::Host;
use crate::job::Progress;
use crate::media;
use crate::report::{Report, ReportPhoto};
use crate::storage::{self, StoragePlace};

/// Of a photograph in a document, in pixels.
const LONGEST_EDGE: u16 = 1_200;
const QUALITY: u8 = 80;
/// Of all photographs of a document together: it has to be in memory several times.
const MOST_BYTES: usize = 20 << 20;
const TIMEOUT_MS: u32 = 30_000;
const AT_ONCE: usize = 6;

/// A photograph as a document shows it, or why it cannot.
pub(super) type PreparedPhoto = Result<SmallPhoto, String>;

/// A photograph made for documents.
#[derive(Debug, Clone)]
pub(super) struct SmallPhoto {
    path: String,
    pub(super) width: u32,
    pub(super) height: u32,
    bytes: usize,
}

/// Makes every photograph small and upright. Each is a step.
///
/// # Errors
/// [`JobError`] for what is not a photograph's fault.
pub(super) async fn prepare<H: Host>(
    context: &JobContext<'_, H>,
    plan: &ExportPlan,
    report: &Report,
) -> Result<Vec<PreparedPhoto>, JobError> {
    let mut prepared = Vec::new();
    let mut room = MOST_BYTES;
    for (index, photo) in report.photos.iter().enumerate() {
        tell(context, index, report.photos.len());
        let Some(input) = input(photo) else {
            prepared.push(Err("it has no place that can be read".into()));
            continue;
        };
        let name = format!("photograph/{}", index + 1);
        let processed = context
            .step(&name, || {
                process_images::process_one(context, input, variant(), output(plan))
            })
            .await?;
        let made = processed.variants.into_iter().next();
        let photo = made.map(|made| SmallPhoto {
            path: made.path,
            width: made.width,
            height: made.height,
            bytes: made.bytes,
        });
        let photo = photo.ok_or_else(|| processed.error.unwrap_or_default());
        prepared.push(photo.and_then(|photo| {
            room = room
                .checked_sub(photo.bytes)
                .ok_or("the photographs before it fill the document")?;
            Ok(photo)
        }));
    }
    Ok(prepared)
}

/// The files of those that can be shown, one after the other.
///
/// # Errors
/// [`JobError::Retryable`] when one is not there that was just now.
pub(super) async fn files<H: Host>(
    context: &JobContext<'_, H>,
    plan: &ExportPlan,
    photos: &[PreparedPhoto],
) -> Result<Vec<u8>, JobError> {
    let photos: Vec<&SmallPhoto> = photos.iter().flatten().collect();
    let mut files = Vec::with_capacity(photos.iter().map(|photo| photo.bytes).sum());
    for some in photos.chunks(AT_ONCE) {
        let fetched = some.iter().map(|photo| {
            let place = StoragePlace {
                bucket: &plan.output.bucket,
                path: &photo.path,
            };
            let request = storage::download(context.config(), place, TIMEOUT_MS, MOST_BYTES);
            media::fetch_file(context, request)
        });
        for (photo, file) in some.iter().zip(join_all(fetched).await) {
            let file = file.map_err(|error| gone(&error.to_string()))?;
            if file.len() != photo.bytes {
                return Err(gone("it is another than before"));
            }
            files.extend_from_slice(&file);
        }
    }
    Ok(files)
}

fn gone(reason: &str) -> JobError {
    JobError::retryable(format!("a photograph made for the document: {reason}"))
}

impl SmallPhoto {
    /// How long its file is.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

fn variant() -> VariantInput {
    VariantInput {
        name: "doc".into(),
        max_edge: LONGEST_EDGE,
        quality: QUALITY,
    }
}

fn output(plan: &ExportPlan) -> OutputInput {
    OutputInput {
        bucket: plan.output.bucket.clone(),
        prefix: plan.folder_of_photographs(),
    }
}

/// A photograph as `process_images` takes it; `None` when nobody can say where it is.
fn input(photo: &ReportPhoto) -> Option<ImageInput> {
    let is_stored = match (&photo.bucket, &photo.path) {
        (Some(bucket), Some(path)) => storage::is_bucket(bucket) && storage::is_storage_path(path),
        _ => false,
    };
    let stored = |text: &Option<String>| text.clone().filter(|_| is_stored);
    let is_address = |url: &String| address::parse(url, AddressPolicy::Any).is_ok();
    let url = photo
        .url
        .clone()
        .filter(|url| !is_stored && is_address(url));
    (is_stored || url.is_some()).then(|| ImageInput {
        id: None,
        bucket: stored(&photo.bucket),
        path: stored(&photo.path),
        url,
        rotation: (photo.rotation % 360 + 45) / 90 * 90 % 360,
        redact: Vec::new(),
        annotations: Vec::new(),
    })
}

fn tell<H: Host>(context: &JobContext<'_, H>, done: usize, total: usize) {
    context.progress(Progress {
        phase: "photographs".into(),
        done: done as u32,
        total: total as u32,
        message: format!("{done} of {total} photographs are prepared"),
    });
}
