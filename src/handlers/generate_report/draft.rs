//! Writes about every photo and note, batch by batch. A batch is a step: paid for once, kept over attempts as it
//! came, and read when it is needed.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::batch::{self, Asked, Written};
use super::grok::{Answer, Grok, Part, Question, Usage};
use super::images::Size;
use super::output::Warning;
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
}

/// A photo that the worker had in its hands.
#[derive(Debug, Serialize, Deserialize)]
pub struct Seen {
    /// What the model calls it.
    pub alias: String,
    /// Its size.
    pub size: Size,
}

/// The result of a step: the answer as it came.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Replied {
    /// Aliases of what was asked about.
    pub asked: Vec<String>,
    /// Aliases of what did not fit into the request.
    pub left: Vec<String>,
    /// `None` when there was nothing to ask.
    pub answer: Option<Answer>,
    /// The photos that were seen.
    pub seen: Vec<Seen>,
    /// What became of the others.
    pub warnings: Vec<Warning>,
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

    fn add(&mut self, other: Self) {
        self.written.extend(other.written);
        self.seen.extend(other.seen);
        self.warnings.extend(other.warnings);
        self.usage.add(&other.usage);
        self.batches += other.batches;
        self.repeats += other.repeats;
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
            let steps = [format!("batch/{index}"), format!("repair/{index}")];
            draft.add(self.write(steps, batch, &progress).await?);
        }
        for (index, batch) in self.visit.notes.chunks(NOTES_IN_A_BATCH).enumerate() {
            let progress = |_| self.progress("notes", photos.len(), "writing about the notes");
            let steps = [format!("notes/{index}"), format!("notes/{index}/repair")];
            draft.add(self.write(steps, batch, &progress).await?);
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

    /// Asks about topics in one request; most of what it answers is for the topics to fill in.
    ///
    /// # Errors
    /// [`JobError`] when the request fails.
    pub async fn ask<T: Topic>(
        &self,
        topics: &[&T],
        parts: Vec<Part>,
    ) -> Result<Replied, JobError> {
        if topics.is_empty() {
            return Ok(Replied::default());
        }
        let asked: Vec<Asked> = topics.iter().map(|topic| topic.asked(self.visit)).collect();
        let question = Question {
            name: T::SUBJECT.name(),
            rules: self.rules,
            parts,
            schema: batch::schema(T::SUBJECT, &asked),
        };
        let answer = self.grok.ask(question).await?;
        Ok(Replied {
            asked: asked.iter().map(|asked| asked.alias.to_owned()).collect(),
            answer: Some(answer),
            ..Replied::default()
        })
    }

    /// Writes about a batch, and asks once more about what the answer left out. `progress` tells how far it is
    /// when so many topics are left.
    async fn write<T: Topic>(
        &self,
        [first, repair]: [String; 2],
        batch: &[T],
        progress: &dyn Fn(usize) -> Progress,
    ) -> Result<Draft, JobError> {
        let topics = batch.iter().collect();
        let (mut draft, missing) = self.ask_all(&first, topics, progress).await?;
        let (repaired, _) = self.ask_all(&repair, missing, &|_| progress(0)).await?;
        draft.add(Draft {
            repeats: repaired.usage.calls,
            written: repaired.written,
            usage: repaired.usage,
            // The same photos again: what there is to say of them was said.
            ..Draft::default()
        });
        Ok(draft)
    }

    /// Asks about topics in as few requests as they fit into, each a step. What has no usable answer comes back.
    async fn ask_all<'t, T: Topic>(
        &self,
        step: &str,
        mut topics: Vec<&'t T>,
        progress: &dyn Fn(usize) -> Progress,
    ) -> Result<(Draft, Vec<&'t T>), JobError> {
        let (mut draft, mut missing) = (Draft::default(), Vec::new());
        while !topics.is_empty() {
            let name = match draft.batches {
                0 => step.to_owned(),
                done => format!("{step}/{}", done + 1),
            };
            let ask = async || {
                self.context.progress(progress(topics.len()));
                let replied = T::ask(self, &topics).await?;
                self.context.progress(progress(replied.left.len()));
                Ok(replied)
            };
            let replied = self.context.step(&name, ask).await?;
            missing.extend(self.read(&mut draft, &replied, &topics));
            draft.batches += 1;
            draft.seen.extend(replied.seen);
            draft.warnings.extend(replied.warnings);
            topics.retain(|topic| is_among(*topic, &replied.left));
        }
        Ok((draft, missing))
    }

    /// Takes what is usable of an answer; what was asked about and is not in it comes back.
    fn read<'t, T: Topic>(
        &self,
        draft: &mut Draft,
        replied: &Replied,
        topics: &[&'t T],
    ) -> Vec<&'t T> {
        let Some(answer) = &replied.answer else {
            return Vec::new();
        };
        draft.usage.add(&answer.usage);
        let topics = topics.iter().copied();
        let topics: Vec<&T> = topics
            .filter(|topic| is_among(*topic, &replied.asked))
            .collect();
        let asked: Vec<Asked> = topics.iter().map(|topic| topic.asked(self.visit)).collect();
        let content = answer.content();
        match content.and_then(|content| batch::read(T::SUBJECT, content, &asked)) {
            Ok(written) => draft.written.extend(written),
            Err(problem) => self
                .context
                .log("answer_useless", json!({ "problem": problem })),
        }
        let is_missing = |topic: &&T| draft.about(topic.alias()).is_none();
        topics.into_iter().filter(is_missing).collect()
    }
}

fn is_among<T: Topic>(topic: &T, aliases: &[String]) -> bool {
    aliases.iter().any(|alias| alias == topic.alias())
}
