//! What can be written about: photos and notes, and how each is asked about.

use super::asking::Replied;
use super::batch::{Asked, Subject};
use super::draft::{Seen, Writer};
use super::images::{self, Loaded, Refusal};
use super::prompt;
use super::visit::{Note, Photo, Visit};
use crate::error::JobError;
use crate::host::Host;

/// What can be written about.
pub trait Topic: Sized {
    /// What it is.
    const SUBJECT: Subject;

    /// What the model calls it.
    fn alias(&self) -> &str;

    /// What may be answered about it.
    fn asked<'a>(&'a self, visit: &'a Visit) -> Asked<'a>;

    /// Asks about as many of them as fit into one request, at least one. Photos in `unseen` are not shown.
    ///
    /// # Errors
    /// [`JobError`] when the request fails.
    async fn ask<H: Host>(
        writer: &Writer<'_, H>,
        topics: &[&Self],
        unseen: &[(String, Refusal)],
    ) -> Result<Replied, JobError>;
}

impl Topic for Photo {
    const SUBJECT: Subject = Subject::Photos;

    fn alias(&self) -> &str {
        &self.alias
    }

    fn asked<'a>(&'a self, visit: &'a Visit) -> Asked<'a> {
        let clauses = visit.specifications.iter();
        let citable = clauses.filter(|clause| clause.applies_to(self));
        Asked {
            alias: &self.alias,
            specs: citable.map(|clause| clause.alias.as_str()).collect(),
        }
    }

    async fn ask<H: Host>(
        writer: &Writer<'_, H>,
        photos: &[&Self],
        unseen: &[(String, Refusal)],
    ) -> Result<Replied, JobError> {
        let transport = writer.visit.settings.image_transport;
        let batch = images::load(writer.context, photos, transport, unseen).await;
        let (mut asked, mut shown) = (Vec::new(), Vec::new());
        let (mut left, mut seen, mut warnings) = (Vec::new(), Vec::new(), Vec::new());
        for (photo, loaded) in photos.iter().copied().zip(batch.loaded) {
            let alias = photo.alias.clone();
            let image = match loaded {
                Loaded::Image(image, size) => {
                    seen.extend(size.map(|size| Seen { alias, size }));
                    Some(image)
                }
                Loaded::Refused(warning) => {
                    warnings.push(warning);
                    None
                }
                Loaded::NoRoom => {
                    left.push(alias);
                    continue;
                }
            };
            // About a photo that is neither seen nor described the model could only invent something.
            if image.is_some() || !photo.description.is_empty() {
                asked.push(photo);
                shown.push((photo, image));
            }
        }
        let images = shown.iter().filter(|(_, image)| image.is_some()).count();
        let parts = prompt::photos(writer.visit, shown);
        let replied = writer.ask(&asked, parts).await?;
        drop(batch.held);
        Ok(Replied {
            images,
            left,
            seen,
            warnings,
            ..replied
        })
    }
}

impl Topic for Note {
    const SUBJECT: Subject = Subject::Notes;

    fn alias(&self) -> &str {
        &self.alias
    }

    fn asked<'a>(&'a self, visit: &'a Visit) -> Asked<'a> {
        let clauses = visit.specifications.iter();
        let general = clauses.filter(|clause| clause.image_ids.is_empty());
        Asked {
            alias: &self.alias,
            specs: general.map(|clause| clause.alias.as_str()).collect(),
        }
    }

    async fn ask<H: Host>(
        writer: &Writer<'_, H>,
        notes: &[&Self],
        _unseen: &[(String, Refusal)],
    ) -> Result<Replied, JobError> {
        let parts = prompt::notes(writer.visit, notes);
        writer.ask(notes, parts).await
    }
}
