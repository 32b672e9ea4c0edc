//! How long this isolate may still work. The platform ends it without asking.

/// The wall clock of one isolate.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    claims_until_ms: u64,
    ends_at_ms: u64,
}

impl Budget {
    /// The budget of an isolate that began at `started_ms` and lives for `wall_clock_seconds`.
    pub fn new(started_ms: u64, wall_clock_seconds: u32) -> Self {
        let wall_clock_ms = u64::from(wall_clock_seconds) * 1_000;
        Self {
            // At half of the wall clock the platform sends requests elsewhere and drops an idle isolate:
            // what is claimed before 40 % has at least as long again to finish.
            claims_until_ms: started_ms + wall_clock_ms * 2 / 5,
            ends_at_ms: started_ms + wall_clock_ms,
        }
    }

    /// Whether a job claimed now has a fair chance to finish here.
    pub fn allows_claim(&self, now_ms: u64) -> bool {
        now_ms < self.claims_until_ms
    }

    /// From when on no job is claimed.
    pub fn claims_until_ms(&self) -> u64 {
        self.claims_until_ms
    }

    /// When the platform ends the isolate.
    pub fn ends_at_ms(&self) -> u64 {
        self.ends_at_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claiming_stops_at_two_fifths_of_the_wall_clock() {
        let budget = Budget::new(1_000, 150);
        assert!(budget.allows_claim(1_000));
        assert!(budget.allows_claim(60_999));
        assert!(!budget.allows_claim(61_000));
        assert_eq!(budget.ends_at_ms(), 151_000);
    }
}
