//! The photos of a request: fetched from their address or from Storage as far as they fit.
//!
//! A photo that cannot be had never fails the report: it is written about from its description, with a warning.

mod refusal;
mod room;

use futures_util::future::join_all;

pub use self::refusal::Refusal;
use self::room::{ROOM_BYTES, Room};

use super::visit::{ImageTransport, Photo};
use crate::address::AddressError;
use crate::grok::ImageSource;
use crate::handler::JobContext;
use crate::host::{Host, HttpRequest, Method};
use crate::media::{self, FetchError, ImageMemory, Photograph, PhotographKey, Reservation};
use crate::report::Warning;
use crate::storage::{self, StoragePlace};

/// xAI takes no larger image.
const MOST_BYTES: usize = 10 << 20;
const TIMEOUT_MS: u32 = 15_000;

/// The photos of one request.
pub struct PhotoBatch {
    /// What became of each, in order; at least one is not without room.
    pub states: Vec<PhotoState>,
    /// Their room in memory, to be kept while the request is under way.
    pub reservation: Option<Reservation>,
}

/// What became of a photo.
#[derive(Debug)]
pub enum PhotoState {
    /// The model can have it.
    Ready(ImageSource),
    /// It cannot be had, and why.
    Refused(Warning),
    /// The photos before it fill a request; it belongs into another.
    NoRoom,
}

/// What decides how photos get to the model.
struct Loader<'a, H> {
    context: &'a JobContext<'a, H>,
    transport: ImageTransport,
    /// Photos that stay where they are, by alias.
    unseen: &'a [(String, Refusal)],
}

/// Gets the photos of one request. Those in `unseen` stay where they are.
pub async fn load<H: Host>(
    context: &JobContext<'_, H>,
    photos: &[&Photo],
    transport: ImageTransport,
    unseen: &[(String, Refusal)],
) -> PhotoBatch {
    let loader = Loader {
        context,
        transport,
        unseen,
    };
    let (mut reservation, known) = loader.reserve(photos).await;
    let mut room = Room::default();
    let mut states = Vec::new();
    while let Some(next) = photos.get(states.len()..).filter(|left| !left.is_empty()) {
        let most = next.iter().take(room.at_once());
        let sources = join_all(most.map(|photo| loader.get(photo, &known))).await;
        if sources.is_empty() {
            states.resize_with(photos.len(), || PhotoState::NoRoom);
            break;
        }
        for (photo, source) in next.iter().zip(sources) {
            states.push(match source {
                Ok(source) if room.take(&source) => {
                    if let (Some(reservation), ImageSource::Data(photograph)) =
                        (&mut reservation, &source)
                    {
                        reservation.add(loader.key(photo), photograph.clone());
                    }
                    PhotoState::Ready(source)
                }
                Ok(_) => PhotoState::NoRoom,
                Err(refusal) => PhotoState::Refused(refusal.warning(&photo.id)),
            });
        }
    }
    if let Some(reservation) = &mut reservation {
        reservation.shrink_to(room.taken());
    }
    PhotoBatch {
        states,
        reservation,
    }
}

impl<H: Host> Loader<'_, H> {
    /// Room for the photos that travel as bytes, and those of them that are still in memory.
    async fn reserve(
        &self,
        photos: &[&Photo],
    ) -> (Option<Reservation>, Vec<(PhotographKey, Photograph)>) {
        let is_fetched = |photo: &&&Photo| {
            let by_url = photo.url.is_some() && self.transport == ImageTransport::Url;
            !by_url && self.refusal(photo).is_none()
        };
        let fetched = photos.iter().filter(is_fetched);
        let wanted: Vec<PhotographKey> = fetched.map(|photo| self.key(photo)).collect();
        if wanted.is_empty() {
            return (None, Vec::new());
        }
        let memory = self.context.shared::<ImageMemory>();
        let (reservation, known) = memory.reserve(ROOM_BYTES, &wanted).await;
        (Some(reservation), known)
    }

    /// A photo the way the model is to have it; `known` are those that need not be fetched.
    async fn get(
        &self,
        photo: &Photo,
        known: &[(PhotographKey, Photograph)],
    ) -> Result<ImageSource, Refusal> {
        if let Some(refusal) = self.refusal(photo) {
            return Err(refusal);
        }
        if let (Some(url), ImageTransport::Url) = (&photo.url, self.transport) {
            return Ok(ImageSource::Url(url.clone()));
        }
        let key = self.key(photo);
        let photograph = match known.iter().find(|(known, _)| *known == key) {
            Some((_, photograph)) => Ok(photograph.clone()),
            None => match self.request(photo) {
                Ok(request) => media::fetch(self.context, request).await,
                Err(error) => Err(error),
            },
        };
        photograph
            .map(ImageSource::Data)
            .map_err(Refusal::Unavailable)
    }

    /// Only a photo named by bucket and path is fetched with the project's key.
    fn request(&self, photo: &Photo) -> Result<HttpRequest, FetchError> {
        if let Some((bucket, path)) = &photo.stored {
            let place = StoragePlace { bucket, path };
            let config = self.context.config();
            return Ok(storage::download(config, place, TIMEOUT_MS, MOST_BYTES));
        }
        let url = photo.url.clone().ok_or_else(|| {
            let error = photo.url_error.unwrap_or(AddressError::Scheme);
            FetchError::Address(error)
        })?;
        Ok(HttpRequest {
            method: Method::Get,
            url,
            headers: Vec::new(),
            body: None,
            timeout_ms: TIMEOUT_MS,
            max_response_bytes: MOST_BYTES,
        })
    }

    fn refusal(&self, photo: &Photo) -> Option<Refusal> {
        let mut unseen = self.unseen.iter();
        let refused = unseen.find(|(alias, _)| *alias == photo.alias);
        refused.map(|(_, refusal)| *refusal)
    }

    fn key(&self, photo: &Photo) -> PhotographKey {
        (self.context.job().id, photo.alias.clone())
    }
}
