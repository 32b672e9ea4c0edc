//! Suites at the same time, on stacks of their own.

use anyhow::Result;

use super::counts::Counts;

/// A suite that is ready to run.
pub type Suite<'a> = Box<dyn FnOnce() -> Result<Counts> + Send + 'a>;

/// Runs suites that wait more than they compute, all at once, and adds up what passed.
pub fn side_by_side(suites: Vec<Suite>) -> Result<Counts> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = suites.into_iter().map(|suite| scope.spawn(suite)).collect();
        let mut total = Counts::default();
        for thread in threads {
            total += thread
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        }
        Ok(total)
    })
}
