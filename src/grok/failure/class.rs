//! What a failure means for the next call.

use crate::grok::parameters::Parameter;

/// Whether the same call can succeed later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum FailureClass {
    /// It passes by itself, after this long if the API said so.
    Transient { retry_after_seconds: Option<u32> },
    /// The answer was deferred, and there is none any more; another one may be paid for again.
    Gone,
    /// It was not asked at all, because xAI wants a pause of so many seconds.
    Paused { seconds: u32 },
    /// No answer came in time; another attempt costs as much time again, and may be paid for again.
    TimedOut,
    /// The connection broke or never was; if it broke, another attempt may be paid for again.
    Lost,
    /// The request asks for too much at once: a part of it may be answered. `passes` if waiting helps too.
    Split { passes: bool },
    /// A photo of the request is what it will not take.
    Image,
    /// What a photo shows or a text says is against xAI's rules.
    Content,
    /// The model does not take this parameter.
    Parameter(Parameter),
    /// The request is refused, and nobody says what is wrong with it: perhaps a photo.
    Unexplained,
    /// It is about the caller and not the call: the key, the account. All calls fail until somebody sees to it.
    Unavailable,
    /// What it asks for is not there: the model, or the address.
    Missing,
    /// It would come again.
    Permanent,
}
