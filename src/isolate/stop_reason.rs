//! Why a run ended.

use serde::Serialize;

/// Why a run ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// No job was left to claim.
    #[default]
    Empty,
    /// The isolate's wall clock is used up too far for another claim.
    WallClock,
    /// Its CPU time is.
    Cpu,
    /// Its memory is.
    Memory,
    /// The platform announced the isolate's end.
    Shutdown,
    /// The database was unreachable, or refused.
    Database,
}
