//! Answers that an earlier job about the same report has paid for. A question is known by its fingerprint, which its
//! step keeps with the reply; so of a report that is made again only what has changed is asked about again.

use serde_json::{Value, json};

use super::draft::Writer;
use super::grok::{Failure, Question, Sent, Usage};
use crate::host::Host;

/// What came back, and whose it is.
pub struct Obtained {
    /// As it came.
    pub sent: Sent,
    /// The question's.
    pub fingerprint: String,
    /// Whether an earlier job has paid for it.
    pub is_reused: bool,
}

impl<H: Host> Writer<'_, H> {
    /// The reply to a question: an earlier job's where the caller wants that and it is of use, else Grok's.
    ///
    /// # Errors
    /// [`Failure`] when there is no answer.
    pub(super) async fn obtain(
        &self,
        question: Question<'_>,
        is_of_use: &dyn Fn(&str) -> bool,
    ) -> Result<Obtained, Failure> {
        let fingerprint = self.grok.fingerprint(&question);
        let is_of_use = |sent: &Sent| {
            let answer = self.grok.answer_at_hand(sent);
            answer.is_some_and(|answer| answer.content.is_ok_and(|content| is_of_use(&content)))
        };
        let kept = match self.visit.settings.reuse {
            true => self.kept(&fingerprint).await.filter(is_of_use),
            false => None,
        };
        Ok(Obtained {
            is_reused: kept.is_some(),
            sent: match kept {
                Some(sent) => sent,
                None => self.grok.ask(question).await?,
            },
            fingerprint,
        })
    }

    /// The latest reply that another job about this report keeps. Not to find it costs money and nothing else.
    async fn kept(&self, fingerprint: &str) -> Option<Sent> {
        let arguments = json!({ "job_id": self.context.job().id, "fingerprint": fingerprint });
        let kept = self
            .context
            .call::<Value>("find_report_reply", arguments)
            .await;
        match kept {
            Ok(kept) => serde_json::from_value(json!({ "reply": kept })).ok(),
            Err(error) => {
                let problem = json!({ "problem": error.to_string() });
                self.context.log("reuse_failed", problem);
                None
            }
        }
    }
}

/// What a reply cost this job.
pub fn cost(usage: Usage, is_reused: bool) -> Usage {
    match is_reused {
        true => Usage {
            models: usage.models,
            ..Usage::default()
        },
        false => usage,
    }
}
