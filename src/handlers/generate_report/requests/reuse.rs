//! Answers that an earlier job about the same report has paid for. A question is known by its fingerprint, which its
//! step keeps with the reply; so of a report that is made again only what has changed is asked about again.

use serde_json::json;
use serde_json::value::RawValue;

use crate::grok::Receipt;
use crate::handler::JobContext;
use crate::host::Host;

/// The latest reply that another job about this report keeps. Not to find it costs money and nothing else.
pub async fn earlier_reply<H: Host>(
    context: &JobContext<'_, H>,
    fingerprint: &str,
) -> Option<Receipt> {
    let arguments = json!({ "job_id": context.job().id, "fingerprint": fingerprint });
    match context
        .call::<Box<RawValue>>("find_report_reply", arguments)
        .await
    {
        Ok(reply) => serde_json::from_str(reply.get()).ok().map(Receipt::Reply),
        Err(error) => {
            let problem = json!({ "problem": error.to_string() });
            context.log("reuse_failed", problem);
            None
        }
    }
}
