//! The worker of a job queue that lives in a Supabase project's own Postgres.
#![warn(missing_docs)]
