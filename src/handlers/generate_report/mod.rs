//! `generate_report`: a field-review report from an engineer's notes and site photos.
//!
//! Its steps, each kept over attempts once it is done: `batch/<i>` asks about some photos (`batch/<i>/2` about those
//! too large for the same request, `retry/<i>` again when the answer is of no use, `repair/<i>` about what the answers
//! left out), `notes/<i>` about the notes, `final` for the order, `save` for the row of `reports`. Saving twice writes
//! the same twice, and never over what a person has written meanwhile. With `options.reuse` answers are taken from an
//! earlier job about the same report. xAI's outages and rate limits are retried;
//! wrong input is not. With a wrong key or an empty account reports wait.

mod batch;
mod document;
mod draft;
mod findings;
mod formatting;
mod grouping;
mod images;
mod input;
mod markup;
mod plan;
mod prompt;
mod requests;
mod save;
mod topic;
mod visit;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod typescript;

#[cfg(test)]
pub(crate) use self::typescript::declare;

use serde_json::value::RawValue;

use self::requests::Drafter;
use self::visit::Visit;
use crate::config::Config;
use crate::error::JobError;
use crate::grok::{Grok, Preferences};
use crate::handler::{JobContext, JobHandler};
use crate::host::Host;
use crate::report::Report;

const NO_KEY: &str = "GROK_API_KEY is not set";

pub(crate) struct GenerateReport;

impl JobHandler for GenerateReport {
    const JOB_TYPE: &'static str = "generate_report";

    /// Read by [`Visit::read`]: deriving it would cost a tenth of the worker's Wasm.
    type Input = Box<RawValue>;
    type Output = Report;

    fn unavailable(config: &Config) -> Option<&'static str> {
        config.grok.is_none().then_some(NO_KEY)
    }

    async fn run<H: Host>(
        input: Box<RawValue>,
        context: &JobContext<'_, H>,
    ) -> Result<Report, JobError> {
        let visit = Visit::read(&input, context.config().address_policy)?;
        let config = context.config().grok.as_ref();
        let config = config.ok_or_else(|| JobError::unavailable(NO_KEY))?;
        let preferences = Preferences {
            model: visit.settings.model.as_deref(),
            api_style: visit.settings.api_style,
            transport: visit.settings.transport,
            max_cost_usd: visit.settings.max_cost_usd,
        };
        let (grok, rules) = (
            Grok::new(context, config, preferences),
            prompt::rules(&visit),
        );
        let drafter = Drafter::new(context, &grok, &visit, &rules);

        let mut draft = drafter.draft().await?;
        let (findings, warnings) = findings::collect(&visit, &draft.passages);
        draft.warnings.extend(warnings);
        let layout = formatting::format(&drafter, &findings).await?;
        let mut report = document::assemble(
            &visit,
            &draft,
            &findings,
            layout,
            grok.spending(),
            context.job(),
        );
        if visit.settings.write_report {
            let photos = visit.photos.len();
            context.progress(drafter.progress("save", photos, "saving the report"));
            save::save(context, &mut report).await?;
        }
        Ok(report)
    }
}
