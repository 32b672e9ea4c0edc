//! What is to be done, checked: everything that is wrong with an input is said before anything is done.

use std::collections::BTreeSet;

use image_kernel::order::{Annotation, Position, Rectangle};
use url::Url;

use super::input::{ImageInput, ImagesInput, OutputInput, VariantInput};
use crate::address::{self, AddressError, AddressPolicy};
use crate::error::JobError;
use crate::storage;

/// More photographs than this are another job.
const MOST_IMAGES: usize = 500;
const MOST_VARIANTS: usize = 8;
/// Each rectangle and each thing drawn takes its time.
const MOST_MARKS: usize = 100;
const LONGEST_TEXT: usize = 200;
const EDGES: std::ops::RangeInclusive<u16> = 16..=4_096;

/// What is to be done.
pub(super) struct ImagesPlan {
    pub(super) images: Vec<PlannedImage>,
    pub(super) variants: Vec<VariantInput>,
    pub(super) output: OutputInput,
    pub(super) wants_gps: bool,
    pub(super) overwrites: bool,
}

/// One photograph.
pub(super) struct PlannedImage {
    pub(super) id: String,
    pub(super) origin: Origin,
    pub(super) rotation: u16,
    pub(super) redact: Vec<Rectangle>,
    pub(super) annotations: Vec<Annotation>,
}

/// Where a photograph is.
pub(super) enum Origin {
    Stored {
        bucket: String,
        path: String,
    },
    Web(Url),
    /// At an address that is not called.
    Closed(AddressError),
}

impl ImagesPlan {
    /// The plan for an input.
    ///
    /// # Errors
    /// [`JobError::Permanent`] naming the field.
    pub(super) fn of(input: ImagesInput, policy: AddressPolicy) -> Result<Self, JobError> {
        let ImagesInput {
            images,
            variants,
            output,
            gps,
            overwrite,
        } = input;
        check_count("images", images.len(), MOST_IMAGES)?;
        let variants = variants.unwrap_or_else(default_variants);
        check_variants(&variants)?;
        check(
            "output.bucket",
            storage::is_bucket(&output.bucket),
            "expected the name of a bucket",
        )?;
        check(
            "output.prefix",
            storage::is_storage_path(&output.prefix),
            PATH,
        )?;
        let planned = images.into_iter().enumerate();
        let planned = planned.map(|(index, image)| planned_image(image, index, policy));
        Ok(Self {
            images: planned.collect::<Result<_, _>>()?,
            variants,
            output,
            wants_gps: gps,
            overwrites: overwrite,
        })
    }
}

const PATH: &str = "expected a path in the bucket, without spaces around it, empty parts, `.`, `..`, backslashes and what \
    looks like or stands for them";

fn default_variants() -> Vec<VariantInput> {
    [("ai", 1_600, 80), ("doc", 1_200, 80), ("thumb", 400, 75)]
        .map(|(name, max_edge, quality)| VariantInput {
            name: name.into(),
            max_edge,
            quality,
        })
        .into()
}

fn check_variants(variants: &[VariantInput]) -> Result<(), JobError> {
    check_count("variants", variants.len(), MOST_VARIANTS)?;
    let mut names = BTreeSet::new();
    for (index, variant) in variants.iter().enumerate() {
        let field = |name| format!("variants[{index}].{name}");
        let is_letter = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
        let is_name = (1..=40).contains(&variant.name.len()) && variant.name.chars().all(is_letter);
        check(
            &field("name"),
            is_name && names.insert(&variant.name),
            "expected a name of 1 to 40 letters, digits, `-` and `_` that no other variant has",
        )?;
        check(
            &field("max_edge"),
            EDGES.contains(&variant.max_edge),
            "expected 16 to 4096 pixels",
        )?;
        check(
            &field("quality"),
            (1..=100).contains(&variant.quality),
            "expected 1 to 100",
        )?;
    }
    Ok(())
}

fn planned_image(
    image: ImageInput,
    index: usize,
    policy: AddressPolicy,
) -> Result<PlannedImage, JobError> {
    let field = |name: &str| format!("images[{index}].{name}");
    check(
        &field("rotation"),
        matches!(image.rotation, 0 | 90 | 180 | 270),
        "expected 0, 90, 180 or 270 degrees",
    )?;
    check_marks(&field("redact"), &image.redact, |rectangle| {
        let Rectangle {
            x,
            y,
            width,
            height,
        } = *rectangle;
        is_part(x) && is_part(y) && is_part(width) && is_part(height)
    })?;
    check_marks(&field("annotations"), &image.annotations, is_drawable)?;
    let id = image.id.clone().filter(|id| !id.is_empty());
    Ok(PlannedImage {
        id: id.unwrap_or_else(|| format!("image-{}", index + 1)),
        origin: origin(&image, field, policy)?,
        rotation: image.rotation,
        redact: image.redact,
        annotations: image.annotations,
    })
}

/// What is no address of the web at all is a slip in the input. One that is not called costs its photograph only.
fn origin(
    image: &ImageInput,
    field: impl Fn(&str) -> String,
    policy: AddressPolicy,
) -> Result<Origin, JobError> {
    if let (Some(bucket), Some(path)) = (&image.bucket, &image.path) {
        let is_bucket = storage::is_bucket(bucket);
        check(&field("bucket"), is_bucket, "expected the name of a bucket")?;
        check(&field("path"), storage::is_storage_path(path), PATH)?;
        let (bucket, path) = (bucket.clone(), path.clone());
        return Ok(Origin::Stored { bucket, path });
    }
    let missing = "is missing, expected an address, or a bucket and a path instead of it";
    let url = image.url.as_deref();
    let url = url.ok_or_else(|| refusal(&field("url"), missing))?;
    match address::parse(url, policy) {
        Ok(url) => Ok(Origin::Web(url)),
        Err(error) if is_no_address(url) => Err(refusal(&field("url"), &error.to_string())),
        Err(error) => Ok(Origin::Closed(error)),
    }
}

fn is_no_address(given: &str) -> bool {
    address::parse(given, AddressPolicy::Any) == Err(AddressError::Scheme)
}

fn is_drawable(annotation: &Annotation) -> bool {
    let is_place = |place: &Position| is_part(place.x) && is_part(place.y);
    let (is_placed, color) = match annotation {
        Annotation::Arrow { from, to, color } => (is_place(from) && is_place(to), color),
        Annotation::Circle {
            center,
            radius,
            color,
        } => (is_place(center) && is_part(*radius), color),
        Annotation::Text { at, text, color } => {
            let is_line = (1..=LONGEST_TEXT).contains(&text.chars().count());
            (is_place(at) && is_line, color)
        }
    };
    is_placed && color.as_deref().is_none_or(is_color)
}

fn is_color(text: &str) -> bool {
    let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6);
    digits.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn is_part(number: f32) -> bool {
    (0.0..=1.0).contains(&number)
}

fn check_marks<T>(field: &str, marks: &[T], is_fine: impl Fn(&T) -> bool) -> Result<(), JobError> {
    check(
        field,
        marks.len() <= MOST_MARKS,
        &format!("expected at most {MOST_MARKS}"),
    )?;
    let expected = "expected positions and lengths from 0 to 1, colours like #ff0000, texts of 1 to 200 characters";
    let odd = marks.iter().position(|mark| !is_fine(mark));
    odd.map_or(Ok(()), |index| {
        Err(refusal(&format!("{field}[{index}]"), expected))
    })
}

fn check_count(field: &str, count: usize, most: usize) -> Result<(), JobError> {
    let expected = format!("expected 1 to {most}");
    check(field, (1..=most).contains(&count), &expected)
}

fn check(field: &str, is_fine: bool, expected: &str) -> Result<(), JobError> {
    match is_fine {
        true => Ok(()),
        false => Err(refusal(field, expected)),
    }
}

fn refusal(field: &str, expected: &str) -> JobError {
    JobError::permanent(format!("input_data.{field}: {expected}"))
}
