//! Writes about every photo and note, batch by batch. A batch is a step: paid for once, kept over attempts as it
//! came, and read when it is needed.

use std::cell::{Cell, RefCell};

use futures_util::{FutureExt, StreamExt, stream};
use serde::{Deserialize, Serialize};

use super::asking::Round;
use super::batch::{Subject, Written};
use super::grok::{Grok, Usage};
use super::images::Size;
use super::topic::Topic;
use super::visit::{Note, Photo, Visit};
use crate::error::JobError;
use crate::handler::JobContext;
use crate::host::Host;
use crate::job::Progress;
use crate::report::{Warning, WarningCode};

/// Notes in one request: they are short.
const NOTES_IN_A_BATCH: usize = 20;
const HEARD_EVERY_MS: u64 = 1_000;

/// What the model wrote about a visit, or a part of it.
#[derive(Debug, Default)]
pub struct Draft {
    /// About photos and notes; what is missing here has no usable answer.
    pub written: Vec<Written>,
    /// The photos that were seen.
    pub seen: Vec<Seen>,
    /// What the input left open, and what became of photos that could not be seen.
    pub warnings: Vec<Warning>,
    /// What it cost.
    pub usage: Usage,
    /// Requests, those that repeat a question not counted.
    pub batches: usize,
    /// Answers to repeated questions.
    pub repeats: u32,
    /// Answers that an earlier job has paid for.
    pub reused: u32,
    /// Requests that an earlier run may have paid for already.
    pub duplicate_risk: u32,
    /// Photos and notes that nothing more was asked about, because the report has cost what it may.
    pub unasked: usize,
}

/// A photo that the worker had in its hands.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Seen {
    /// What the model calls it.
    pub alias: String,
    /// Its size.
    pub size: Size,
}

/// What is needed to write.
pub struct Writer<'a, H> {
    /// The job.
    pub context: &'a JobContext<'a, H>,
    /// Who writes.
    pub grok: &'a Grok<'a, H>,
    /// What to write about.
    pub visit: &'a Visit,
    /// How to write.
    pub rules: &'a str,
    /// Photos that are done.
    done: Cell<usize>,
    /// When it was told last that an answer grows.
    heard_at_ms: Cell<u64>,
    /// What went wrong first.
    failure: RefCell<Option<JobError>>,
}

impl Draft {
    /// What was written about a photo or a note.
    pub fn about(&self, alias: &str) -> Option<&Written> {
        self.written.iter().find(|written| written.alias == alias)
    }

    /// Adds what asking the same again brought.
    fn repeat(&mut self, other: Self) {
        self.repeats += other.usage.calls;
        self.written.extend(other.written);
        self.usage.add(&other.usage);
        self.reused += other.reused;
        self.duplicate_risk += other.duplicate_risk;
        self.unasked += other.unasked;
        for warning in other.warnings {
            // Most is about the same photos, and what there is to say of them was said.
            if !self.warnings.contains(&warning) {
                self.warnings.push(warning);
            }
        }
    }

    fn add(&mut self, other: Self) {
        self.written.extend(other.written);
        self.seen.extend(other.seen);
        self.warnings.extend(other.warnings);
        self.usage.add(&other.usage);
        self.batches += other.batches;
        self.repeats += other.repeats;
        self.reused += other.reused;
        self.duplicate_risk += other.duplicate_risk;
        self.unasked += other.unasked;
    }
}

impl<'a, H: Host> Writer<'a, H> {
    /// A writer that has not begun.
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
            done: Cell::new(0),
            heard_at_ms: Cell::new(0),
            failure: RefCell::new(None),
        }
    }

    /// Writes about everything, batches side by side. A report with a cost limit is written batch by batch, so that
    /// each knows what those before it have cost.
    ///
    /// # Errors
    /// [`JobError`] when a request fails; the others that are under way are waited for, and what they bring is kept.
    pub async fn draft(&self) -> Result<Draft, JobError> {
        let (photos, size) = (&self.visit.photos, self.visit.settings.batch_size);
        let photos = photos.chunks(size).enumerate();
        let photos = photos.map(|(index, batch)| self.photos(index, batch).boxed_local());
        let notes = self.visit.notes.chunks(NOTES_IN_A_BATCH).enumerate();
        let notes = notes.map(|(index, batch)| self.notes(index, batch).boxed_local());
        let at_once = match self.visit.settings.max_cost_usd {
            Some(_) => 1,
            None => usize::MAX,
        };
        let parts: Vec<_> = stream::iter(photos.chain(notes))
            .map(async |part| part.await.inspect_err(|error| self.failed(error)))
            .buffered(at_once)
            .collect()
            .await;
        self.check_others()?;
        let snoozes = parts.iter().filter_map(|part| match part {
            Err(JobError::Snoozed { seconds }) => Some(*seconds),
            _ => None,
        });
        if let Some(seconds) = snoozes.min() {
            return Err(JobError::Snoozed { seconds });
        }
        let mut draft = Draft {
            warnings: self.visit.warnings.clone(),
            ..Draft::default()
        };
        for part in parts {
            draft.add(part?);
        }
        if draft.unasked > 0 {
            draft.warnings.push(cost_limit(draft.unasked));
        }
        Ok(draft)
    }

    /// Whether the job has failed elsewhere, so that nothing new is to be begun.
    ///
    /// # Errors
    /// The error it has failed with.
    pub(super) fn check_others(&self) -> Result<(), JobError> {
        match &*self.failure.borrow() {
            Some(error) => Err(error.clone()),
            None => Ok(()),
        }
    }

    /// Having to wait is no failure: others need not.
    fn failed(&self, error: &JobError) {
        if matches!(error, JobError::Snoozed { .. }) {
            return;
        }
        self.failure.borrow_mut().get_or_insert(error.clone());
    }

    async fn photos(&self, index: usize, batch: &[Photo]) -> Result<Draft, JobError> {
        let count = |done| self.done.set(self.done.get() + done);
        let steps = ["batch", "retry", "repair"].map(|round| format!("{round}/{index}"));
        self.write(steps, batch, &count).await
    }

    async fn notes(&self, index: usize, batch: &[Note]) -> Result<Draft, JobError> {
        let steps = ["", "/retry", "/repair"].map(|round| format!("notes/{index}{round}"));
        self.write(steps, batch, &|_| ()).await
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
    pub(super) fn heard(&self, subject: Subject, topics: usize, letters: usize) {
        let now_ms = self.context.now_ms();
        let is_its_turn = self.is_about_photos() == (subject == Subject::Photos);
        let is_soon = self.heard_at_ms.get() + HEARD_EVERY_MS > now_ms;
        if letters == 0 || is_soon || !is_its_turn {
            return;
        }
        self.heard_at_ms.set(now_ms);
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

    /// Writes about a batch: asks once more when an answer is of no use, then again about what the answers left out.
    /// `count` is told how many of it were answered about, once for each.
    async fn write<T: Topic>(
        &self,
        [first, retry, repair]: [String; 3],
        batch: &[T],
        count: &dyn Fn(usize),
    ) -> Result<Draft, JobError> {
        let Round {
            mut draft,
            useless,
            mut missing,
        } = self.ask_all(&first, batch.iter().collect(), count).await?;
        let again = self.ask_all(&retry, useless, &|_| ()).await?;
        missing.extend(again.useless);
        missing.extend(again.missing);
        missing.sort_by_key(|topic| {
            batch
                .iter()
                .position(|other| other.alias() == topic.alias())
        });
        let repaired = self.ask_all(&repair, missing, &|_| ()).await?;
        draft.repeat(again.draft);
        draft.repeat(repaired.draft);
        Ok(draft)
    }
}

fn cost_limit(unasked: usize) -> Warning {
    let what = "the report has cost what options.maxCostUsd allows: nothing was asked about";
    let message = format!("{what} {unasked} photos and notes");
    Warning::new(WarningCode::CostLimit, message)
}
