//! How to ask about some photos or notes after what the API refused so far.

use crate::error::JobError;
use crate::grok::{Failure, FailureClass};
use crate::handlers::generate_report::images::Refusal;
use crate::handlers::generate_report::topic::BatchDetails;

/// Photos that may be refused one after the other without a word of what is wrong with them, before one is taken.
const MOST_UNEXPLAINED: u32 = 2;

/// How to ask.
pub(super) struct RequestPlan {
    /// Topics in one request.
    pub(super) most: usize,
    /// Photos to be written about from their descriptions, by alias.
    pub(super) unseen: Vec<(String, Refusal)>,
    /// What is not asked about at all, by alias.
    pub(super) forbidden: Vec<String>,
    /// How often the same may be asked again, because a deferred answer was an error or is gone.
    repeats: u32,
    /// Photos that were refused without a reason since one was taken.
    unexplained: u32,
}

impl RequestPlan {
    /// What earlier attempts asked in vain comes up again, and each attempt may add to it.
    pub(super) fn new(topics: usize, retry_count: u32) -> Self {
        Self {
            most: topics,
            unseen: Vec::new(),
            forbidden: Vec::new(),
            repeats: retry_count + 1,
            unexplained: 0,
        }
    }

    /// A request was answered: the API takes photos.
    pub(super) fn note_answer(&mut self, details: &BatchDetails) {
        if details.images > 0 {
            self.unexplained = 0;
        }
    }

    /// After a refusal: asks for half as much, in the end for a single photo without showing it, and not at all about
    /// words that are forbidden. After the loss of a deferred answer: the same again.
    ///
    /// # Errors
    /// When the failure is about something else, or there is nothing left to leave out.
    pub(super) fn narrow(
        &mut self,
        failure: Failure,
        details: &BatchDetails,
    ) -> Result<(), JobError> {
        let refusal = match failure.class {
            FailureClass::Split { .. } => Refusal::TooMuch,
            FailureClass::Content => Refusal::Forbidden,
            FailureClass::Image | FailureClass::Parameter(_) | FailureClass::Unexplained => {
                Refusal::NotTaken
            }
            FailureClass::Gone | FailureClass::Transient { .. } if self.repeats > 0 => {
                self.repeats -= 1;
                return Ok(());
            }
            _ => return Err(failure.into()),
        };
        match details.asked.as_slice() {
            [alias] if details.images > 0 => {
                self.unexplained += u32::from(failure.class == FailureClass::Unexplained);
                if self.unexplained > MOST_UNEXPLAINED {
                    return Err(failure.into());
                }
                self.unseen.push((alias.clone(), refusal));
            }
            [alias] if refusal == Refusal::Forbidden => self.forbidden.push(alias.clone()),
            [] | [_] => return Err(failure.into()),
            several => {
                self.most = several.len() / 2;
                return Ok(());
            }
        }
        if refusal != Refusal::TooMuch {
            // The one it would not take is found: the others may go together.
            self.most = usize::MAX;
        }
        Ok(())
    }
}
