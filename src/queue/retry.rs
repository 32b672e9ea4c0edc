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
    /// Too many jobs of this user wait already; no worker meets it.
    pub const TOO_MANY_WAITING: &str = "JQ006";
}

/// Postgres ended the statement because it took too long.
pub const STATEMENT_TIMEOUT: &str = "57014";

/// With their pauses they take six seconds: PostgREST has read a new schema by then.
const UNSETTLED_TRIES: u32 = 7;
/// A longer wish is not granted: PostgREST doubles it with every failure.
const LONGEST_WISH_MS: u32 = 30_000;

/// What a failed answer means for the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retryability {
    /// It passes by itself: repeat until time is up.
    Transient,
    /// It passes soon after a deployment or not at all: repeat a few times.
    Unsettled,
    /// What was sent cannot be stored: repeating the same is useless, sending something else is not.
    Content,
    /// The worker's key, rights or version are wrong, or the code is unknown: repeating is useless.
    Fatal,
}

/// Classifies an answer by the `code` of its body, or by its status if it has none.
pub fn classify(status: u16, code: Option<&str>) -> Retryability {
    match code {
        Some(code) => classify_code(code),
        None => classify_status(status),
    }
}

fn classify_code(code: &str) -> Retryability {
    match code {
        // What PostgREST says of a pooled connection that turns out to be dead.
        "" => Retryability::Transient,
        "PGRST000" | "PGRST001" | "PGRST002" | "PGRST003" => Retryability::Transient,
        // Serialization, deadlock, lock and statement timeouts, and a server that shuts down.
        "40001" | "40P01" | "55P03" | STATEMENT_TIMEOUT | "57P01" | "57P02" | "57P03" => {
            Retryability::Transient
        }
        "PGRST202" => Retryability::Unsettled,
        refusal::BAD_ARGUMENT => Retryability::Content,
        _ if has_class(code, &["08", "53"]) => Retryability::Transient,
        // A failing disk, or a catalogue that changes under a query.
        _ if has_class(code, &["58", "XX"]) => Retryability::Unsettled,
        // Data, constraints, size limits, and what a trigger on the table raises.
        _ if has_class(code, &["22", "23", "54", "P0"]) => Retryability::Content,
        _ => Retryability::Fatal,
    }
}

/// Postgres' codes have five characters, and the first two are their class.
fn has_class(code: &str, classes: &[&str]) -> bool {
    code.len() == 5 && classes.iter().any(|class| code.starts_with(class))
}

/// An error without a readable code comes from a gateway in front of PostgREST.
fn classify_status(status: u16) -> Retryability {
    match status {
        408 | 425 | 429 | 500..=599 => Retryability::Transient,
        413 => Retryability::Content,
        400..=499 => Retryability::Fatal,
        _ => Retryability::Unsettled,
    }
}

/// How long to wait before repeating a call that failed `failures` times; `None` when repeating is useless.
pub fn pause_ms(
    retryability: Retryability,
    retry_after_ms: Option<u32>,
    failures: u32,
) -> Option<u32> {
    let is_useful = match retryability {
        Retryability::Transient => true,
        Retryability::Unsettled => failures < UNSETTLED_TRIES,
        Retryability::Content | Retryability::Fatal => false,
    };
    // PostgREST's first wish is 0, which does not mean to ask without a pause.
    let wished_ms = retry_after_ms.unwrap_or_default().min(LONGEST_WISH_MS);
    is_useful.then(|| backoff_ms(failures).max(wished_ms))
}

/// The pause after so many failures in a row.
pub fn backoff_ms(failures: u32) -> u32 {
    const FIRST: u32 = 100;
    const MOST: u32 = 5_000;
    let doublings = failures.saturating_sub(1).min(16);
    FIRST.saturating_mul(1 << doublings).min(MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_retryability() {
        use Retryability::{Content, Fatal, Transient, Unsettled};
        let table = [
            (503, "PGRST000", Transient),
            (503, "PGRST001", Transient),
            (503, "PGRST002", Transient),
            (504, "PGRST003", Transient),
            (503, "08006", Transient),
            (503, "53300", Transient),
            (500, "40001", Transient),
            (500, "40P01", Transient),
            (500, "55P03", Transient),
            (500, "57014", Transient),
            (500, "57P01", Transient),
            (404, "PGRST202", Unsettled),
            (401, "PGRST301", Fatal),
            (401, "PGRST303", Fatal),
            (403, "42501", Fatal),
            (404, "42883", Fatal),
            (405, "25006", Fatal),
            (400, "22P05", Content),
            (409, "23505", Content),
            (500, "54000", Content),
            (400, "P0001", Content),
            (400, "", Transient),
            (400, refusal::BAD_ARGUMENT, Content),
            (400, refusal::CANCELLED, Fatal),
            (400, refusal::LEASE_LOST, Fatal),
            (400, refusal::NO_SUCH_JOB, Fatal),
            (400, refusal::WRONG_STATE, Fatal),
            (500, "XX000", Unsettled),
        ];
        for (status, code, retryability) in table {
            assert_eq!(classify(status, Some(code)), retryability, "{code}");
        }
    }

    #[test]
    fn without_a_code_the_status_decides() {
        for status in [408, 425, 429, 500, 502, 503, 504, 546] {
            assert_eq!(classify(status, None), Retryability::Transient, "{status}");
        }
        for status in [400, 401, 403, 404, 405] {
            assert_eq!(classify(status, None), Retryability::Fatal, "{status}");
        }
        assert_eq!(classify(413, None), Retryability::Content);
        assert_eq!(classify(302, None), Retryability::Unsettled);
    }

    #[test]
    fn pauses_double_up_to_five_seconds() {
        let pauses: Vec<_> = (1..9)
            .filter_map(|failures| pause_ms(Retryability::Transient, None, failures))
            .collect();
        assert_eq!(pauses, [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
        assert_eq!(
            pause_ms(Retryability::Transient, None, u32::MAX),
            Some(5_000)
        );
    }

    #[test]
    fn a_server_that_says_how_long_to_wait_is_obeyed_up_to_half_a_minute() {
        let pause_ms = |wish_ms| pause_ms(Retryability::Transient, Some(wish_ms), 1);
        assert_eq!(pause_ms(9_000), Some(9_000));
        assert_eq!(pause_ms(0), Some(100));
        assert_eq!(pause_ms(600_000), Some(30_000));
    }

    #[test]
    fn an_unsettled_call_is_tried_seven_times_and_a_hopeless_one_once() {
        assert!(pause_ms(Retryability::Unsettled, None, 6).is_some());
        assert_eq!(pause_ms(Retryability::Unsettled, None, 7), None);
        assert_eq!(pause_ms(Retryability::Content, None, 1), None);
        assert_eq!(pause_ms(Retryability::Fatal, None, 1), None);
    }
}
