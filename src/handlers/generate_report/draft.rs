//! What the model wrote about a visit, or a part of it.

use serde::{Deserialize, Serialize};

use super::batch::Passage;
use crate::media::Dimensions;
use crate::report::Warning;

/// What the model wrote about a visit, or a part of it.
#[derive(Debug, Default)]
pub struct Draft {
    /// About photos and notes; what is missing here has no usable answer.
    pub passages: Vec<Passage>,
    /// The photos that were seen.
    pub seen: Vec<SeenPhoto>,
    /// What the input left open, and what became of photos that could not be seen.
    pub warnings: Vec<Warning>,
    /// Requests, those that repeat a question not counted.
    pub batches: usize,
    /// Answers that this job has paid for, repeats not counted.
    pub answers: u32,
    /// Answers to repeated questions that this job has paid for.
    pub repeats: u32,
    /// Photos and notes that nothing more was asked about, because the report has cost what it may.
    pub unasked: usize,
}

/// A photo that the worker had in its hands.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SeenPhoto {
    /// What the model calls it.
    pub alias: String,
    /// Its size.
    pub size: Dimensions,
}

impl Draft {
    /// What was written about a photo or a note.
    pub fn about(&self, alias: &str) -> Option<&Passage> {
        self.passages.iter().find(|passage| passage.alias == alias)
    }

    /// Adds what asking the same again brought.
    pub fn repeat(&mut self, other: Self) {
        self.passages.extend(other.passages);
        self.repeats += other.answers;
        self.unasked += other.unasked;
        for warning in other.warnings {
            // Most is about the same photos, and what there is to say of them was said.
            if !self.warnings.contains(&warning) {
                self.warnings.push(warning);
            }
        }
    }

    /// Adds another part of the visit.
    pub fn add(&mut self, other: Self) {
        self.passages.extend(other.passages);
        self.seen.extend(other.seen);
        self.warnings.extend(other.warnings);
        self.batches += other.batches;
        self.answers += other.answers;
        self.repeats += other.repeats;
        self.unasked += other.unasked;
    }
}
