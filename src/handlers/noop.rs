//! `noop`: returns its input. Shows that the queue works end to end.

use serde_json::value::RawValue;

use crate::error::JobError;
use crate::handler::{JobContext, JobHandler};
use crate::host::Host;

pub(super) struct Noop;

impl JobHandler for Noop {
    const JOB_TYPE: &'static str = "noop";

    type Input = Box<RawValue>;
    type Output = Box<RawValue>;

    async fn run<H: Host>(
        input: Box<RawValue>,
        _: &JobContext<'_, H>,
    ) -> Result<Box<RawValue>, JobError> {
        Ok(input)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{ScriptedHost, config, job, run_job};

    #[test]
    fn returns_its_input_and_touches_nothing() {
        let input = json!({ "any": ["thing"] });
        let result = run_job::<Noop>(
            &ScriptedHost::new(),
            &config(&[]),
            job("noop", input.clone()),
        );
        assert_eq!(result, Ok(input));
    }
}
