//! The photos of an input: where they are, what they are called, which groups they are in.

use super::fields::Fields;
use super::names::group_names;
use crate::address::{self, AddressError, AddressPolicy};
use crate::error::JobError;
use crate::handlers::generate_report::visit::Photo;
use crate::report::{Warning, WarningCode};
use crate::storage;

/// More photos than this are another report.
const MOST_PHOTOS: usize = 200;

/// The photos in the order of the input.
///
/// # Errors
/// [`JobError::Permanent`] naming the image and its field.
pub(super) fn photos(
    input: &Fields,
    policy: AddressPolicy,
    warnings: &mut Vec<Warning>,
) -> Result<Vec<Photo>, JobError> {
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
        let photo = photo(image, index + 1, policy)?;
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

fn photo(image: &Fields, number: usize, policy: AddressPolicy) -> Result<Photo, JobError> {
    let (url, url_error) = url(image, policy)?;
    let stored = bucket_and_path(image)?;
    if url.is_none() && url_error.is_none() && stored.is_none() {
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
        url_error,
        stored,
        description: image.filled("description")?.unwrap_or_default(),
        tag: image.line("tag")?,
        groups: groups(image)?,
        number: image.whole_number("number")?.filter(|number| *number > 0),
        rotation: image.number("rotation")?.unwrap_or(0.0).rem_euclid(360.0) as u16,
    })
}

/// What is no address of the web at all is a slip in the input. One that is not called costs the report its photo only.
fn url(
    image: &Fields,
    policy: AddressPolicy,
) -> Result<(Option<String>, Option<AddressError>), JobError> {
    let Some(given) = image.filled("url")? else {
        return Ok((None, None));
    };
    match address::parse(&given, policy) {
        Ok(url) => Ok((Some(url.into()), None)),
        Err(error) if is_no_address(&given) => Err(image.refusal("url", &error.to_string())),
        Err(error) => Ok((None, Some(error))),
    }
}

fn is_no_address(given: &str) -> bool {
    address::parse(given, AddressPolicy::Any) == Err(AddressError::Scheme)
}

/// As they are, spaces included: the database has judged the same text.
fn bucket_and_path(image: &Fields) -> Result<Option<(String, String)>, JobError> {
    let given = |name| -> Result<Option<String>, JobError> {
        Ok(image.text(name)?.filter(|text| !text.is_empty()))
    };
    let Some((bucket, path)) = given("bucket")?.zip(given("path")?) else {
        return Ok(None);
    };
    if !storage::is_bucket(&bucket) {
        return Err(image.refusal("bucket", "expected the name of a bucket"));
    }
    if !storage::is_storage_path(&path) {
        let expected = "expected a path in the bucket, without spaces around it, empty parts, `.`, `..`, backslashes and \
            what looks like or stands for them";
        return Err(image.refusal("path", expected));
    }
    Ok(Some((bucket, path)))
}

/// Old clients send `ungrouped` for a photo that has no group.
fn groups(image: &Fields) -> Result<Vec<String>, JobError> {
    let mut groups = group_names(&image.texts_or_text("group")?);
    groups.retain(|name| !name.eq_ignore_ascii_case("ungrouped"));
    Ok(groups)
}
