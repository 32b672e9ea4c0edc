//! One photograph: fetched, processed, put into Storage.

use image_kernel::order::{Answer, Order, Source, Variant, VariantOrder};
use sha2::{Digest, Sha256};

use super::input::VariantInput;
use super::output::{ImageStatus, ProcessedImage, SourceImage, StoredVariant, VariantFile};
use super::plan::{ImagesPlan, PlannedImage};
use super::source;
use super::store::{self, Place};
use crate::error::JobError;
use crate::handler::JobContext;
use crate::host::{ComputeError, Host, Kernel};
use crate::isolate::Semaphore;
use crate::storage::StoragePlace;

/// The variant that annotations are drawn into.
const ANNOTATED: &str = "doc";

/// The jobs of an isolate have one photograph in memory at a time, all of them together.
#[derive(Default)]
struct OneAtATime(Semaphore);

/// What a variant is to be, and where.
struct Target<'a> {
    variant: &'a VariantInput,
    order: VariantOrder,
    path: String,
}

impl Target<'_> {
    fn stored(&self, file: VariantFile) -> StoredVariant {
        StoredVariant {
            name: self.variant.name.clone(),
            path: self.path.clone(),
            width: file.width,
            height: file.height,
            bytes: file.bytes,
            sha256: file.sha256,
        }
    }
}

/// Processes one photograph.
///
/// # Errors
/// [`JobError`] for what is not the photograph's fault.
pub(super) async fn process<H: Host>(
    context: &JobContext<'_, H>,
    image: &PlannedImage,
    plan: &ImagesPlan,
) -> Result<ProcessedImage, JobError> {
    let _permit = context.shared::<OneAtATime>().0.acquire(1, || 1).await;
    match source::get(context, &image.origin).await {
        Ok(file) => processed(context, image, plan, &file).await,
        Err(error) => Ok(failed(image, error.to_string())),
    }
}

async fn processed<H: Host>(
    context: &JobContext<'_, H>,
    image: &PlannedImage,
    plan: &ImagesPlan,
    file: &[u8],
) -> Result<ProcessedImage, JobError> {
    let sha256 = hex(&Sha256::digest(file));
    let targets = targets(image, plan, &sha256);
    let mut stored = Vec::new();
    for target in &targets {
        let place = place(plan, &target.path);
        let found = match plan.overwrites {
            true => Place::Empty,
            false => store::look(context, place).await?,
        };
        match found {
            Place::Foreign => {
                let error = format!("something else is at {}", target.path);
                return Ok(failed(image, error));
            }
            Place::Taken(file) => stored.push(Some(file)),
            Place::Empty => stored.push(None),
        }
    }
    let missing = targets
        .iter()
        .zip(&stored)
        .filter(|(_, stored)| stored.is_none());
    let missing: Vec<&Target> = missing.map(|(target, _)| target).collect();
    let order = order(image, plan, &missing);
    let (source, made) = match answer(context, &order, file).await? {
        Ok(answer) => answer,
        Err(reason) => return Ok(failed(image, reason)),
    };
    let mut made = made.into_iter();
    for (target, stored) in targets
        .iter()
        .zip(&mut stored)
        .filter(|(_, stored)| stored.is_none())
    {
        let Some((variant, bytes)) = made.next() else {
            return Ok(failed(image, ComputeError::Stopped.to_string()));
        };
        let file = VariantFile {
            width: variant.width,
            height: variant.height,
            bytes: variant.bytes,
            sha256: hex(&Sha256::digest(&bytes)),
        };
        store::put(context, place(plan, &target.path), bytes, &file).await?;
        *stored = Some(file);
    }
    let status = if missing.is_empty() {
        ImageStatus::Skipped
    } else {
        ImageStatus::Ok
    };
    let variants = targets.iter().zip(stored);
    let variants = variants.filter_map(|(target, file)| Some(target.stored(file?)));
    Ok(ProcessedImage {
        id: image.id.clone(),
        status,
        error: None,
        source: Some(source_image(source, file.len(), sha256)),
        variants: variants.collect(),
    })
}

/// What the kernel says to the order, or why it makes nothing of the file.
async fn answer<H: Host>(
    context: &JobContext<'_, H>,
    order: &Order,
    file: &[u8],
) -> Result<Result<(Source, Vec<(Variant, Vec<u8>)>), String>, JobError> {
    let head = image_kernel::head(order);
    let frame = match context.compute(Kernel::Images, &head, file).await {
        Ok(frame) => frame,
        Err(ComputeError::NotLoaded) => {
            return Err(JobError::unavailable(ComputeError::NotLoaded.to_string()));
        }
        Err(ComputeError::Stopped) => return Ok(Err(ComputeError::Stopped.to_string())),
    };
    Ok(match image_kernel::read_answer(&frame) {
        Some((Answer::Done { source, variants }, files)) => Ok((source, cut(variants, files))),
        Some((Answer::Refused(reason), _)) => Err(reason),
        None => Err(ComputeError::Stopped.to_string()),
    })
}

/// Each variant with its file, which stand one after the other.
fn cut(variants: Vec<Variant>, mut files: &[u8]) -> Vec<(Variant, Vec<u8>)> {
    let cut = variants.into_iter().map_while(|variant| {
        let (file, rest) = files.split_at_checked(variant.bytes)?;
        files = rest;
        Some((variant, file.to_vec()))
    });
    cut.collect()
}

fn order(image: &PlannedImage, plan: &ImagesPlan, targets: &[&Target]) -> Order {
    Order {
        rotation: image.rotation,
        wants_gps: plan.wants_gps,
        redact: image.redact.clone(),
        annotations: image.annotations.clone(),
        variants: targets.iter().map(|target| target.order.clone()).collect(),
    }
}

fn targets<'a>(image: &PlannedImage, plan: &'a ImagesPlan, sha256: &str) -> Vec<Target<'a>> {
    let targets = plan.variants.iter().map(|variant| {
        let order = VariantOrder {
            max_edge: variant.max_edge,
            quality: variant.quality,
            is_annotated: variant.name == ANNOTATED,
        };
        let address = address(image, &order, sha256);
        let path = format!("{}/{address}-{}.jpg", plan.output.prefix, variant.name);
        Target {
            variant,
            order,
            path,
        }
    });
    targets.collect()
}

/// What the content of a variant follows from, in short: the photograph and what is done to it.
fn address(image: &PlannedImage, variant: &VariantOrder, sha256: &str) -> String {
    let drawn = if variant.is_annotated {
        image.annotations.as_slice()
    } else {
        &[]
    };
    let parts = (
        image_kernel::VERSION,
        sha256,
        image.rotation,
        &image.redact,
        drawn,
        (variant.max_edge, variant.quality),
    );
    let text = serde_json::to_string(&parts).unwrap_or_default();
    let mut address = hex(&Sha256::digest(text));
    address.truncate(32);
    address
}

fn place<'a>(plan: &'a ImagesPlan, path: &'a str) -> StoragePlace<'a> {
    StoragePlace {
        bucket: &plan.output.bucket,
        path,
    }
}

fn source_image(source: Source, bytes: usize, sha256: String) -> SourceImage {
    SourceImage {
        width: source.width,
        height: source.height,
        bytes,
        format: source.format,
        sha256,
        taken_at: source.taken_at,
        gps: source.gps,
    }
}

fn failed(image: &PlannedImage, error: String) -> ProcessedImage {
    ProcessedImage {
        id: image.id.clone(),
        status: ImageStatus::Failed,
        error: Some(error),
        source: None,
        variants: Vec::new(),
    }
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().map(|byte| format!("{byte:02x}"));
    digits.collect()
}
