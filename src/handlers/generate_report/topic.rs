//! What can be written about: photos and notes, and what a request about some of them holds.

use serde::{Deserialize, Serialize};

use super::batch::BatchItem;
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
#[derive(Clone, Copy)]
pub enum Topic<'v> {
    /// A photo.
    Photo(&'v Photo),
    /// A line of the notes.
    Note(&'v Note),
}

/// A request about some topics.
pub struct TopicBatch<'v> {
    /// What is asked about; may be nothing.
    pub topics: Vec<Topic<'v>>,
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
pub fn aliases(topics: &[Topic]) -> Vec<String> {
    let topics = topics.iter();
    topics.map(|topic| topic.alias().to_owned()).collect()
}

impl<'v> Topic<'v> {
    /// What the model calls it.
    pub fn alias(self) -> &'v str {
        match self {
            Self::Photo(photo) => &photo.alias,
            Self::Note(note) => &note.alias,
        }
    }

    /// What may be answered about it.
    pub fn item(self, visit: &'v Visit) -> BatchItem<'v> {
        let clauses = visit.specifications.iter();
        let citable = clauses.filter(|clause| match self {
            Self::Photo(photo) => clause.applies_to(photo),
            Self::Note(_) => clause.image_ids.is_empty(),
        });
        BatchItem {
            alias: self.alias(),
            specs: citable.map(|clause| clause.alias.as_str()).collect(),
        }
    }
}

/// Gathers a request about as many of these topics, all of one kind, as fit into one, at least one. Photos in `unseen`
/// are not shown.
pub async fn gather<'v, H: Host>(
    context: &JobContext<'_, H>,
    visit: &Visit,
    topics: &[Topic<'v>],
    unseen: &[(String, Refusal)],
) -> TopicBatch<'v> {
    let (mut photos, mut notes) = (Vec::new(), Vec::new());
    for topic in topics {
        match topic {
            Topic::Photo(photo) => photos.push(*photo),
            Topic::Note(note) => notes.push(*note),
        }
    }
    if !photos.is_empty() {
        return gather_photos(context, visit, &photos, unseen).await;
    }
    TopicBatch {
        topics: topics.to_vec(),
        parts: prompt::notes(visit, &notes),
        details: BatchDetails {
            asked: aliases(topics),
            ..BatchDetails::default()
        },
        reservation: None,
    }
}

async fn gather_photos<'v, H: Host>(
    context: &JobContext<'_, H>,
    visit: &Visit,
    photos: &[&'v Photo],
    unseen: &[(String, Refusal)],
) -> TopicBatch<'v> {
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
    let topics: Vec<_> = shown.iter().map(|(photo, _)| Topic::Photo(photo)).collect();
    details.asked = aliases(&topics);
    TopicBatch {
        topics,
        parts: prompt::photos(visit, shown),
        details,
        reservation: batch.reservation,
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
