//! What this isolate has on board, kept where a crash can find it.
//!
//! A panic in Wasm is the end of all futures at once: nothing is dropped, nothing is polled again. What the
//! crash_record holds can still be read then, so that finished results are delivered, and jobs that had no part
//! in the crash do not pay for it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use uuid::Uuid;

use crate::job::Job;
use crate::queue::{AbandonRequest, JobResult, Outcome};

/// The jobs on board.
#[derive(Debug, Default)]
pub struct CrashRecord {
    entries: RefCell<Vec<Rc<CrashEntry>>>,
    claims: RefCell<Vec<Uuid>>,
    added: Cell<u64>,
    /// The number of the job whose handler has the isolate at this moment.
    polled: Cell<Option<u64>>,
}

/// A call to the database that a crashed worker can no longer make itself.
#[derive(Debug, PartialEq, Eq)]
pub struct AbandonCall {
    /// Which function.
    pub function: &'static str,
    /// Its arguments as JSON.
    pub arguments: String,
}

/// One job on board.
#[derive(Debug)]
pub struct CrashEntry {
    number: u64,
    /// Where it is in the crash_record.
    position: Cell<usize>,
    job_id: Uuid,
    lease_token: Uuid,
    /// `None` as long as the job waits or runs.
    outcome: RefCell<Option<Rc<Outcome>>>,
}

impl CrashRecord {
    /// Takes a claimed job on board.
    pub(crate) fn add(&self, job: &Job) -> Rc<CrashEntry> {
        let number = self.added.get();
        self.added.set(number + 1);
        let mut entries = self.entries.borrow_mut();
        let entry = Rc::new(CrashEntry {
            number,
            position: Cell::new(entries.len()),
            job_id: job.id,
            lease_token: job.lease_token,
            outcome: RefCell::default(),
        });
        entries.push(entry.clone());
        entry
    }

    /// Nothing has to be said about the job any more.
    pub(crate) fn remove(&self, entry: &CrashEntry) {
        let mut entries = self.entries.borrow_mut();
        let position = entry.position.get();
        entries.swap_remove(position);
        if let Some(moved) = entries.get(position) {
            moved.position.set(position);
        }
    }

    /// Begins a claim under a new token: what it brings may be this isolate's before it knows.
    pub(crate) fn begin_claim(&self) -> Uuid {
        let lease_token = Uuid::new_v4();
        self.claims.borrow_mut().push(lease_token);
        lease_token
    }

    /// What the claim brought is on board.
    pub(crate) fn end_claim(&self, lease_token: Uuid) {
        self.claims
            .borrow_mut()
            .retain(|claim| *claim != lease_token);
    }

    /// The claims whose answers have not arrived.
    pub fn claims(&self) -> Vec<Uuid> {
        self.claims.borrow().clone()
    }

    /// The jobs whose end the database does not know yet: id and lease token.
    pub(crate) fn ended(&self) -> Vec<(Uuid, Uuid)> {
        let entries = self.entries.borrow();
        let ended = entries
            .iter()
            .filter(|entry| entry.outcome.borrow().is_some());
        ended
            .map(|entry| (entry.job_id, entry.lease_token))
            .collect()
    }

    /// Nothing is on board.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.borrow().is_empty()
    }

    /// Runs `poll` in the name of the job.
    pub(crate) fn polling<T>(&self, entry: &CrashEntry, poll: impl FnOnce() -> T) -> T {
        self.polled.set(Some(entry.number));
        let polled = poll();
        self.polled.set(None);
        polled
    }

    /// What to tell the database after a crash; `None` when nothing was on board.
    pub fn last_words(&self) -> Option<AbandonCall> {
        let outcomes = self.outcomes_after_crash();
        let results: Vec<_> = outcomes
            .iter()
            .map(|(job_id, lease_token, outcome)| JobResult {
                job_id: *job_id,
                lease_token: *lease_token,
                outcome,
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

    /// What to tell the database about every job after a crash: its result if it has one; that it failed, if
    /// it was its handler that crashed; otherwise that it is released. When no handler was at work the
    /// worker itself is to blame, and jobs are handed over, so that the same crash does not befall them for ever.
    pub fn outcomes_after_crash(&self) -> Vec<(Uuid, Uuid, Rc<Outcome>)> {
        let entries = self.entries.borrow();
        entries
            .iter()
            .map(|entry| (entry.job_id, entry.lease_token, self.after_crash(entry)))
            .collect()
    }

    fn after_crash(&self, entry: &CrashEntry) -> Rc<Outcome> {
        if let Some(outcome) = &*entry.outcome.borrow() {
            return outcome.clone();
        }
        let outcome = match self.polled.get() {
            None => Outcome::HandedOver,
            Some(polled) if polled != entry.number => Outcome::released(),
            Some(_) => Outcome::Failed {
                error_message: "the handler crashed: the function's log says where".into(),
                retryable: true,
                retry_after_seconds: None,
            },
        };
        Rc::new(outcome)
    }
}

impl CrashEntry {
    /// The job came to this end.
    pub(crate) fn ended(&self, outcome: Rc<Outcome>) {
        self.outcome.replace(Some(outcome));
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use serde_json::{Value, json};

    use super::*;
    use crate::testing::job;

    fn after_crash(crash_record: &CrashRecord) -> Vec<Value> {
        let outcomes = crash_record.outcomes_after_crash().into_iter();
        outcomes
            .map(|(_, _, outcome)| serde_json::to_value(&*outcome).expect("JSON")["outcome"].take())
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
        ended.ended(Rc::new(Outcome::Completed {
            output_data: json!(1),
        }));
        crash(&crash_record, &culprit);
        assert_eq!(
            after_crash(&crash_record),
            ["completed", "failed", "released", "released"]
        );
    }

    #[test]
    fn a_crash_of_the_worker_itself_is_no_bodys_fault_and_ends_some_day_all_the_same() {
        let crash_record = CrashRecord::default();
        add(&crash_record);
        add(&crash_record);
        assert_eq!(after_crash(&crash_record), ["handed_over", "handed_over"]);
    }

    #[test]
    fn what_is_settled_is_not_mentioned() {
        let crash_record = CrashRecord::default();
        let [first, second, third] = [(); 3].map(|()| add(&crash_record));
        crash_record.remove(&first);
        crash_record.remove(&third);
        let on_board = crash_record.outcomes_after_crash();
        assert_eq!(on_board.len(), 1);
        assert_eq!(on_board[0].0, second.job_id);
    }

    #[test]
    fn a_claim_is_remembered_until_its_answer_is_in() {
        let crash_record = CrashRecord::default();
        let [first, second] = [(); 2].map(|()| crash_record.begin_claim());
        assert_eq!(crash_record.claims(), [first, second]);
        crash_record.end_claim(first);
        assert_eq!(crash_record.claims(), [second]);
    }
}
