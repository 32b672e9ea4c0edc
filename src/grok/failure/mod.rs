//! What it means when the API does not answer, from what it says instead.

mod class;
mod explanation;
mod wording;

#[cfg(test)]
mod tests;

pub use self::class::FailureClass;
use self::explanation::Explanation;
use super::parameters::Parameter;
use crate::error::JobError;
use crate::host::TransportError;

/// A call without an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Whether the same call can succeed later.
    pub class: FailureClass,
    /// What happened and, where an operator can do something, what.
    pub message: String,
}

impl From<Failure> for JobError {
    fn from(Failure { class, message }: Failure) -> Self {
        match class {
            FailureClass::Transient {
                retry_after_seconds,
            } => Self::Retryable {
                message,
                retry_after_seconds,
                stack: None,
            },
            FailureClass::Paused { seconds } => Self::Snoozed { seconds },
            FailureClass::Unavailable => Self::unavailable(message),
            FailureClass::TimedOut
            | FailureClass::Lost
            | FailureClass::Gone
            | FailureClass::Split { passes: true } => Self::retryable(message),
            FailureClass::Split { passes: false }
            | FailureClass::Image
            | FailureClass::Content
            | FailureClass::Parameter(_)
            | FailureClass::Unexplained
            | FailureClass::Missing
            | FailureClass::Permanent => Self::permanent(message),
        }
    }
}

impl Failure {
    /// A request that is not to be sent now, nor for so long.
    pub(super) fn paused(ms: u64) -> Self {
        let seconds = ms.div_ceil(1_000) as u32;
        Self {
            class: FailureClass::Paused { seconds },
            message: format!("grok wants a pause of {seconds} seconds"),
        }
    }

    /// The failure that a step keeps.
    pub(super) fn kept(problem: &str, may_pass: bool) -> Self {
        let class = match may_pass {
            true => FailureClass::Lost,
            false => FailureClass::Permanent,
        };
        let message = problem.to_owned();
        Self { class, message }
    }

    pub(super) fn gone() -> Self {
        Self {
            class: FailureClass::Gone,
            message: "grok has no answer any more to what it deferred".into(),
        }
    }

    pub(super) fn cut() -> Self {
        Self {
            class: FailureClass::Lost,
            message: "grok stopped in the middle of its answer".into(),
        }
    }

    pub(super) fn transport(error: &TransportError) -> Self {
        let class = match error {
            TransportError::TimedOut => FailureClass::TimedOut,
            TransportError::Failed(_) | TransportError::TooLarge => FailureClass::Lost,
        };
        Self {
            class,
            message: format!("grok: {error}"),
        }
    }

    /// Judges a reply that is no answer.
    pub(super) fn response(status: u16, body: &[u8], api_key: &str) -> Self {
        let explanation = Explanation::read(status, body, api_key);
        Self {
            class: explanation.class(status),
            message: format!(
                "grok answered {status}: {explanation}{}",
                explanation.advice(status)
            ),
        }
    }

    /// The same, knowing how long the server asks to wait.
    pub(super) fn waiting_as_told(mut self, seconds: Option<u32>) -> Self {
        if let FailureClass::Transient {
            retry_after_seconds,
        } = &mut self.class
        {
            *retry_after_seconds = seconds;
        }
        self
    }

    /// The same about a request that went without the parameters in `left_out`: they are not what is wrong with it.
    pub(super) fn without(mut self, left_out: &[Parameter]) -> Self {
        if matches!(&self.class, FailureClass::Parameter(parameter) if left_out.contains(parameter))
        {
            self.class = FailureClass::Unexplained;
        }
        self
    }

    /// The same about a request for the model that is configured for all jobs: what is missing is none's fault.
    pub(super) fn about_configured_model(mut self) -> Self {
        if self.class == FailureClass::Missing {
            self.class = FailureClass::Unavailable;
            self.message
                .push_str("; check GROK_MODEL and GROK_BASE_URL");
        }
        self
    }

    /// What to say of it to whoever wants the report.
    pub fn for_people(self) -> String {
        match self.class {
            FailureClass::Unavailable => "grok is not available at the moment".into(),
            _ => self.message,
        }
    }

    /// How long the server asks to wait.
    pub(super) fn told_to_wait_seconds(&self) -> Option<u32> {
        match self.class {
            FailureClass::Transient {
                retry_after_seconds,
            } => retry_after_seconds,
            _ => None,
        }
    }

    /// Whether another request about the same things can be answered at once.
    pub(super) fn is_about_the_request(&self, has_images: bool) -> bool {
        match self.class {
            FailureClass::Split { .. } | FailureClass::Image | FailureClass::Content => true,
            FailureClass::Unexplained => has_images,
            _ => false,
        }
    }
}
