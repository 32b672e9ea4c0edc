//! `process_images`: makes photographs upright and small, in several sizes, and puts them into Storage.
//!
//! One photograph is one step. What is done to its pixels is done by the kernel of photographs; one that cannot be had
//! or processed is told of in the result and fails nothing else.
// Whatever comes from outside, nothing here may panic.
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::string_slice))]

mod input;
mod output;
mod photograph;
mod plan;
mod source;
mod store;

#[cfg(test)]
mod tests;

use self::input::ImagesInput;
pub(super) use self::input::{ImageInput, OutputInput, VariantInput};
use self::output::{ImagesOutput, ProcessedImage};
use self::plan::ImagesPlan;
pub(super) use self::store::send;
use crate::error::JobError;
use crate::handler::{JobContext, JobHandler};
use crate::host::Host;
use crate::job::Progress;

/// The job type.
pub struct ProcessImages;

impl JobHandler for ProcessImages {
    const JOB_TYPE: &'static str = "process_images";

    type Input = ImagesInput;
    type Output = ImagesOutput;

    async fn run<H: Host>(
        input: ImagesInput,
        context: &JobContext<'_, H>,
    ) -> Result<ImagesOutput, JobError> {
        let plan = ImagesPlan::of(input, context.config().address_policy)?;
        let mut images: Vec<ProcessedImage> = Vec::new();
        for (index, image) in plan.images.iter().enumerate() {
            tell(context, index, plan.images.len());
            let name = format!("photograph/{}", index + 1);
            let processed = context.step(&name, || photograph::process(context, image, &plan));
            images.push(processed.await?);
        }
        tell(context, images.len(), plan.images.len());
        Ok(ImagesOutput::of(images))
    }
}

/// Makes one variant of one photograph, for another job type. It is for that to make it a step, and to have checked the
/// input.
///
/// # Errors
/// [`JobError`] for what is not the photograph's fault.
pub(super) async fn process_one<H: Host>(
    context: &JobContext<'_, H>,
    image: ImageInput,
    variant: VariantInput,
    output: OutputInput,
) -> Result<ProcessedImage, JobError> {
    let input = ImagesInput {
        images: vec![image],
        variants: Some(vec![variant]),
        output,
        gps: false,
        overwrite: false,
    };
    let plan = ImagesPlan::of(input, context.config().address_policy)?;
    let image = plan.images.first();
    let image = image.ok_or_else(|| JobError::permanent("a plan for no photograph"))?;
    photograph::process(context, image, &plan).await
}

fn tell<H: Host>(context: &JobContext<'_, H>, done: usize, total: usize) {
    context.progress(Progress {
        phase: "photographs".into(),
        done: done as u32,
        total: total as u32,
        message: format!("{done} of {total} photographs are processed"),
    });
}
