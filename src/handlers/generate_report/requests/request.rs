//! Asks one question as a step, and keeps what comes back.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::drafter::Drafter;
use super::reuse;
use crate::error::JobError;
use crate::grok::{Failure, FailureClass, Question, Receipt, RequestRecord};
use crate::handlers::generate_report::prompt::PROMPT_VERSION;
use crate::host::Host;
use crate::media::Reservation;

/// A request to the model for a report.
pub trait ReportRequest {
    /// What is kept with the reply.
    type Details: Serialize + DeserializeOwned;

    /// Gathers what to ask. Only one that is about to be sent is gathered.
    async fn prepare(&self) -> Preparation<'_, Self::Details>;

    /// Whether an answer is worth taking from an earlier job.
    fn is_of_use(&self, details: &Self::Details, content: &str) -> bool;

    /// The answer has so many letters so far.
    fn on_text(&self, _details: &Self::Details, _letters: usize) {}

    /// Whether the job goes on without an answer after this failure.
    fn is_bearable(&self, _failure: &Failure) -> bool {
        false
    }
}

/// What to ask.
pub struct Preparation<'q, D> {
    /// `None` when there is nothing to ask.
    pub question: Option<Question<'q>>,
    /// What is kept with the reply.
    pub details: D,
    /// Room for what is sent.
    pub reservation: Option<Reservation>,
}

impl<H: Host> Drafter<'_, H> {
    /// Sends a request as the step `step`, unless it was sent; `None` when the report has cost what it may.
    ///
    /// # Errors
    /// [`JobError`] when the request fails, or another one has.
    pub(in crate::handlers::generate_report) async fn request<R: ReportRequest>(
        &self,
        step: &str,
        request: &R,
    ) -> Result<Option<RequestRecord<R::Details>>, JobError> {
        let is_kept = self.is_kept(step);
        // A step begins when its request can: one that has begun may have been paid for.
        let permit = match is_kept {
            true => None,
            false => Some(self.grok.permit().await?),
        };
        self.check_failure()?;
        if !is_kept && self.grok.spending().is_exhausted() {
            return Ok(None);
        }
        let ask = async |is_again| {
            let _permit = permit;
            let mut record = self.ask(request).await?;
            record.is_again = is_again;
            Ok(record)
        };
        self.context.step_again(step, ask).await.map(Some)
    }

    async fn ask<R: ReportRequest>(
        &self,
        request: &R,
    ) -> Result<RequestRecord<R::Details>, Failure> {
        let Preparation {
            question,
            details,
            reservation: _reservation,
        } = request.prepare().await;
        let Some(question) = question else {
            return Ok(RequestRecord::of(details));
        };
        let fingerprint = self.grok.fingerprint(&question, PROMPT_VERSION);
        let earlier = self.earlier_reply(&fingerprint).await;
        let earlier = earlier.filter(|receipt| self.is_of_use(request, &details, receipt));
        let is_reused = earlier.is_some();
        let on_text = |letters| request.on_text(&details, letters);
        let sent = match earlier {
            Some(receipt) => Ok(receipt),
            None => self.grok.ask(&question, &on_text).await,
        };
        let record = RequestRecord {
            fingerprint,
            is_reused,
            ..RequestRecord::of(details)
        };
        match sent {
            Ok(receipt) => Ok(RequestRecord {
                sent: Some(receipt),
                ..record
            }),
            Err(failure) if request.is_bearable(&failure) => Ok(RequestRecord {
                may_pass: failure.class == FailureClass::Lost,
                problem: Some(failure.for_people()),
                ..record
            }),
            Err(failure) => Err(failure),
        }
    }

    async fn earlier_reply(&self, fingerprint: &str) -> Option<Receipt> {
        match self.visit.settings.reuse {
            true => reuse::earlier_reply(self.context, fingerprint).await,
            false => None,
        }
    }

    fn is_of_use<R: ReportRequest>(
        &self,
        request: &R,
        details: &R::Details,
        receipt: &Receipt,
    ) -> bool {
        let answer = self.grok.answer_at_hand(receipt);
        let content = answer.and_then(|answer| answer.content.ok());
        content.is_some_and(|content| request.is_of_use(details, &content))
    }
}
