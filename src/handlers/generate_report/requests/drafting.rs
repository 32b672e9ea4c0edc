//! Has everything written about, batch by batch.

use futures_util::{FutureExt, StreamExt, stream};

use super::batches::Round;
use super::drafter::Drafter;
use crate::error::JobError;
use crate::handlers::generate_report::draft::Draft;
use crate::handlers::generate_report::topic::Topic;
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

    async fn photos(&self, index: usize, batch: &[Photo]) -> Result<Draft, JobError> {
        let steps = ["batch", "retry", "repair"].map(|round| format!("{round}/{index}"));
        self.write(steps, batch, &|done| self.add_done(done)).await
    }

    async fn notes(&self, index: usize, batch: &[Note]) -> Result<Draft, JobError> {
        let steps = ["", "/retry", "/repair"].map(|round| format!("notes/{index}{round}"));
        self.write(steps, batch, &|_| ()).await
    }

    /// Has a batch written about: asks once more when an answer is of no use, then again about what the answers left
    /// out. `count` is told how many of it were answered about, once for each.
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
