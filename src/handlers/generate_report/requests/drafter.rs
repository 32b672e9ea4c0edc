//! What is needed to ask for a report, and what its requests know of each other.

use std::cell::{Cell, RefCell};

use crate::error::JobError;
use crate::grok::{self, Grok, Receipt, RequestRecord};
use crate::handler::JobContext;
use crate::handlers::generate_report::batch::Subject;
use crate::handlers::generate_report::visit::Visit;
use crate::host::Host;
use crate::job::Progress;

const TEXT_EVERY_MS: u64 = 1_000;

/// Asks the model for a report.
pub struct Drafter<'a, H> {
    /// The job.
    pub context: &'a JobContext<'a, H>,
    /// Who is asked.
    pub grok: &'a Grok<'a, H>,
    /// What to write about.
    pub visit: &'a Visit,
    /// How to write.
    pub rules: &'a str,
    /// Photos that are done.
    done: Cell<usize>,
    /// When it was told last that an answer grows.
    text_told_at_ms: Cell<u64>,
    /// What went wrong first.
    failure: RefCell<Option<JobError>>,
}

impl<'a, H: Host> Drafter<'a, H> {
    /// A drafter that has not begun.
    pub fn new(
        context: &'a JobContext<'a, H>,
        grok: &'a Grok<'a, H>,
        visit: &'a Visit,
        rules: &'a str,
    ) -> Self {
        Self {
            context,
            grok,
            visit,
            rules,
            done: Cell::default(),
            text_told_at_ms: Cell::default(),
            failure: RefCell::default(),
        }
    }

    /// Whether the job has failed elsewhere, so that nothing new is to be begun.
    ///
    /// # Errors
    /// The error it has failed with.
    pub(super) fn check_failure(&self) -> Result<(), JobError> {
        match &*self.failure.borrow() {
            Some(error) => Err(error.clone()),
            None => Ok(()),
        }
    }

    /// Lets nothing new begin after a failure. Having to wait is none: others need not.
    pub(super) fn note_failure(&self, error: &JobError) {
        if !matches!(error, JobError::Snoozed { .. }) {
            self.failure.borrow_mut().get_or_insert(error.clone());
        }
    }

    /// Whether an earlier run finished a step.
    pub(super) fn is_kept(&self, step: &str) -> bool {
        self.context.job().steps.contains_key(step)
    }

    /// Whether an earlier run knew the answer.
    pub(super) fn was_known<D>(&self, step: &str, record: &RequestRecord<D>) -> bool {
        self.is_kept(step)
            && match record.sent {
                Some(Receipt::Ticket(_)) => self.is_kept(&grok::answer_step(step)),
                Some(Receipt::Reply(_)) | None => true,
            }
    }

    /// So many more photos are done.
    pub(super) fn add_done(&self, photos: usize) {
        self.done.set(self.done.get() + photos);
    }

    /// Tells how far the draft is. Batches are written side by side, so it speaks of all photos, then of all notes.
    pub(super) fn tell(&self) {
        let (phase, message) = match self.is_about_photos() {
            true => ("photos", "writing about the photos"),
            false => ("notes", "writing about the notes"),
        };
        let progress = self.progress(phase, self.done.get(), message);
        self.context.progress(progress);
    }

    /// An answer about some photos or notes has grown; that is told now and then, if it is what people hear about now.
    pub(super) fn tell_text(&self, subject: Subject, topics: usize, letters: usize) {
        let now_ms = self.context.now_ms();
        let is_its_turn = self.is_about_photos() == (subject == Subject::Photos);
        let is_soon = self.text_told_at_ms.get() + TEXT_EVERY_MS > now_ms;
        if letters == 0 || is_soon || !is_its_turn {
            return;
        }
        self.text_told_at_ms.set(now_ms);
        let subject = subject.list();
        let message = format!("writing about {topics} {subject}: {letters} letters so far");
        let progress = self.progress(subject, self.done.get(), message);
        self.context.progress(progress);
    }

    fn is_about_photos(&self) -> bool {
        self.done.get() < self.visit.photos.len() || self.visit.notes.is_empty()
    }

    /// How many of the photos are done.
    pub fn progress(&self, phase: &str, done: usize, message: impl Into<String>) -> Progress {
        Progress {
            phase: phase.into(),
            done: done as u32,
            total: self.visit.photos.len() as u32,
            message: message.into(),
        }
    }
}
