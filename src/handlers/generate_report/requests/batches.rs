//! Asks about photos or notes in as few requests as they fit into. What the API refuses about a request decides what
//! the next one is: a smaller one, or one without the photo it would not take. Refusals are kept like answers, so a
//! later run comes to the same requests.

use serde_json::json;

use super::drafter::Drafter;
use super::plan::RequestPlan;
use super::request::{Preparation, ReportRequest};
use crate::error::JobError;
use crate::grok::{Failure, FailureClass, ModelAnswer, Question, RequestRecord};
use crate::handlers::generate_report::batch::{self, BatchItem, Passage, Subject};
use crate::handlers::generate_report::draft::Draft;
use crate::handlers::generate_report::topic::{self, BatchDetails, Topic};
use crate::host::Host;

/// What asking about some topics brought.
#[derive(Default)]
pub(super) struct Round<'v> {
    /// What was written.
    pub(super) draft: Draft,
    /// What was asked about in vain: the answer is of no use.
    pub(super) useless: Vec<Topic<'v>>,
    /// What the answers left out.
    pub(super) missing: Vec<Topic<'v>>,
}

/// One request about some topics.
struct BatchRequest<'a, H> {
    drafter: &'a Drafter<'a, H>,
    subject: Subject,
    topics: &'a [Topic<'a>],
    plan: &'a RequestPlan,
}

impl<H: Host> ReportRequest for BatchRequest<'_, H> {
    type Details = BatchDetails;

    async fn prepare(&self) -> Preparation<'_, BatchDetails> {
        let drafter = self.drafter;
        let (context, visit) = (drafter.context, drafter.visit);
        drafter.tell();
        let batch = topic::gather(context, visit, self.topics, &self.plan.unseen).await;
        let question = Question {
            name: self.subject.name(),
            rules: drafter.rules,
            parts: batch.parts,
            schema: batch::schema(self.subject, &drafter.items(&batch.topics)),
            effort: visit.settings.effort,
        };
        Preparation {
            question: (!batch.topics.is_empty()).then_some(question),
            details: batch.details,
            reservation: batch.reservation,
        }
    }

    fn is_of_use(&self, details: &BatchDetails, content: &str) -> bool {
        let asked = among(self.topics, &details.asked);
        let passages = self.drafter.read(self.subject, content, &asked);
        passages.is_ok_and(|passages| !passages.is_empty())
    }

    fn on_text(&self, details: &BatchDetails, letters: usize) {
        let topics = details.asked.len();
        self.drafter.tell_text(self.subject, topics, letters);
    }
}

impl<H: Host> Drafter<'_, H> {
    /// Asks about topics in as few requests as they fit into; `count` is told how many more are done, once for each.
    ///
    /// # Errors
    /// [`JobError`] when a request fails; those answered before are kept.
    pub(super) async fn ask_all<'v>(
        &self,
        subject: Subject,
        step: &str,
        mut topics: Vec<Topic<'v>>,
        count: &dyn Fn(usize),
    ) -> Result<Round<'v>, JobError> {
        let mut round = Round::default();
        let mut plan = RequestPlan::new(topics.len(), self.context.job().retry_count);
        for number in 1.. {
            if topics.is_empty() {
                break;
            }
            let later = topics.split_off(plan.most.min(topics.len()));
            let step = match number {
                1 => step.to_owned(),
                _ => format!("{step}/{number}"),
            };
            let request = BatchRequest {
                drafter: self,
                subject,
                topics: &topics,
                plan: &plan,
            };
            let Some(record) = self.request(&step, &request).await? else {
                round.draft.unasked = topics.len() + later.len();
                break;
            };
            match self.grok.answer(&step, &record).await? {
                Ok(answer) => match refusal(&record, answer.as_ref()) {
                    Some(failure) => {
                        round.draft.repeats += u32::from(!record.is_reused);
                        plan.narrow(failure, &record.details)?;
                    }
                    None => {
                        plan.note_answer(&record.details);
                        count(topics.len() - record.details.left.len());
                        // Only now, when it is kept: what people were told is never taken back. What is known from
                        // earlier runs they were told then.
                        if !self.was_known(&step, &record) {
                            self.tell();
                        }
                        self.take(&mut round, subject, &record, answer, &topics);
                        topics = among(&topics, &record.details.left);
                    }
                },
                Err(failure) => plan.narrow(failure, &record.details)?,
            }
            let asked = topics.len();
            topics.retain(|topic| !plan.forbidden.iter().any(|alias| alias == topic.alias()));
            count(asked - topics.len());
            topics.extend(later);
        }
        Ok(round)
    }

    /// Takes what is usable of an answer.
    fn take<'v>(
        &self,
        round: &mut Round<'v>,
        subject: Subject,
        record: &RequestRecord<BatchDetails>,
        answer: Option<ModelAnswer>,
        topics: &[Topic<'v>],
    ) {
        let details = &record.details;
        round.draft.batches += 1;
        round.draft.seen.extend_from_slice(&details.seen);
        round.draft.warnings.extend_from_slice(&details.warnings);
        let Some(answer) = answer else {
            return;
        };
        round.draft.answers += u32::from(!record.is_reused);
        let topics = among(topics, &details.asked);
        let content = answer.content.map_err(|problem| problem.to_string());
        match content.and_then(|content| self.read(subject, &content, &topics)) {
            Ok(passages) => {
                round.draft.passages.extend(passages);
                let draft = &round.draft;
                let is_missing = |topic: &Topic| draft.about(topic.alias()).is_none();
                round.missing.extend(topics.into_iter().filter(is_missing));
            }
            Err(problem) => {
                self.context
                    .log("answer_useless", json!({ "problem": problem }));
                round.useless.extend(topics);
            }
        }
    }

    fn read(
        &self,
        subject: Subject,
        content: &str,
        topics: &[Topic],
    ) -> Result<Vec<Passage>, String> {
        batch::read(subject, content, &self.items(topics))
    }

    fn items<'t>(&'t self, topics: &[Topic<'t>]) -> Vec<BatchItem<'t>> {
        let topics = topics.iter();
        topics.map(|topic| topic.item(self.visit)).collect()
    }
}

/// What an answer refuses. One about a single topic that is too long is only of no use.
fn refusal(record: &RequestRecord<BatchDetails>, answer: Option<&ModelAnswer>) -> Option<Failure> {
    let is_divisible = record.details.asked.len() > 1;
    let refusal = answer.and_then(ModelAnswer::refusal);
    refusal.filter(|failure| is_divisible || failure.class == FailureClass::Content)
}

/// Those of `topics` that have one of these aliases.
pub(super) fn among<'v>(topics: &[Topic<'v>], aliases: &[String]) -> Vec<Topic<'v>> {
    let is_among = |topic: &Topic| aliases.iter().any(|alias| alias == topic.alias());
    topics.iter().copied().filter(is_among).collect()
}
