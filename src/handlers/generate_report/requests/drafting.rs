//! Has everything written about, batch by batch.

use futures_util::{FutureExt, StreamExt, stream};

use super::batches::{Round, among};
use super::drafter::Drafter;
use crate::error::JobError;
use crate::handlers::generate_report::batch::Subject;
use crate::handlers::generate_report::draft::Draft;
use crate::handlers::generate_report::topic::{Topic, aliases};
use crate::handlers::generate_report::visit::{Note, Photo};
use crate::host::Host;
use crate::report::{Warning, WarningCode};

/// Notes in one request: they are short.
const NOTES_IN_A_BATCH: usize = 20;

impl<H: Host> Drafter<'_, H> {
    /// Has everything written about, batches side by side. A report with a cost limit is written batch by batch, so
    /// that each knows what those before it have cost.
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
            .map(async |part| part.await.inspect_err(|error| self.note_failure(error)))
            .buffered(at_once)
            .collect()
            .await;
        self.check_failure()?;
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

    fn photos(
        &self,
        index: usize,
        batch: &[Photo],
    ) -> impl Future<Output = Result<Draft, JobError>> {
        let steps = ["batch", "retry", "repair"].map(|round| format!("{round}/{index}"));
        let topics = batch.iter().map(Topic::Photo).collect();
        self.write(Subject::Photos, steps, topics)
    }

    fn notes(&self, index: usize, batch: &[Note]) -> impl Future<Output = Result<Draft, JobError>> {
        let steps = ["", "/retry", "/repair"].map(|round| format!("notes/{index}{round}"));
        let topics = batch.iter().map(Topic::Note).collect();
        self.write(Subject::Notes, steps, topics)
    }

    /// Has a batch written about: asks once more when an answer is of no use, then again about what the answers left
    /// out.
    async fn write(
        &self,
        subject: Subject,
        [first, retry, repair]: [String; 3],
        topics: Vec<Topic<'_>>,
    ) -> Result<Draft, JobError> {
        let count = |done| match subject {
            Subject::Photos => self.add_done(done),
            Subject::Notes => (),
        };
        let Round {
            mut draft,
            useless,
            mut missing,
        } = self
            .ask_all(subject, &first, topics.clone(), &count)
            .await?;
        let again = self.ask_all(subject, &retry, useless, &|_| ()).await?;
        missing.extend(again.useless);
        missing.extend(again.missing);
        let missing = among(&topics, &aliases(&missing));
        let repaired = self.ask_all(subject, &repair, missing, &|_| ()).await?;
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
