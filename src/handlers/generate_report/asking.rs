//! Asks about photos or notes in as few requests as they fit into. A request is a step: paid for once, its reply kept
//! as it came. What the API refuses about a request decides what the next one is: a smaller one, or one without the
//! photo it would not take. Refusals are kept like answers, so a later run comes to the same requests.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::batch::{self, Asked};
use super::draft::{Draft, Seen, Writer};
use super::grok::{self, Answer, Class, Failure, Part, Question, Sent};
use super::images::Refusal;
use super::reuse;
use super::topic::Topic;
use crate::error::JobError;
use crate::host::Host;
use crate::report::Warning;

/// The result of a step: a reply, and what it is about.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Replied {
    /// Aliases of what was asked about.
    pub asked: Vec<String>,
    /// How many photos went along.
    pub images: usize,
    /// Aliases of what did not fit into the request.
    pub left: Vec<String>,
    /// `None` when there was nothing to ask.
    pub sent: Option<Sent>,
    /// What the request is known by; empty when there was none.
    pub fingerprint: String,
    /// Whether the reply is an earlier job's.
    pub is_reused: bool,
    /// Whether an earlier run may have asked the same and been answered.
    pub is_again: bool,
    /// The photos that were seen.
    pub seen: Vec<Seen>,
    /// What became of the others.
    pub warnings: Vec<Warning>,
}

/// What asking about some topics brought.
pub struct Round<'t, T> {
    /// What was written.
    pub draft: Draft,
    /// What was asked about in vain: the answer is of no use.
    pub useless: Vec<&'t T>,
    /// What the answers left out.
    pub missing: Vec<&'t T>,
}

/// How to ask, after what was refused so far.
struct Terms {
    /// Topics in one request.
    most: usize,
    /// Photos to be written about from their descriptions, by alias.
    unseen: Vec<(String, Refusal)>,
    /// How often the same may be asked again, because a deferred answer was an error or is gone.
    repeats: u32,
}

/// One request, whether it is to be sent or was sent by an earlier run.
struct Request<'t, T> {
    step: String,
    topics: Vec<&'t T>,
}

impl<H: Host> Writer<'_, H> {
    /// Asks about topics in as few requests as they fit into; `count` is told how many more are done, once for each.
    ///
    /// # Errors
    /// [`JobError`] when a request fails; those answered before are kept.
    pub(super) async fn ask_all<'t, T: Topic>(
        &self,
        step: &str,
        mut topics: Vec<&'t T>,
        count: &dyn Fn(usize),
    ) -> Result<Round<'t, T>, JobError> {
        let mut round = Round::new();
        let mut terms = Terms::new(topics.len(), self.context.job().retry_count);
        for number in 1.. {
            if topics.is_empty() {
                break;
            }
            let later = topics.split_off(terms.most.min(topics.len()));
            let request = Request {
                step: match number {
                    1 => step.to_owned(),
                    _ => format!("{step}/{number}"),
                },
                topics,
            };
            let Some(replied) = self.ask_once(&request, &terms).await? else {
                round.draft.unasked = request.topics.len() + later.len();
                break;
            };
            match self.answer(&request, &replied).await? {
                Ok(answer) => {
                    count(request.topics.len() - replied.left.len());
                    // Only now, when it is kept: what people were told is never taken back. What is known from earlier
                    // runs they were told then.
                    if !self.was_known(&request.step, &replied) {
                        self.tell();
                    }
                    self.take(&mut round, &replied, answer, &request.topics);
                    topics = request.topics;
                    topics.retain(|topic| is_among(*topic, &replied.left));
                }
                Err(failure) => {
                    round.draft.duplicate_risk += u32::from(failure.class == Class::Gone);
                    terms.narrow(failure, &replied)?;
                    topics = request.topics;
                }
            }
            topics.extend(later);
        }
        Ok(round)
    }

    /// Sends a request unless it was sent; `None` when the report has cost what it may.
    async fn ask_once<T: Topic>(
        &self,
        request: &Request<'_, T>,
        terms: &Terms,
    ) -> Result<Option<Replied>, JobError> {
        let is_kept = self.context.job().steps.contains_key(&request.step);
        // A step begins when its request can: one that has begun may have been paid for.
        let place = match is_kept {
            true => None,
            false => Some(self.grok.place().await?),
        };
        self.check_others()?;
        if !is_kept && self.grok.is_spent() {
            return Ok(None);
        }
        let ask = async |is_again| {
            let _place = place;
            self.tell();
            let replied = T::ask(self, &request.topics, &terms.unseen).await?;
            Ok(Replied {
                is_again,
                ..replied
            })
        };
        let replied = self.context.step_again(&request.step, ask).await?;
        Ok(Some(replied))
    }

    /// What was answered to a request; `None` when there was nothing to ask.
    async fn answer<T: Topic>(
        &self,
        request: &Request<'_, T>,
        replied: &Replied,
    ) -> Result<Result<Option<Answer>, Failure>, JobError> {
        Ok(match &replied.sent {
            Some(sent) => self.grok.answer(&request.step, sent).await?.map(Some),
            None => Ok(None),
        })
    }

    /// Whether an earlier run knew the answer.
    fn was_known(&self, step: &str, replied: &Replied) -> bool {
        let is_kept = |step: &str| self.context.job().steps.contains_key(step);
        is_kept(step)
            && match replied.sent {
                Some(Sent::Ticket(_)) => is_kept(&grok::answer_step(step)),
                Some(Sent::Reply(_)) | None => true,
            }
    }

    /// Asks about topics in one request, or an earlier job has; most of what it brings is for the topics to fill in.
    ///
    /// # Errors
    /// [`JobError`] when the request fails.
    pub(super) async fn ask<T: Topic>(
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
            heard: &|letters| self.heard(T::SUBJECT, asked.len(), letters),
        };
        let is_of_use = |content: &str| {
            let written = batch::read(T::SUBJECT, content, &asked);
            written.is_ok_and(|written| !written.is_empty())
        };
        let obtained = self.obtain(question, &is_of_use).await?;
        Ok(Replied {
            asked: asked.iter().map(|asked| asked.alias.to_owned()).collect(),
            sent: Some(obtained.sent),
            fingerprint: obtained.fingerprint,
            is_reused: obtained.is_reused,
            ..Replied::default()
        })
    }

    /// Takes what is usable of an answer.
    fn take<'t, T: Topic>(
        &self,
        round: &mut Round<'t, T>,
        replied: &Replied,
        answer: Option<Answer>,
        topics: &[&'t T],
    ) {
        round.draft.batches += 1;
        round.draft.duplicate_risk += u32::from(replied.is_again);
        round.draft.seen.extend(replied.seen.iter().cloned());
        round
            .draft
            .warnings
            .extend(replied.warnings.iter().cloned());
        let Some(Answer { content, usage }) = answer else {
            return;
        };
        round.draft.reused += u32::from(replied.is_reused);
        round
            .draft
            .usage
            .add(&reuse::cost(usage, replied.is_reused));
        let topics = topics.iter().copied();
        let topics: Vec<&T> = topics
            .filter(|topic| is_among(*topic, &replied.asked))
            .collect();
        let asked: Vec<Asked> = topics.iter().map(|topic| topic.asked(self.visit)).collect();
        let content = content.map_err(str::to_owned);
        match content.and_then(|content| batch::read(T::SUBJECT, &content, &asked)) {
            Ok(written) => {
                round.draft.written.extend(written);
                let draft = &round.draft;
                let is_missing = |topic: &&T| draft.about(topic.alias()).is_none();
                round.missing.extend(topics.into_iter().filter(is_missing));
            }
            Err(problem) => {
                self.context
                    .log("answer_useless", json!({ "problem": problem }));
                round.useless.extend(topics);
            }
        }
    }
}

impl<T> Round<'_, T> {
    fn new() -> Self {
        Self {
            draft: Draft::default(),
            useless: Vec::new(),
            missing: Vec::new(),
        }
    }
}

impl Terms {
    /// What earlier attempts asked in vain comes up again, and each attempt may add to it.
    fn new(topics: usize, retry_count: u32) -> Self {
        Self {
            most: topics,
            unseen: Vec::new(),
            repeats: retry_count + 1,
        }
    }

    /// After a refusal: asks for half as much, and in the end for a single photo without showing it. After the loss
    /// of a deferred answer: the same again.
    ///
    /// # Errors
    /// When the failure is about something else, or there is nothing left to leave out.
    fn narrow(&mut self, failure: Failure, replied: &Replied) -> Result<(), JobError> {
        let refusal = match failure.class {
            Class::Split { .. } => Refusal::TooMuch,
            Class::Image => Refusal::NotTaken,
            Class::Gone | Class::Transient { .. } if self.repeats > 0 => {
                self.repeats -= 1;
                return Ok(());
            }
            _ => return Err(failure.into()),
        };
        match replied.asked.as_slice() {
            [alias] if replied.images > 0 => {
                self.unseen.push((alias.clone(), refusal));
                if refusal == Refusal::NotTaken {
                    // The one it would not take is found: the others may go together.
                    self.most = usize::MAX;
                }
            }
            [] | [_] => return Err(failure.into()),
            several => self.most = several.len() / 2,
        }
        Ok(())
    }
}

fn is_among<T: Topic>(topic: &T, aliases: &[String]) -> bool {
    aliases.iter().any(|alias| alias == topic.alias())
}
