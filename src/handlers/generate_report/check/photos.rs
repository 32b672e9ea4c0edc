//! The photos of an input: where they are, what they are called, which groups they are in.

use super::{filled, group_names, invalid, line};
use crate::error::JobError;
use crate::handlers::generate_report::input::Image;
use crate::handlers::generate_report::visit::Photo;
use crate::report::{Warning, WarningCode};

/// More photos than this are another report.
const MOST_PHOTOS: usize = 200;

/// The photos in the order of the input.
///
/// # Errors
/// [`JobError::Permanent`] naming the image and its field.
pub(super) fn photos(
    with_numbering: Vec<Image>,
    images: Vec<Image>,
    warnings: &mut Vec<Warning>,
) -> Result<Vec<Photo>, JobError> {
    let (field, images) = match with_numbering.is_empty() {
        true => ("images", images),
        false => ("imagesWithNumbering", with_numbering),
    };
    if images.len() > MOST_PHOTOS {
        let expected = format!(
            "{} images, expected at most {MOST_PHOTOS}; split the visit into several reports",
            images.len()
        );
        return Err(invalid(field, &expected));
    }
    let mut photos = Vec::new();
    for (index, image) in images.into_iter().enumerate() {
        let photo = photo(index, image, &format!("{field}[{index}]"))?;
        match photos.iter().any(|known| is_repetition(&photo, known)) {
            true => {
                let message = format!("{field}[{index}] is the same image once more; left out");
                warnings.push(Warning::about(
                    WarningCode::DuplicateImage,
                    &photo.id,
                    message,
                ));
            }
            false => photos.push(photo),
        }
    }
    Ok(photos)
}

/// Whether a photo says nothing that one before it has not said; its address may be signed anew.
fn is_repetition(photo: &Photo, known: &Photo) -> bool {
    photo.id == known.id && photo.groups == known.groups && photo.description == known.description
}

fn photo(index: usize, image: Image, field: &str) -> Result<Photo, JobError> {
    let url = filled(image.url);
    let stored = filled(image.bucket).zip(filled(image.path));
    if let Some(url) = &url
        && !is_address(url)
    {
        return Err(invalid(
            &format!("{field}.url"),
            "expected an address that starts with https:// or http://",
        ));
    }
    if url.is_none() && stored.is_none() {
        return Err(invalid(
            &format!("{field}.url"),
            "is missing, expected an address, or a bucket and a path instead of it",
        ));
    }
    if let Some((bucket, path)) = &stored
        && !(is_storage_path(bucket) && is_storage_path(path))
    {
        return Err(invalid(
            &format!("{field}.path"),
            "expected a path in the bucket, without empty parts, `.` and `..`",
        ));
    }
    Ok(Photo {
        alias: format!("p{}", index + 1),
        id: filled(image.id).unwrap_or_else(|| format!("image-{}", index + 1)),
        url,
        stored,
        description: image.description.unwrap_or_default().trim().to_owned(),
        tag: line(image.tag),
        groups: named_groups(image.group),
        number: image.number.filter(|number| *number > 0),
        rotation: image.rotation.unwrap_or(0.0).rem_euclid(360.0) as u16,
    })
}

fn is_address(url: &str) -> bool {
    let scheme = url.split("://").next().unwrap_or_default();
    let is_http = scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http");
    is_http && url.len() > scheme.len() + 3 && !url.contains(|c: char| c.is_control() || c == ' ')
}

/// Parts like `..` would lead the request, and the key with it, out of the bucket.
fn is_storage_path(path: &str) -> bool {
    path.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

/// Old clients send `ungrouped` for a photo that has no group.
fn named_groups(groups: Vec<String>) -> Vec<String> {
    let mut groups = group_names(groups);
    groups.retain(|name| !name.eq_ignore_ascii_case("ungrouped"));
    groups
}
