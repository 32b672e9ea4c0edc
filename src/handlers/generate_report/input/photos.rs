//! The photos of an input: where they are, what they are called, which groups they are in.

use super::address::address;
use super::fields::Fields;
use super::names::group_names;
use crate::error::JobError;
use crate::handlers::generate_report::visit::Photo;
use crate::report::{Warning, WarningCode};

/// More photos than this are another report.
const MOST_PHOTOS: usize = 200;

/// The photos in the order of the input.
///
/// # Errors
/// [`JobError::Permanent`] naming the image and its field.
pub(super) fn photos(input: &Fields, warnings: &mut Vec<Warning>) -> Result<Vec<Photo>, JobError> {
    let (mut name, mut images) = ("imagesWithNumbering", input.objects("imagesWithNumbering")?);
    if images.is_empty() {
        (name, images) = ("images", input.objects("images")?);
    }
    if images.len() > MOST_PHOTOS {
        let expected = format!(
            "{} images, expected at most {MOST_PHOTOS}; split the visit into several reports",
            images.len()
        );
        return Err(input.refusal(name, &expected));
    }
    let mut photos = Vec::new();
    for (index, image) in images.iter().enumerate() {
        let photo = photo(image, index + 1)?;
        if photos.iter().any(|known| is_repetition(&photo, known)) {
            let message = format!("{name}[{index}] is the same image once more; left out");
            let code = WarningCode::DuplicateImage;
            warnings.push(Warning::about(code, &photo.id, message));
        } else {
            photos.push(photo);
        }
    }
    Ok(photos)
}

/// Whether a photo says nothing that one before it has not said; its address may be signed anew.
fn is_repetition(photo: &Photo, known: &Photo) -> bool {
    photo.id == known.id && photo.groups == known.groups && photo.description == known.description
}

fn photo(image: &Fields, number: usize) -> Result<Photo, JobError> {
    let url = url(image)?;
    let stored = bucket_and_path(image)?;
    if url.is_none() && stored.is_none() {
        return Err(image.refusal(
            "url",
            "is missing, expected an address, or a bucket and a path instead of it",
        ));
    }
    Ok(Photo {
        alias: format!("p{number}"),
        id: image
            .filled("id")?
            .unwrap_or_else(|| format!("image-{number}")),
        url,
        stored,
        description: image.filled("description")?.unwrap_or_default(),
        tag: image.line("tag")?,
        groups: groups(image)?,
        number: image.whole_number("number")?.filter(|number| *number > 0),
        rotation: image.number("rotation")?.unwrap_or(0.0).rem_euclid(360.0) as u16,
    })
}

fn url(image: &Fields) -> Result<Option<String>, JobError> {
    let Some(given) = image.filled("url")? else {
        return Ok(None);
    };
    let expected = "expected an address that starts with https:// or http://";
    let url = address(&given).ok_or_else(|| image.refusal("url", expected))?;
    Ok(Some(url))
}

fn bucket_and_path(image: &Fields) -> Result<Option<(String, String)>, JobError> {
    match image.filled("bucket")?.zip(image.filled("path")?) {
        Some((bucket, path)) if !(is_storage_path(&bucket) && is_storage_path(&path)) => {
            let expected = "expected a path in the bucket, without empty parts, `.` and `..`";
            Err(image.refusal("path", expected))
        }
        stored => Ok(stored),
    }
}

/// Parts like `..` would lead the request, and the key with it, out of the bucket.
fn is_storage_path(path: &str) -> bool {
    path.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

/// Old clients send `ungrouped` for a photo that has no group.
fn groups(image: &Fields) -> Result<Vec<String>, JobError> {
    let mut groups = group_names(&image.texts_or_text("group")?);
    groups.retain(|name| !name.eq_ignore_ascii_case("ungrouped"));
    Ok(groups)
}
