//! Writes about every photo and note, batch by batch. A batch is a step: paid for once, kept over attempts as it
//! came, and read when it is needed.

use serde::{Deserialize, Serialize};

use super::asking::Round;
use super::batch::Written;
use super::grok::{Grok, Usage};
use super::images::Size;
use super::output::{Warning, WarningCode};
use super::topic::Topic;
use super::visit::Visit;
use crate::error::JobError;
use crate::handler::{JobContext, Progress};
use crate::host::Host;

/// Notes in one request: they are short.
const NOTES_IN_A_BATCH: usize = 20;

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
        self.duplicate_risk += other.duplicate_risk;
        self.unasked += other.unasked;
    }
}

impl<H: Host> Writer<'_, H> {
    /// Writes about everything.
    ///
    /// # Errors
    /// [`JobError`] when a request fails; batches done before are kept.
    pub async fn draft(&self) -> Result<Draft, JobError> {
        let mut draft = Draft {
            warnings: self.visit.warnings.clone(),
            ..Draft::default()
        };
        let (photos, size) = (&self.visit.photos, self.visit.settings.batch_size);
        for (index, batch) in photos.chunks(size).enumerate() {
            let (from, to) = (index * size + 1, index * size + batch.len());
            let message = format!("writing about photos {from} to {to}");
            let progress = |left| self.progress("photos", to - left, message.as_str());
            let steps = ["batch", "retry", "repair"].map(|round| format!("{round}/{index}"));
            draft.add(self.write(steps, batch, &progress).await?);
        }
        for (index, batch) in self.visit.notes.chunks(NOTES_IN_A_BATCH).enumerate() {
            let progress = |_| self.progress("notes", photos.len(), "writing about the notes");
            let steps = ["", "/retry", "/repair"].map(|round| format!("notes/{index}{round}"));
            draft.add(self.write(steps, batch, &progress).await?);
        }
        if draft.unasked > 0 {
            let message = format!(
                "the report has cost what options.maxCostUsd allows: nothing was asked about {} photos and notes",
                draft.unasked
            );
            draft
                .warnings
                .push(Warning::new(WarningCode::CostLimit, message));
        }
        Ok(draft)
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
    async fn write<T: Topic>(
        &self,
        [first, retry, repair]: [String; 3],
        batch: &[T],
        progress: &dyn Fn(usize) -> Progress,
    ) -> Result<Draft, JobError> {
        let Round {
            mut draft,
            useless,
            mut missing,
        } = self
            .ask_all(&first, batch.iter().collect(), progress)
            .await?;
        let again = self.ask_all(&retry, useless, &|_| progress(0)).await?;
        missing.extend(again.useless);
        missing.extend(again.missing);
        missing.sort_by_key(|topic| {
            batch
                .iter()
                .position(|other| other.alias() == topic.alias())
        });
        let repaired = self.ask_all(&repair, missing, &|_| progress(0)).await?;
        draft.repeat(again.draft);
        draft.repeat(repaired.draft);
        Ok(draft)
    }
}
