//! Photos on their way to the model: fetched from their address or from Storage, and checked by their bytes.
//!
//! A photo that cannot be had never fails the report: it is written about from its description, with a warning.

mod format;
mod source;

use std::cell::Cell;

use futures_util::StreamExt;
use futures_util::stream;
use serde::{Deserialize, Serialize};

pub use self::format::Format;
use self::format::Sniffed;
use super::input::ImageTransport;
use super::output::{Warning, WarningCode};
use super::visit::Photo;
use crate::handler::JobContext;
use crate::host::{Host, TransportError};

/// xAI takes no larger image.
const MOST_BYTES: usize = 10 << 20;
/// All photos of a request. Each is in memory about seven times for a moment: as it came, in the request as base64,
/// and in the runtime's copies of that.
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
    Bytes { format: Format, bytes: Vec<u8> },
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

/// Gets the photos of one request, in order; at least one of them is not without room. Those in `unseen` stay where
/// they are.
pub async fn load<H: Host>(
    context: &JobContext<'_, H>,
    photos: &[&Photo],
    transport: ImageTransport,
    unseen: &[(String, Refusal)],
) -> Vec<Loaded> {
    let room = Cell::new(MOST_BYTES_OF_A_REQUEST);
    let loads = photos.iter().map(|photo| async {
        if let Some((_, refusal)) = unseen.iter().find(|(alias, _)| *alias == photo.alias) {
            return Loaded::Refused(refusal.warning(photo));
        }
        match (&photo.url, transport) {
            (Some(url), ImageTransport::Url) => Loaded::Image(Image::Address(url.clone()), None),
            _ => fetch(context, photo, &room)
                .await
                .unwrap_or_else(|refusal| Loaded::Refused(refusal.warning(photo))),
        }
    });
    stream::iter(loads).buffered(AT_ONCE).collect().await
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

async fn fetch<H: Host>(
    context: &JobContext<'_, H>,
    photo: &Photo,
    room: &Cell<usize>,
) -> Result<Loaded, Refusal> {
    if room.get() == 0 {
        return Ok(Loaded::NoRoom);
    }
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
    let Some(left) = room.get().checked_sub(bytes.len()) else {
        room.set(0);
        return Ok(Loaded::NoRoom);
    };
    room.set(left);
    bytes.shrink_to_fit();
    Ok(Loaded::Image(Image::Bytes { format, bytes }, size))
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
