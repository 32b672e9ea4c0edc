//! Which job types this worker claims: those it can run, without those that rest because a job found out that what all
//! of them need is not available. What rests is known to all runs of an isolate.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::error::ErrorMessage;
use crate::handler::Registration;
use crate::host::Host;
use crate::isolate::RunContext;

/// After this long one job is tried, to see whether things have changed.
const REST_MS: u64 = 60_000;

/// Why types are not claimed, by type.
pub(super) type Reasons = BTreeMap<String, ErrorMessage>;

/// The types that are claimed, and those that are not.
pub(super) struct Availability<'a> {
    /// All that this worker is set up for.
    job_types: Vec<&'a str>,
    /// What it lacks for others.
    lacking: Reasons,
    resting: Rc<RestingTypes>,
}

/// Types that rest in this isolate.
#[derive(Default)]
struct RestingTypes(RefCell<BTreeMap<String, Rest>>);

struct Rest {
    reason: ErrorMessage,
    until_ms: u64,
}

impl<'a> Availability<'a> {
    pub(super) fn new<H: Host>(
        context: &RunContext<'_, H>,
        handlers: &'a [Registration<H>],
    ) -> Self {
        let (mut job_types, mut lacking) = (Vec::new(), Reasons::new());
        for handler in handlers {
            match (handler.unavailable)(context.config) {
                Some(reason) => {
                    lacking.insert(handler.job_type.to_string(), ErrorMessage::of(&reason));
                }
                None => job_types.push(&*handler.job_type),
            }
        }
        Self {
            job_types,
            lacking,
            resting: context.shared.get(),
        }
    }

    /// The types to claim now. One whose rest is over is among them: it is tried.
    pub(super) fn job_types(&self, now_ms: u64) -> Vec<&'a str> {
        let resting = self.resting.0.borrow();
        let rests = |job_type: &&str| {
            let rest = resting.get(*job_type);
            rest.is_some_and(|rest| rest.until_ms > now_ms)
        };
        let mut job_types = self.job_types.clone();
        job_types.retain(|job_type| !rests(job_type));
        job_types
    }

    /// Why the others are not claimed.
    pub(super) fn reasons(&self) -> Reasons {
        let resting = self.resting.0.borrow();
        let resting = resting.iter().filter(|(job_type, _)| self.runs(job_type));
        let resting = resting.map(|(job_type, rest)| (job_type.clone(), rest.reason.clone()));
        self.lacking.clone().into_iter().chain(resting).collect()
    }

    /// Whether a claimed job may start. The first after a rest may, and its type then rests on until it is known how
    /// that one fared.
    pub(super) fn admit(&self, job_type: &str, now_ms: u64) -> bool {
        let mut resting = self.resting.0.borrow_mut();
        match resting.get_mut(job_type) {
            Some(rest) if rest.until_ms > now_ms => false,
            Some(rest) => {
                rest.until_ms = now_ms + REST_MS;
                true
            }
            None => true,
        }
    }

    /// A job found out that its type cannot be run now.
    pub(super) fn rest(&self, job_type: &str, reason: ErrorMessage, now_ms: u64) {
        let until_ms = now_ms + REST_MS;
        let rest = Rest { reason, until_ms };
        self.resting.0.borrow_mut().insert(job_type.into(), rest);
    }

    /// A job came to something else. Returns whether its type had rested.
    pub(super) fn resume(&self, job_type: &str) -> bool {
        self.resting.0.borrow_mut().remove(job_type).is_some()
    }

    fn runs(&self, job_type: &str) -> bool {
        self.job_types.contains(&job_type)
    }
}
