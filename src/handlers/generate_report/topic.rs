//! What can be written about: photos and notes, and what a request about some of them holds.

use serde::{Deserialize, Serialize};

use super::batch::{BatchItem, Subject};
use super::draft::SeenPhoto;
use super::images::{self, PhotoState, Refusal};
use super::prompt;
use super::visit::{Note, Photo, Visit};
use crate::grok::{ImageSource, Part};
use crate::handler::JobContext;
use crate::host::Host;
use crate::media::Reservation;
use crate::report::Warning;

/// What can be written about.
pub trait Topic: Sized {
    /// What it is.
    const SUBJECT: Subject;

    /// What the model calls it.
    fn alias(&self) -> &str;

    /// What may be answered about it.
    fn item<'a>(&'a self, visit: &'a Visit) -> BatchItem<'a>;

    /// Gathers a request about as many of them as fit into one, at least one. Photos in `unseen` are not shown.
    async fn gather<'t, H: Host>(
        context: &JobContext<'_, H>,
        visit: &Visit,
        topics: &[&'t Self],
        unseen: &[(String, Refusal)],
    ) -> TopicBatch<'t, Self>;
}

/// A request about some topics.
pub struct TopicBatch<'t, T> {
    /// What is asked about; may be nothing.
    pub topics: Vec<&'t T>,
    /// What to say about it.
    pub parts: Vec<Part>,
    /// What is kept with the answer.
    pub details: BatchDetails,
    /// Room for what is sent, to be kept while the request is under way.
    pub reservation: Option<Reservation>,
}

/// What a step keeps about its request beside the reply.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct BatchDetails {
    /// Aliases of what was asked about.
    pub asked: Vec<String>,
    /// How many photos went along.
    pub images: usize,
    /// Aliases of what did not fit into the request.
    pub left: Vec<String>,
    /// The photos that were seen.
    pub seen: Vec<SeenPhoto>,
    /// What became of the others.
    pub warnings: Vec<Warning>,
}

/// The aliases of topics.
pub fn aliases<T: Topic>(topics: &[&T]) -> Vec<String> {
    let topics = topics.iter();
    topics.map(|topic| topic.alias().to_owned()).collect()
}

impl Topic for Photo {
    const SUBJECT: Subject = Subject::Photos;

    fn alias(&self) -> &str {
        &self.alias
    }

    fn item<'a>(&'a self, visit: &'a Visit) -> BatchItem<'a> {
        let clauses = visit.specifications.iter();
        let citable = clauses.filter(|clause| clause.applies_to(self));
        BatchItem {
            alias: &self.alias,
            specs: citable.map(|clause| clause.alias.as_str()).collect(),
        }
    }

    async fn gather<'t, H: Host>(
        context: &JobContext<'_, H>,
        visit: &Visit,
        photos: &[&'t Self],
        unseen: &[(String, Refusal)],
    ) -> TopicBatch<'t, Self> {
        let transport = visit.settings.image_transport;
        let batch = images::load(context, photos, transport, unseen).await;
        let mut details = BatchDetails::default();
        let mut shown = Vec::new();
        for (photo, state) in photos.iter().copied().zip(batch.states) {
            let image = match state {
                PhotoState::Ready(image) => {
                    details.images += 1;
                    details.seen.extend(seen(photo, &image));
                    Some(image)
                }
                PhotoState::Refused(warning) => {
                    details.warnings.push(warning);
                    None
                }
                PhotoState::NoRoom => {
                    details.left.push(photo.alias.clone());
                    continue;
                }
            };
            // About a photo that is neither seen nor described the model could only invent something.
            if image.is_some() || !photo.description.is_empty() {
                shown.push((photo, image));
            }
        }
        let topics: Vec<&Self> = shown.iter().map(|(photo, _)| *photo).collect();
        details.asked = aliases(&topics);
        TopicBatch {
            topics,
            parts: prompt::photos(visit, shown),
            details,
            reservation: batch.reservation,
        }
    }
}

fn seen(photo: &Photo, image: &ImageSource) -> Option<SeenPhoto> {
    let ImageSource::Data(photograph) = image else {
        return None;
    };
    let size = photograph.dimensions?;
    let alias = photo.alias.clone();
    Some(SeenPhoto { alias, size })
}

impl Topic for Note {
    const SUBJECT: Subject = Subject::Notes;

    fn alias(&self) -> &str {
        &self.alias
    }

    fn item<'a>(&'a self, visit: &'a Visit) -> BatchItem<'a> {
        let clauses = visit.specifications.iter();
        let general = clauses.filter(|clause| clause.image_ids.is_empty());
        BatchItem {
            alias: &self.alias,
            specs: general.map(|clause| clause.alias.as_str()).collect(),
        }
    }

    async fn gather<'t, H: Host>(
        _context: &JobContext<'_, H>,
        visit: &Visit,
        notes: &[&'t Self],
        _unseen: &[(String, Refusal)],
    ) -> TopicBatch<'t, Self> {
        TopicBatch {
            topics: notes.to_vec(),
            parts: prompt::notes(visit, notes),
            details: BatchDetails {
                asked: aliases(notes),
                ..BatchDetails::default()
            },
            reservation: None,
        }
    }
}
