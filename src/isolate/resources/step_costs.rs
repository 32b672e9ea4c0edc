//! What steps have taken so far, by their kind, so that none is begun that cannot end.

use std::cell::RefCell;
use std::collections::BTreeMap;

/// An isolate without limits lives long, and each step may have a name of its own: later kinds are not remembered.
const MOST_KINDS: usize = 1_000;

/// The largest CPU time of the steps of each kind, of all jobs of an isolate.
#[derive(Debug, Default)]
pub struct StepCosts(RefCell<BTreeMap<String, u64>>);

impl StepCosts {
    /// The most CPU time that a step of this kind has taken; 0 when none has ended.
    pub fn most_cpu_us(&self, job_type: &str, step: &str) -> u64 {
        let costs = self.0.borrow();
        costs.get(&key(job_type, step)).copied().unwrap_or_default()
    }

    /// Notes what a step has taken.
    pub fn add(&self, job_type: &str, step: &str, cpu_us: u64) {
        let mut costs = self.0.borrow_mut();
        let key = key(job_type, step);
        if costs.len() >= MOST_KINDS && !costs.contains_key(&key) {
            return;
        }
        let most = costs.entry(key).or_default();
        *most = cpu_us.max(*most);
    }
}

/// A kind has no slash in it, so no two pairs have the same key.
fn key(job_type: &str, step: &str) -> String {
    [job_type, kind(step)].join("/")
}

/// Steps that do the same to different things have names that begin alike: `batch/1` and `batch/2` are both `batch`,
/// and so are `page-1` and `page-2` both `page-`.
pub fn kind(step: &str) -> &str {
    let first = step.split('/').next().unwrap_or_default();
    first.trim_end_matches(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_costliest_step_of_a_kind_counts_for_all_of_them() {
        let costs = StepCosts::default();
        costs.add("report", "batch/1", 20);
        costs.add("report", "batch/2", 50);
        costs.add("report", "batch/3", 30);
        costs.add("report", "save", 1);
        assert_eq!(costs.most_cpu_us("report", "batch/9/2"), 50);
        assert_eq!(costs.most_cpu_us("report", "save"), 1);
        assert_eq!(costs.most_cpu_us("report", "notes/1"), 0);
        assert_eq!(costs.most_cpu_us("invoice", "batch/1"), 0);
    }

    #[test]
    fn steps_with_names_of_their_own_do_not_fill_the_memory() {
        let costs = StepCosts::default();
        for step in 0..10 * MOST_KINDS {
            costs.add("report", &format!("{step}-th"), 20);
        }
        costs.add("report", "0-th", 50);
        assert_eq!(costs.0.borrow().len(), MOST_KINDS);
        assert_eq!(costs.most_cpu_us("report", "0-th"), 50);
    }

    #[test]
    fn a_kind_is_the_name_without_what_counts() {
        let kinds = ["batch/1", "batch/1/2", "page-12", "save", "7"].map(kind);
        assert_eq!(kinds, ["batch", "batch", "page-", "save", ""]);
    }
}
