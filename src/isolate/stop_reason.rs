//! Why a run ended.

use serde::Serialize;

/// Why a run ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// No job was left to claim.
    #[default]
    Empty,
    /// The isolate has lived too long to begin another job.
    WallClock,
    /// It has used too much CPU time.
    Cpu,
    /// It has taken too much memory.
    Memory,
    /// The platform announced the isolate's end.
    Shutdown,
    /// The database stayed away, or refused.
    Database,
}
