//! Whether a refused or lost call to the database is worth repeating, and when.

/// The refusals of the queue's own functions, as Postgres reports them; the schema lists the same.
pub mod refusal {
    /// Someone cancelled the job.
    pub const CANCELLED: &str = "JQ001";
    /// The lease token is no longer the job's.
    pub const LEASE_LOST: &str = "JQ002";
    /// There is no such job.
    pub const NO_SUCH_JOB: &str = "JQ003";
    /// An argument is not what was expected; the message names it.
    pub const BAD_ARGUMENT: &str = "JQ004";
    /// The job is in a state that does not allow this.
    pub const WRONG_STATE: &str = "JQ005";
}

/// What a failed answer means for the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It passes by itself: repeat until time is up.
    Transient,
    /// It passes soon after a deployment or not at all: repeat a few times.
    Unsettled,
    /// What was sent cannot be stored: repeating the same is useless, sending something else is not.
    Content,
    /// The worker's key, rights or version are wrong, or the code is unknown: repeating is useless.
    Fatal,
}

/// Judges an answer by the `code` of its body, and by its status where it has none.
pub fn classify(status: u16, code: Option<&str>) -> Verdict {
    match code {
        Some(code) => classify_code(code),
        None => classify_status(status),
    }
}

fn classify_code(code: &str) -> Verdict {
    match code {
        "PGRST000" | "PGRST001" | "PGRST002" | "PGRST003" => Verdict::Transient,
        // Serialization, deadlock, lock and statement timeouts, and a server that shuts down.
        "40001" | "40P01" | "55P03" | "57014" | "57P01" | "57P02" | "57P03" => Verdict::Transient,
        "PGRST202" => Verdict::Unsettled,
        refusal::BAD_ARGUMENT => Verdict::Content,
        _ if has_class(code, &["08", "53"]) => Verdict::Transient,
        // Data, constraints, size limits, and what somebody's trigger on the table raises.
        _ if has_class(code, &["22", "23", "54", "P0"]) => Verdict::Content,
        _ => Verdict::Fatal,
    }
}

/// Postgres' codes have five characters, and the first two are their class.
fn has_class(code: &str, classes: &[&str]) -> bool {
    code.len() == 5 && classes.iter().any(|class| code.starts_with(class))
}

/// An error without a readable code comes from something in front of PostgREST.
fn classify_status(status: u16) -> Verdict {
    match status {
        408 | 425 | 429 | 500..=599 => Verdict::Transient,
        413 => Verdict::Content,
        400..=499 => Verdict::Fatal,
        _ => Verdict::Unsettled,
    }
}

/// How long to wait before repeating a call that failed `failures` times; `None` when that is useless.
pub fn pause_ms(verdict: Verdict, retry_after_ms: Option<u32>, failures: u32) -> Option<u32> {
    let is_worth_it = match verdict {
        Verdict::Transient => true,
        Verdict::Unsettled => failures < 3,
        Verdict::Content | Verdict::Fatal => false,
    };
    is_worth_it.then(|| retry_after_ms.unwrap_or_else(|| backoff_ms(failures)))
}

fn backoff_ms(failures: u32) -> u32 {
    const FIRST: u32 = 100;
    const MOST: u32 = 5_000;
    let doublings = failures.saturating_sub(1).min(16);
    FIRST.saturating_mul(1 << doublings).min(MOST)
}
