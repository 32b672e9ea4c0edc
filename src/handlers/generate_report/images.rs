//! Photos on their way to the model: fetched from their address or from Storage, and checked by their bytes.
//!
//! A photo that cannot be had never fails the report: it is written about from its description, with a warning.

mod format;
mod source;

use std::cell::Cell;

use futures_util::StreamExt;
use futures_util::stream;
use serde::{Deserialize, Serialize};

use self::format::{Format, Sniffed};
use super::input::ImageTransport;
use super::output::{Warning, WarningCode};
use super::visit::Photo;
use crate::handler::JobContext;
use crate::host::{Host, TransportError};

/// xAI takes no larger image.
const MOST_BYTES: usize = 10 << 20;
/// All photos of a request: they are in memory as they are and once more, a third longer, in the request.
const MOST_BYTES_OF_A_REQUEST: usize = 32 << 20;
const AT_ONCE: usize = 4;
const TRIES: u32 = 2;
const PAUSE_MS: u32 = 1_000;

/// A photo as the model gets it.
#[derive(Debug)]
pub enum Image {
    /// Where xAI fetches it.
    Address(String),
    /// The photo itself.
    Bytes { format: Format, bytes: Vec<u8> },
}

/// What became of a photo.
#[derive(Debug, Default)]
pub struct Loaded {
    /// What the model gets; `None` when the photo could not be had.
    pub image: Option<Image>,
    /// Pixels as stored, if the worker saw them.
    pub size: Option<Size>,
    /// Why it could not be had.
    pub warning: Option<Warning>,
}

/// Width and height in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Size {
    pub w: u32,
    pub h: u32,
}

/// Gets the photos of one request, in order.
pub async fn load<H: Host>(
    context: &JobContext<'_, H>,
    photos: &[&Photo],
    transport: ImageTransport,
) -> Vec<Loaded> {
    let room = Cell::new(MOST_BYTES_OF_A_REQUEST);
    let loads = photos.iter().map(|photo| async {
        match (&photo.url, transport) {
            (Some(url), ImageTransport::Url) => Loaded {
                image: Some(Image::Address(url.clone())),
                ..Loaded::default()
            },
            _ => match fetch(context, photo, &room).await {
                Ok(loaded) => loaded,
                Err(refusal) => Loaded {
                    warning: Some(refusal.warning(photo)),
                    ..Loaded::default()
                },
            },
        }
    });
    stream::iter(loads).buffered(AT_ONCE).collect().await
}

/// Why a photo could not be had.
#[derive(Debug, PartialEq, Eq)]
enum Refusal {
    NotFound(u16),
    TooLarge,
    RequestFull,
    Unsupported,
    TimedOut,
    /// May pass: no connection, or a server that cannot answer now.
    Unreachable,
}

async fn fetch<H: Host>(
    context: &JobContext<'_, H>,
    photo: &Photo,
    room: &Cell<usize>,
) -> Result<Loaded, Refusal> {
    let mut tries = 1;
    let bytes = loop {
        if room.get() == 0 {
            return Err(Refusal::RequestFull);
        }
        match fetch_once(context, photo).await {
            Err(Refusal::Unreachable) if tries < TRIES => {
                tries += 1;
                context.sleep_ms(PAUSE_MS).await;
            }
            fetched => break fetched?,
        }
    };
    let Sniffed { format, size } = format::sniff(&bytes).ok_or(Refusal::Unsupported)?;
    let Some(left) = room.get().checked_sub(bytes.len()) else {
        room.set(0);
        return Err(Refusal::RequestFull);
    };
    room.set(left);
    Ok(Loaded {
        image: Some(Image::Bytes { format, bytes }),
        size,
        warning: None,
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
            Self::NotFound(status) => {
                (WarningCode::ImageNotFound, format!("the server answered {status}"))
            }
            Self::TooLarge => {
                let most = MOST_BYTES >> 20;
                (WarningCode::ImageTooLarge, format!("it is larger than {most} MiB"))
            }
            Self::RequestFull => (
                WarningCode::ImageTooLarge,
                "the photos of its batch are too large together; choose a smaller options.batchSize".into(),
            ),
            Self::Unsupported => {
                (WarningCode::ImageUnsupported, "it is neither JPEG nor PNG".into())
            }
            Self::TimedOut => (WarningCode::ImageUnreachable, "it did not come in time".into()),
            Self::Unreachable => {
                (WarningCode::ImageUnreachable, "the server did not answer".into())
            }
        };
        let message = format!("the photo was not seen, only its description: {reason}");
        Warning::about(code, &photo.id, message)
    }
}
