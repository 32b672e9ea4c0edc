//! Why the model does not get to see a photo.

use crate::media::FetchError;
use crate::report::{Warning, WarningCode};

/// Why the model does not get to see a photo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The worker cannot have it.
    Unavailable(FetchError),
    /// Shown to it, xAI refused it.
    NotTaken,
    /// xAI does not write about what it shows.
    Forbidden,
    /// A request is too much for xAI even with this photo alone.
    TooMuch,
}

impl Refusal {
    /// What the engineer is told about it.
    pub(super) fn warning(self, image_id: &str) -> Warning {
        use FetchError::{
            Address, NotFound, Redirect, TimedOut, TooLarge, TooManyRedirects, Truncated,
            Unreachable, Unsupported,
        };
        let (code, reason) = match self {
            Self::Unavailable(Address(error)) => (
                WarningCode::ImageAddress,
                format!("its address is not called, {error}"),
            ),
            Self::Unavailable(Redirect(error)) => (
                WarningCode::ImageAddress,
                format!("its server redirects elsewhere, {error}"),
            ),
            Self::Unavailable(TooManyRedirects) => (
                WarningCode::ImageAddress,
                "its server redirects again and again".into(),
            ),
            Self::Unavailable(NotFound(status)) => (
                WarningCode::ImageNotFound,
                format!("the server answered {status}"),
            ),
            Self::Unavailable(TooLarge) => (
                WarningCode::ImageTooLarge,
                "it is larger than 10 MiB".into(),
            ),
            Self::Unavailable(Unsupported) => (
                WarningCode::ImageUnsupported,
                "it is neither JPEG nor PNG".into(),
            ),
            Self::Unavailable(Truncated) => (
                WarningCode::ImageUnsupported,
                "the end of the file is missing".into(),
            ),
            Self::Unavailable(TimedOut) => (
                WarningCode::ImageUnreachable,
                "it did not come in time".into(),
            ),
            Self::Unavailable(Unreachable) => (
                WarningCode::ImageUnreachable,
                "the server did not answer".into(),
            ),
            Self::NotTaken => (WarningCode::ImageRefused, "xAI did not take it".into()),
            Self::Forbidden => (
                WarningCode::ImageRefused,
                "xAI's rules forbid to write about it".into(),
            ),
            Self::TooMuch => (
                WarningCode::ImageTooLarge,
                "it is too much for one request to xAI".into(),
            ),
        };
        let message = format!("the photo was not seen, only its description: {reason}");
        Warning::about(code, image_id, message)
    }
}
