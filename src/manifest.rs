//! What this isolate has on board, kept where a crash can find it.
//!
//! A panic in Wasm is the end of all futures at once: nothing is dropped, nothing is polled again. What the
//! manifest holds can still be read then, so that finished results are delivered, and jobs that had no part
//! in the crash do not pay for it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use uuid::Uuid;

use crate::job::Job;
use crate::outcome::Outcome;

/// The jobs on board.
#[derive(Debug, Default)]
pub struct Manifest {
    entries: RefCell<Vec<Rc<Entry>>>,
    claims: RefCell<Vec<Uuid>>,
    added: Cell<u64>,
    /// The number of the job whose handler has the isolate at this moment.
    polled: Cell<Option<u64>>,
}

/// One job on board.
#[derive(Debug)]
pub struct Entry {
    number: u64,
    /// Where it is in the manifest.
    position: Cell<usize>,
    job_id: Uuid,
    lease_token: Uuid,
    /// `None` as long as the job waits or runs.
    outcome: RefCell<Option<Rc<Outcome>>>,
}

impl Manifest {
    /// Takes a claimed job on board.
    pub(crate) fn add(&self, job: &Job) -> Rc<Entry> {
        let number = self.added.get();
        self.added.set(number + 1);
        let mut entries = self.entries.borrow_mut();
        let entry = Rc::new(Entry {
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
    pub(crate) fn remove(&self, entry: &Entry) {
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
    pub(crate) fn polling<T>(&self, entry: &Entry, poll: impl FnOnce() -> T) -> T {
        self.polled.set(Some(entry.number));
        let polled = poll();
        self.polled.set(None);
        polled
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

    fn after_crash(&self, entry: &Entry) -> Rc<Outcome> {
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

impl Entry {
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
    use crate::scripted_host::job;

    fn after_crash(manifest: &Manifest) -> Vec<Value> {
        let outcomes = manifest.outcomes_after_crash().into_iter();
        outcomes
            .map(|(_, _, outcome)| serde_json::to_value(&*outcome).expect("JSON")["outcome"].take())
            .collect()
    }

    fn add(manifest: &Manifest) -> Rc<Entry> {
        manifest.add(&job("any", json!({})))
    }

    fn crash(manifest: &Manifest, entry: &Entry) {
        let crash = || manifest.polling(entry, || panic!("as a handler would"));
        assert!(catch_unwind(AssertUnwindSafe(crash)).is_err());
    }

    #[test]
    fn after_a_crash_only_the_job_at_work_has_failed() {
        let manifest = Manifest::default();
        let [ended, culprit, bystander, _waiting] = [(); 4].map(|()| add(&manifest));
        for entry in [&ended, &culprit, &bystander] {
            manifest.polling(entry, || ());
        }
        ended.ended(Rc::new(Outcome::Completed {
            output_data: json!(1),
        }));
        crash(&manifest, &culprit);
        assert_eq!(
            after_crash(&manifest),
            ["completed", "failed", "released", "released"]
        );
    }

    #[test]
    fn a_crash_of_the_worker_itself_is_no_bodys_fault_and_ends_some_day_all_the_same() {
        let manifest = Manifest::default();
        add(&manifest);
        add(&manifest);
        assert_eq!(after_crash(&manifest), ["handed_over", "handed_over"]);
    }

    #[test]
    fn what_is_settled_is_not_mentioned() {
        let manifest = Manifest::default();
        let [first, second, third] = [(); 3].map(|()| add(&manifest));
        manifest.remove(&first);
        manifest.remove(&third);
        let on_board = manifest.outcomes_after_crash();
        assert_eq!(on_board.len(), 1);
        assert_eq!(on_board[0].0, second.job_id);
    }

    #[test]
    fn a_claim_is_remembered_until_its_answer_is_in() {
        let manifest = Manifest::default();
        let [first, second] = [(); 2].map(|()| manifest.begin_claim());
        assert_eq!(manifest.claims(), [first, second]);
        manifest.end_claim(first);
        assert_eq!(manifest.claims(), [second]);
    }
}
