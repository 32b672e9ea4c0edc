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
        let (code, reason) = match self {
            Self::Unavailable(error) => (code(error), error.to_string()),
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

fn code(error: FetchError) -> WarningCode {
    use FetchError::{
        Address, NotFound, Redirect, TimedOut, TooLarge, TooManyRedirects, Truncated, Unreachable,
        Unsupported,
    };
    match error {
        Address(_) | Redirect(_) | TooManyRedirects => WarningCode::ImageAddress,
        NotFound(_) => WarningCode::ImageNotFound,
        TooLarge(_) => WarningCode::ImageTooLarge,
        Unsupported | Truncated => WarningCode::ImageUnsupported,
        TimedOut | Unreachable => WarningCode::ImageUnreachable,
    }
}
