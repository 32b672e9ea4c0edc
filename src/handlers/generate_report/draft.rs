//! Writes about every photo and note, batch by batch. A batch is a step: paid for once, kept over attempts as it
//! came, and read when it is needed.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::batch::{self, Asked, Subject, Written};
use super::grok::{Answer, Grok, Part, Question, Usage};
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
    /// About photos and notes; what is missing here has no usable answer.
    pub written: Vec<Written>,
    /// The photos that were seen.
    pub seen: Vec<Seen>,
    /// What the input left open, and what became of photos that could not be seen.
    pub warnings: Vec<Warning>,
    /// What it cost.
    pub usage: Usage,
    /// Requests planned.
    pub batches: usize,
    /// Answers to repeated questions.
    pub repeats: u32,
}

/// A photo that the worker had in its hands.
#[derive(Debug, Serialize, Deserialize)]
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

/// What is asked about in one request.
struct Batch<'b, T> {
    items: &'b [T],
    /// The names of its two steps: asking, and asking about what the answer left out.
    steps: [String; 2],
    before: Progress,
    after: Progress,
}

/// The result of a step: the answer as it came.
#[derive(Debug, Serialize, Deserialize)]
struct Replied {
    /// Aliases of what was asked about.
    asked: Vec<String>,
    /// `None` when there was nothing to ask.
    answer: Option<Answer>,
    seen: Vec<Seen>,
    warnings: Vec<Warning>,
}

impl Draft {
    /// What was written about a photo or a note.
    pub fn about(&self, alias: &str) -> Option<&Written> {
        self.written.iter().find(|written| written.alias == alias)
    }

    fn add_usage(&mut self, replied: &Replied) -> u32 {
        let usage = replied.answer.as_ref().map(|answer| &answer.usage);
        usage.map_or(0, |usage| {
            self.usage.add(usage);
            usage.calls
        })
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
        for (index, items) in photos.chunks(size).enumerate() {
            let (done, to) = (index * size, index * size + items.len());
            let which = format!("about photos {} to {to}", done + 1);
            let batch = Batch {
                items,
                steps: [format!("batch/{index}"), format!("repair/{index}")],
                before: self.progress("photos", done, format!("writing {which}")),
                after: self.progress("photos", to, format!("wrote {which}")),
            };
            self.write(&mut draft, batch).await?;
        }
        for (index, items) in self.visit.notes.chunks(NOTES_IN_A_BATCH).enumerate() {
            let batch = Batch {
                items,
                steps: [format!("notes/{index}"), format!("notes/{index}/repair")],
                before: self.progress("notes", photos.len(), "writing about the notes"),
                after: self.progress("notes", photos.len(), "wrote about the notes"),
            };
            self.write(&mut draft, batch).await?;
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

    async fn write<T: Topic>(
        &self,
        draft: &mut Draft,
        batch: Batch<'_, T>,
    ) -> Result<(), JobError> {
        let [first, second] = &batch.steps;
        let all: Vec<&T> = batch.items.iter().collect();
        let ask = async || {
            self.context.progress(batch.before);
            let replied = T::ask(self, &all).await?;
            self.context.progress(batch.after);
            Ok(replied)
        };
        let replied = self.context.step(first, ask).await?;
        draft.batches += 1;
        draft.add_usage(&replied);
        let missing = self.read(draft, &replied, &all);
        draft.seen.extend(replied.seen);
        draft.warnings.extend(replied.warnings);
        if missing.is_empty() {
            return Ok(());
        }
        let ask_again = || T::ask(self, &missing);
        let replied = self.context.step(second, ask_again).await?;
        draft.repeats += draft.add_usage(&replied);
        self.read(draft, &replied, &missing);
        Ok(())
    }

    /// Takes what is usable of an answer; what was asked about and is not in it is returned.
    fn read<'t, T: Topic>(
        &self,
        draft: &mut Draft,
        replied: &Replied,
        topics: &[&'t T],
    ) -> Vec<&'t T> {
        let was_asked = |topic: &&&T| replied.asked.iter().any(|alias| alias == topic.alias());
        let topics: Vec<&T> = topics.iter().filter(was_asked).copied().collect();
        let asked: Vec<Asked> = topics.iter().map(|topic| topic.asked(self.visit)).collect();
        let content = replied.answer.as_ref().map(Answer::content);
        let written = content.map(|content| batch::read(T::SUBJECT, content?, &asked));
        match written {
            None => {}
            Some(Ok(written)) => draft.written.extend(written),
            Some(Err(problem)) => self
                .context
                .log("answer_useless", json!({ "problem": problem })),
        }
        let is_missing = |topic: &&T| draft.about(topic.alias()).is_none();
        topics.into_iter().filter(is_missing).collect()
    }

    async fn ask<T: Topic>(&self, topics: &[&T], parts: Vec<Part>) -> Result<Replied, JobError> {
        let asked: Vec<Asked> = topics.iter().map(|topic| topic.asked(self.visit)).collect();
        let answer = match asked.is_empty() {
            true => None,
            false => {
                let question = Question {
                    name: T::SUBJECT.name(),
                    rules: self.rules,
                    parts,
                    schema: batch::schema(T::SUBJECT, &asked),
                };
                Some(self.grok.ask(question).await?)
            }
        };
        Ok(Replied {
            asked: asked.iter().map(|asked| asked.alias.to_owned()).collect(),
            answer,
            seen: Vec::new(),
            warnings: Vec::new(),
        })
    }
}

/// What can be written about.
trait Topic: Sized {
    const SUBJECT: Subject;

    /// What the model calls it.
    fn alias(&self) -> &str;

    /// How it is asked about.
    fn asked<'a>(&'a self, visit: &'a Visit) -> Asked<'a>;

    /// Asks about some of them in one request.
    async fn ask<H: Host>(writer: &Writer<'_, H>, topics: &[&Self]) -> Result<Replied, JobError>;
}

impl Topic for Photo {
    const SUBJECT: Subject = Subject::Photos;

    fn alias(&self) -> &str {
        &self.alias
    }

    fn asked<'a>(&'a self, visit: &'a Visit) -> Asked<'a> {
        let clauses = visit.specifications.iter();
        let citable = clauses.filter(|clause| clause.applies_to(self));
        Asked {
            alias: &self.alias,
            specs: citable.map(|clause| clause.alias.as_str()).collect(),
        }
    }

    async fn ask<H: Host>(writer: &Writer<'_, H>, photos: &[&Self]) -> Result<Replied, JobError> {
        let visit = writer.visit;
        let loaded = images::load(writer.context, photos, visit.settings.image_transport).await;
        let (mut seen, mut warnings) = (Vec::new(), Vec::new());
        let (mut asked, mut shown) = (Vec::new(), Vec::new());
        for (photo, loaded) in photos.iter().zip(loaded) {
            seen.extend(loaded.size.map(|size| Seen {
                alias: photo.alias.clone(),
                size,
            }));
            warnings.extend(loaded.warning);
            // About a photo that is neither seen nor described the model could only invent something.
            if loaded.image.is_some() || !photo.description.is_empty() {
                asked.push(*photo);
                shown.push((*photo, loaded.image));
            }
        }
        let replied = writer.ask(&asked, prompt::photos(visit, shown)).await?;
        Ok(Replied {
            seen,
            warnings,
            ..replied
        })
    }
}

impl Topic for Note {
    const SUBJECT: Subject = Subject::Notes;

    fn alias(&self) -> &str {
        &self.alias
    }

    fn asked<'a>(&'a self, visit: &'a Visit) -> Asked<'a> {
        let general = visit.specifications.iter();
        let general = general.filter(|clause| clause.image_ids.is_empty());
        Asked {
            alias: &self.alias,
            specs: general.map(|clause| clause.alias.as_str()).collect(),
        }
    }

    async fn ask<H: Host>(writer: &Writer<'_, H>, notes: &[&Self]) -> Result<Replied, JobError> {
        let parts = prompt::notes(writer.visit, notes);
        writer.ask(notes, parts).await
    }
}
