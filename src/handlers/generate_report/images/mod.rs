//! Photos on their way to the model: fetched from their address or from Storage, and checked by their bytes.
//!
//! A photo that cannot be had never fails the report: it is written about from its description, with a warning.

mod format;
mod memory;
mod source;

use std::rc::Rc;

use futures_util::future::join_all;
use serde::{Deserialize, Serialize};

pub use self::format::Format;
use self::format::Sniffed;
pub use self::memory::Held;
use self::memory::{Fetched, Key};
use super::visit::{ImageTransport, Photo};
use crate::handler::JobContext;
use crate::host::{Host, TransportError};
use crate::report::{Warning, WarningCode};

/// xAI takes no larger image.
const MOST_BYTES: usize = 10 << 20;
/// All photos of a request.
const MOST_BYTES_OF_A_REQUEST: usize = MOST_BYTES;
const AT_ONCE: usize = 3;
const TRIES: u32 = 2;
const PAUSE_MS: u32 = 1_000;

/// A photo as the model gets it.
#[derive(Debug)]
pub enum Image {
    /// Where xAI fetches it.
    Address(String),
    /// The photo itself.
    Bytes { format: Format, bytes: Rc<Vec<u8>> },
}

/// What became of a photo.
#[derive(Debug)]
pub enum Loaded {
    /// The model can have it; its size is known if the worker saw it.
    Image(Image, Option<Size>),
    /// It cannot be had, and why.
    Refused(Warning),
    /// The photos before it fill a request; it belongs into another.
    NoRoom,
}

/// Width and height in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Size {
    pub w: u32,
    pub h: u32,
}

/// The photos of one request.
pub struct Batch {
    /// What became of each, in order; at least one is not without room.
    pub loaded: Vec<Loaded>,
    /// Their place in memory, to be kept while the request is under way.
    pub held: Option<Held>,
}

/// Gets the photos of one request. Those in `unseen` stay where they are.
pub async fn load<H: Host>(
    context: &JobContext<'_, H>,
    photos: &[&Photo],
    transport: ImageTransport,
    unseen: &[(String, Refusal)],
) -> Batch {
    let is_fetched = |photo: &&&Photo| {
        let is_unseen = unseen.iter().any(|(alias, _)| *alias == photo.alias);
        !is_unseen && (photo.url.is_none() || transport == ImageTransport::Base64)
    };
    let wanted: Vec<Key> = photos
        .iter()
        .filter(is_fetched)
        .map(|photo| key(context, photo))
        .collect();
    let (mut held, known) = match wanted.is_empty() {
        true => (None, Vec::new()),
        false => {
            let memory = context.shared();
            let (held, known) = memory::hold(&memory, MOST_BYTES_OF_A_REQUEST, &wanted).await;
            (Some(held), known)
        }
    };
    let mut room = Room::default();
    let mut loaded = Vec::new();
    while let Some(next) = photos.get(loaded.len()..).filter(|left| !left.is_empty()) {
        let most = next.iter().take(room.at_once());
        let gets = most.map(|photo| get(context, photo, transport, unseen, &known));
        let got = join_all(gets).await;
        if got.is_empty() {
            loaded.resize_with(photos.len(), || Loaded::NoRoom);
            break;
        }
        for (photo, got) in next.iter().zip(got) {
            loaded.push(match got {
                Ok(got) if room.takes(&got) => {
                    if let (Some(held), Got::Bytes(fetched)) = (&mut held, &got) {
                        held.add(key(context, photo), fetched.clone());
                    }
                    got.loaded()
                }
                Ok(_) => Loaded::NoRoom,
                Err(refusal) => Loaded::Refused(refusal.warning(photo)),
            });
        }
    }
    if let Some(held) = &mut held {
        held.keep(room.taken);
    }
    Batch { loaded, held }
}

/// A photo the way the model is to have it; `known` are those that need not be fetched.
async fn get<H: Host>(
    context: &JobContext<'_, H>,
    photo: &Photo,
    transport: ImageTransport,
    unseen: &[(String, Refusal)],
    known: &[(Key, Fetched)],
) -> Result<Got, Refusal> {
    if let Some((_, refusal)) = unseen.iter().find(|(alias, _)| *alias == photo.alias) {
        return Err(*refusal);
    }
    if let (Some(url), ImageTransport::Url) = (&photo.url, transport) {
        return Ok(Got::Address(url.clone()));
    }
    match known.iter().find(|(key, _)| key.1 == photo.alias) {
        Some((_, fetched)) => Ok(Got::Bytes(fetched.clone())),
        None => fetch(context, photo).await.map(Got::Bytes),
    }
}

fn key<H: Host>(context: &JobContext<'_, H>, photo: &Photo) -> Key {
    (context.job().id, photo.alias.clone())
}

/// A photo that the model can have.
enum Got {
    Address(String),
    Bytes(Fetched),
}

impl Got {
    fn loaded(self) -> Loaded {
        match self {
            Self::Address(url) => Loaded::Image(Image::Address(url), None),
            Self::Bytes(Fetched {
                format,
                size,
                bytes,
            }) => Loaded::Image(Image::Bytes { format, bytes }, size),
        }
    }
}

/// What is left of a request. Photos of a visit are much alike, so what came tells how many more fit: hardly any is
/// fetched that does not.
#[derive(Default)]
struct Room {
    taken: usize,
    largest: usize,
    is_full: bool,
}

impl Room {
    /// How many photos to fetch next.
    fn at_once(&self) -> usize {
        match self.largest {
            _ if self.is_full => 0,
            0 => 1,
            largest => (self.left() / largest).min(AT_ONCE),
        }
    }

    fn takes(&mut self, got: &Got) -> bool {
        let bytes = match got {
            Got::Address(_) => 1,
            Got::Bytes(fetched) => fetched.bytes.len(),
        };
        self.largest = self.largest.max(bytes);
        self.is_full |= bytes > self.left();
        if !self.is_full {
            self.taken += bytes;
        }
        !self.is_full
    }

    fn left(&self) -> usize {
        MOST_BYTES_OF_A_REQUEST - self.taken
    }
}

/// Why the model does not get to see a photo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It is not there, or its place does not let the worker in.
    NotFound(u16),
    /// It is larger than xAI takes any.
    TooLarge,
    /// It is neither JPEG nor PNG.
    Unsupported,
    /// It did not come in time.
    TimedOut,
    /// May pass: no connection, or a server that cannot answer now.
    Unreachable,
    /// Shown to it, xAI refused it.
    NotTaken,
    /// A request is too much for xAI even with this photo alone.
    TooMuch,
}

async fn fetch<H: Host>(context: &JobContext<'_, H>, photo: &Photo) -> Result<Fetched, Refusal> {
    let mut tries = 1;
    let mut bytes = loop {
        match fetch_once(context, photo).await {
            Err(Refusal::Unreachable) if tries < TRIES => {
                tries += 1;
                context.sleep_ms(PAUSE_MS).await;
            }
            fetched => break fetched?,
        }
    };
    let Sniffed { format, size } = format::sniff(&bytes).ok_or(Refusal::Unsupported)?;
    bytes.shrink_to_fit();
    Ok(Fetched {
        format,
        size,
        bytes: Rc::new(bytes),
    })
}

async fn fetch_once<H: Host>(
    context: &JobContext<'_, H>,
    photo: &Photo,
) -> Result<Vec<u8>, Refusal> {
    let request = source::request(photo, context.config(), MOST_BYTES);
    let response = match context.fetch(request).await {
        Ok(response) => response,
        Err(TransportError::TooLarge) => return Err(Refusal::TooLarge),
        Err(TransportError::TimedOut) => return Err(Refusal::TimedOut),
        Err(TransportError::Failed(_)) => return Err(Refusal::Unreachable),
    };
    match response.status {
        200..=299 => Ok(response.body),
        408 | 425 | 429 | 500..=599 => Err(Refusal::Unreachable),
        status => Err(Refusal::NotFound(status)),
    }
}

impl Refusal {
    fn warning(self, photo: &Photo) -> Warning {
        let (code, reason) = match self {
            Self::NotFound(status) => (
                WarningCode::ImageNotFound,
                format!("the server answered {status}"),
            ),
            Self::TooLarge => {
                let most = MOST_BYTES >> 20;
                (
                    WarningCode::ImageTooLarge,
                    format!("it is larger than {most} MiB"),
                )
            }
            Self::Unsupported => (
                WarningCode::ImageUnsupported,
                "it is neither JPEG nor PNG".into(),
            ),
            Self::TimedOut => (
                WarningCode::ImageUnreachable,
                "it did not come in time".into(),
            ),
            Self::Unreachable => (
                WarningCode::ImageUnreachable,
                "the server did not answer".into(),
            ),
            Self::NotTaken => (WarningCode::ImageRefused, "xAI did not take it".into()),
            Self::TooMuch => (
                WarningCode::ImageTooLarge,
                "it is too much for one request to xAI".into(),
            ),
        };
        let message = format!("the photo was not seen, only its description: {reason}");
        Warning::about(code, &photo.id, message)
    }
}
