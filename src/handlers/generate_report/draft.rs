//! Writes about every photo and note, batch by batch. A batch is a step: paid for once, kept over attempts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::batch::{self, Asked, Subject, Written};
use super::grok::{Grok, Part, Question, Usage};
use super::images::{self, Size};
use super::output::Warning;
use super::prompt;
use super::visit::{Note, Photo, Visit};
use crate::error::JobError;
use crate::handler::{JobContext, Progress};
use crate::host::Host;

/// Notes in one request: they are short.
const NOTES_IN_A_BATCH: usize = 20;

/// What the model wrote about a visit.
#[derive(Debug, Default)]
pub struct Draft {
    /// By the aliases of photos and notes; what is missing here has no usable answer.
    pub written: BTreeMap<String, Written>,
    /// Sizes of the photos that were seen, by alias.
    pub sizes: BTreeMap<String, Size>,
    /// What the input left open, and what became of photos that could not be seen.
    pub warnings: Vec<Warning>,
    /// What it cost.
    pub usage: Usage,
    /// Requests planned.
    pub batches: usize,
    /// Answers to repeated questions.
    pub repeats: u32,
}

/// The result of one step: what a reply was worth.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Replied {
    written: BTreeMap<String, Written>,
    /// Aliases that were asked about and have no usable answer.
    missing: Vec<String>,
    sizes: BTreeMap<String, Size>,
    warnings: Vec<Warning>,
    usage: Usage,
}

/// What is needed to write.
pub struct Writer<'a, H> {
    pub context: &'a JobContext<'a, H>,
    pub grok: &'a Grok<'a, H>,
    pub visit: &'a Visit,
    pub rules: &'a str,
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
        let size = self.visit.settings.batch_size;
        for (index, batch) in self.visit.photos.chunks(size).enumerate() {
            draft.add(self.photos(index, batch, index * size).await?);
        }
        for (index, batch) in self.visit.notes.chunks(NOTES_IN_A_BATCH).enumerate() {
            draft.add(self.notes(index, batch).await?);
        }
        Ok(draft)
    }

    /// Tells how many of the photos are done.
    pub fn progress(&self, phase: &str, done: usize, message: impl Into<String>) {
        self.context.progress(Progress {
            phase: phase.into(),
            done: done as u32,
            total: self.visit.photos.len() as u32,
            message: message.into(),
        });
    }

    async fn photos(
        &self,
        index: usize,
        batch: &[Photo],
        done: usize,
    ) -> Result<Replies, JobError> {
        let (from, to) = (done + 1, done + batch.len());
        let steps = [format!("batch/{index}"), format!("repair/{index}")];
        self.asked_twice(steps, batch, async |photos: Vec<&Photo>| {
            let message = format!("writing about photos {from} to {to}");
            self.progress("photos", to - photos.len(), message);
            let replied = self.ask_about_photos(&photos).await?;
            let message = format!("wrote about photos {from} to {to}");
            self.progress("photos", to - replied.missing.len(), message);
            Ok(replied)
        })
        .await
    }

    async fn notes(&self, index: usize, batch: &[Note]) -> Result<Replies, JobError> {
        let steps = [format!("notes/{index}"), format!("notes/{index}/repair")];
        self.asked_twice(steps, batch, async |notes: Vec<&Note>| {
            let photos = self.visit.photos.len();
            self.progress("notes", photos, "writing about the notes");
            self.ask_about_notes(&notes).await
        })
        .await
    }

    /// Asks about a batch, and once more about what the answer left out; both are steps.
    async fn asked_twice<'b, T: Aliased>(
        &self,
        [first, second]: [String; 2],
        batch: &'b [T],
        ask: impl AsyncFn(Vec<&'b T>) -> Result<Replied, JobError>,
    ) -> Result<Replies, JobError> {
        let all = batch.iter().collect();
        let replied = self.context.step(&first, || ask(all)).await?;
        let is_missing = |item: &&T| replied.missing.iter().any(|alias| alias == item.alias());
        let missing: Vec<&T> = batch.iter().filter(is_missing).collect();
        if missing.is_empty() {
            return Ok((replied, None));
        }
        let repaired = self.context.step(&second, || ask(missing)).await?;
        Ok((replied, Some(repaired)))
    }

    async fn ask_about_photos(&self, photos: &[&Photo]) -> Result<Replied, JobError> {
        let transport = self.visit.settings.image_transport;
        let loaded = images::load(self.context, photos, transport).await;
        let (mut sizes, mut warnings) = (BTreeMap::new(), Vec::new());
        let mut subjects = Vec::new();
        for (photo, loaded) in photos.iter().zip(loaded) {
            sizes.extend(loaded.size.map(|size| (photo.alias.clone(), size)));
            warnings.extend(loaded.warning);
            // About a photo that is neither seen nor described the model could only invent something.
            if loaded.image.is_some() || !photo.description.is_empty() {
                subjects.push((*photo, loaded.image));
            }
        }
        let asked: Vec<Asked> = subjects
            .iter()
            .map(|(photo, _)| self.asked_about(photo))
            .collect();
        let parts = prompt::photos(self.visit, subjects);
        let replied = self.ask(Subject::Photos, asked, parts).await?;
        Ok(Replied {
            sizes,
            warnings,
            ..replied
        })
    }

    async fn ask_about_notes(&self, notes: &[&Note]) -> Result<Replied, JobError> {
        let general = self.visit.specifications.iter();
        let general = general.filter(|clause| clause.image_ids.is_empty());
        let specs: Vec<&str> = general.map(|clause| clause.alias.as_str()).collect();
        let asked = notes.iter().map(|note| Asked {
            alias: &note.alias,
            specs: specs.clone(),
        });
        let parts = prompt::notes(self.visit, notes);
        self.ask(Subject::Notes, asked.collect(), parts).await
    }

    fn asked_about<'p>(&'p self, photo: &'p Photo) -> Asked<'p> {
        let clauses = self.visit.specifications.iter();
        let citable = clauses.filter(|clause| clause.applies_to(photo));
        Asked {
            alias: &photo.alias,
            specs: citable.map(|clause| clause.alias.as_str()).collect(),
        }
    }

    async fn ask(
        &self,
        subject: Subject,
        asked: Vec<Asked<'_>>,
        parts: Vec<Part>,
    ) -> Result<Replied, JobError> {
        if asked.is_empty() {
            return Ok(Replied::default());
        }
        let answer = self
            .grok
            .ask(Question {
                name: subject.name(),
                rules: self.rules,
                parts,
                schema: batch::schema(subject, &asked),
            })
            .await?;
        let read = |content: String| batch::read(subject, &content, &asked);
        // What is of no use is as good as missing; the log has the reason.
        let written = answer.content.and_then(read).unwrap_or_default();
        let aliases = asked.iter().map(|asked| asked.alias.to_owned());
        Ok(Replied {
            missing: aliases
                .filter(|alias| !written.contains_key(alias))
                .collect(),
            written,
            usage: answer.usage,
            ..Replied::default()
        })
    }
}

/// What the model knows by an alias.
trait Aliased {
    fn alias(&self) -> &str;
}

impl Aliased for Photo {
    fn alias(&self) -> &str {
        &self.alias
    }
}

impl Aliased for Note {
    fn alias(&self) -> &str {
        &self.alias
    }
}

/// A first answer, and the answer to the question about what it left out.
type Replies = (Replied, Option<Replied>);

impl Draft {
    fn add(&mut self, (first, second): Replies) {
        self.batches += 1;
        self.written.extend(first.written);
        self.sizes.extend(first.sizes);
        self.warnings.extend(first.warnings);
        self.usage.add(&first.usage);
        // The same photos again: what there is to warn of, the first answer's step has.
        if let Some(second) = second {
            self.written.extend(second.written);
            self.usage.add(&second.usage);
            self.repeats += second.usage.calls;
        }
    }
}
