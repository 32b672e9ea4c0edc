//! The jobs in flight, as a crash leaves them readable.
//!
//! A panic in Wasm ends all futures at once: nothing is dropped, nothing is polled again. The crash record can still be
//! read then, so that finished results are delivered and only the job that crashed pays for it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use uuid::Uuid;

use crate::error::ErrorMessage;
use crate::job::Job;
use crate::queue::{AbandonRequest, JobResult, Outcome};

/// The jobs in flight and the claims under way.
#[derive(Debug, Default)]
pub struct CrashRecord {
    entries: RefCell<Vec<Rc<CrashEntry>>>,
    claims: RefCell<Vec<Uuid>>,
    added_count: Cell<u64>,
    /// The number of the job whose handler is being polled.
    polled: Cell<Option<u64>>,
}

/// The call that tells the database what a crashed worker leaves behind.
#[derive(Debug, PartialEq, Eq)]
pub struct AbandonCall {
    /// The database's function.
    pub function: &'static str,
    /// Its arguments as JSON.
    pub arguments: String,
}

/// One job in flight.
#[derive(Debug)]
pub struct CrashEntry {
    number: u64,
    /// Where it is in the record.
    position: Cell<usize>,
    job_id: Uuid,
    lease_token: Uuid,
    has_timeout: bool,
    /// Whether its handler was ever polled.
    was_begun: Cell<bool>,
    /// `None` as long as the job waits or runs.
    outcome: RefCell<Option<Rc<Outcome>>>,
}

impl CrashRecord {
    /// Adds a claimed job.
    pub(crate) fn add(&self, job: &Job) -> Rc<CrashEntry> {
        let number = self.added_count.get();
        self.added_count.set(number + 1);
        let mut entries = self.entries.borrow_mut();
        let entry = Rc::new(CrashEntry {
            number,
            position: Cell::new(entries.len()),
            job_id: job.id,
            lease_token: job.lease_token,
            has_timeout: job.timeout_seconds.is_some(),
            was_begun: Cell::default(),
            outcome: RefCell::default(),
        });
        entries.push(entry.clone());
        entry
    }

    /// Removes a job that the database needs to hear nothing more about.
    pub(crate) fn remove(&self, entry: &CrashEntry) {
        let mut entries = self.entries.borrow_mut();
        let position = entry.position.get();
        entries.swap_remove(position);
        if let Some(moved) = entries.get(position) {
            moved.position.set(position);
        }
    }

    /// Adds a claim under a new token: the database may grant it before the worker hears of that.
    pub(crate) fn begin_claim(&self) -> Uuid {
        let lease_token = Uuid::new_v4();
        self.claims.borrow_mut().push(lease_token);
        lease_token
    }

    /// Removes a claim that was answered or given up.
    pub(crate) fn end_claim(&self, lease_token: Uuid) {
        self.claims
            .borrow_mut()
            .retain(|claim| *claim != lease_token);
    }

    /// The lease tokens of claims without an answer.
    pub fn claims(&self) -> Vec<Uuid> {
        self.claims.borrow().clone()
    }

    /// The jobs whose result the database has not confirmed: id and lease token.
    pub(crate) fn undelivered(&self) -> Vec<(Uuid, Uuid)> {
        let entries = self.entries.borrow();
        let undelivered = entries
            .iter()
            .filter(|entry| entry.outcome.borrow().is_some());
        undelivered
            .map(|entry| (entry.job_id, entry.lease_token))
            .collect()
    }

    /// Whether no job is in flight.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.borrow().is_empty()
    }

    /// Runs `poll`; a crash meanwhile is this job's.
    pub(crate) fn polling<T>(&self, entry: &CrashEntry, poll: impl FnOnce() -> T) -> T {
        self.polled.set(Some(entry.number));
        entry.was_begun.set(true);
        let output = poll();
        self.polled.set(None);
        output
    }

    /// The call to make after a crash; `None` when there is nothing to tell.
    pub fn abandon_call(&self) -> Option<AbandonCall> {
        let outcomes = self.outcomes_after_crash();
        let results: Vec<_> = outcomes
            .iter()
            .map(|(entry, outcome)| {
                JobResult::of(entry.job_id, entry.lease_token, entry.has_timeout, outcome)
            })
            .collect();
        let request = AbandonRequest {
            results,
            lease_tokens: self.claims(),
        };
        let is_empty = request.results.is_empty() && request.lease_tokens.is_empty();
        if is_empty {
            return None;
        }
        Some(AbandonCall {
            function: AbandonRequest::FUNCTION,
            arguments: request.arguments().ok()?,
        })
    }

    /// The outcome of every job after a crash: its result if it has one, a failure if its handler crashed, otherwise a
    /// release. When no handler was being polled the worker itself is to blame. Jobs are then handed over, which the
    /// database allows only so often: a crash that comes back does not go on for ever.
    pub fn outcomes_after_crash(&self) -> Vec<(Rc<CrashEntry>, Rc<Outcome>)> {
        let entries = self.entries.borrow();
        entries
            .iter()
            .map(|entry| (entry.clone(), self.after_crash(entry)))
            .collect()
    }

    fn after_crash(&self, entry: &CrashEntry) -> Rc<Outcome> {
        if let Some(outcome) = &*entry.outcome.borrow() {
            return outcome.clone();
        }
        let outcome = match self.polled.get() {
            None => Outcome::HandedOver {
                was_given_time: true,
            },
            Some(polled) if polled != entry.number => Outcome::released(entry.was_begun()),
            Some(_) => Outcome::Failed {
                error_message: ErrorMessage::of(
                    &"the handler crashed: the function's log says where",
                ),
                retryable: true,
                retry_after_seconds: None,
                error_stack: None,
            },
        };
        Rc::new(outcome)
    }
}

impl CrashEntry {
    /// Whether the job's handler was ever polled.
    pub(crate) fn was_begun(&self) -> bool {
        self.was_begun.get()
    }

    /// Keeps the job's outcome until the database has it.
    pub(crate) fn record_outcome(&self, outcome: Rc<Outcome>) {
        self.outcome.replace(Some(outcome));
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use serde_json::value::RawValue;
    use serde_json::{Value, json};

    use super::*;
    use crate::testing::job;

    fn after_crash(crash_record: &CrashRecord) -> Vec<Value> {
        let outcomes = crash_record.outcomes_after_crash().into_iter();
        outcomes
            .map(|(_, outcome)| serde_json::to_value(&*outcome).expect("JSON")["outcome"].take())
            .collect()
    }

    fn add(crash_record: &CrashRecord) -> Rc<CrashEntry> {
        crash_record.add(&job("any", json!({})))
    }

    fn crash(crash_record: &CrashRecord, entry: &CrashEntry) {
        let crash = || crash_record.polling(entry, || panic!("as a handler would"));
        assert!(catch_unwind(AssertUnwindSafe(crash)).is_err());
    }

    #[test]
    fn after_a_crash_only_the_job_at_work_has_failed() {
        let crash_record = CrashRecord::default();
        let [ended, culprit, bystander, _waiting] = [(); 4].map(|()| add(&crash_record));
        for entry in [&ended, &culprit, &bystander] {
            crash_record.polling(entry, || ());
        }
        ended.record_outcome(Rc::new(Outcome::Completed {
            output_data: RawValue::NULL.to_owned(),
        }));
        crash(&crash_record, &culprit);
        assert_eq!(
            after_crash(&crash_record),
            ["completed", "failed", "released", "released"]
        );
    }

    #[test]
    fn after_a_crash_of_another_job_a_run_that_had_begun_is_counted() {
        let crash_record = CrashRecord::default();
        let [culprit, begun, _waiting] = [(); 3].map(|()| add(&crash_record));
        crash_record.polling(&begun, || ());
        crash(&crash_record, &culprit);
        let outcomes = crash_record.outcomes_after_crash().into_iter().skip(1);
        let outcomes = outcomes.map(|(_, outcome)| serde_json::to_value(&*outcome).expect("JSON"));
        assert_eq!(
            outcomes.collect::<Vec<_>>(),
            [
                json!({ "outcome": "released" }),
                json!({ "outcome": "released", "is_counted": false }),
            ]
        );
    }

    #[test]
    fn after_a_crash_of_the_worker_itself_all_jobs_are_handed_over() {
        let crash_record = CrashRecord::default();
        add(&crash_record);
        add(&crash_record);
        assert_eq!(after_crash(&crash_record), ["handed_over", "handed_over"]);
    }

    #[test]
    fn a_removed_job_has_no_outcome_after_a_crash() {
        let crash_record = CrashRecord::default();
        let [first, second, third] = [(); 3].map(|()| add(&crash_record));
        crash_record.remove(&first);
        crash_record.remove(&third);
        let outcomes = crash_record.outcomes_after_crash();
        assert_eq!(outcomes.len(), 1);
        assert_eq!(outcomes[0].0.job_id, second.job_id);
    }

    #[test]
    fn a_claim_is_kept_until_it_is_answered() {
        let crash_record = CrashRecord::default();
        let [first, second] = [(); 2].map(|()| crash_record.begin_claim());
        assert_eq!(crash_record.claims(), [first, second]);
        crash_record.end_claim(first);
        assert_eq!(crash_record.claims(), [second]);
    }
}
