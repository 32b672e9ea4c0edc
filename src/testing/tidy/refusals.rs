//! The database refuses with codes the worker knows.

use std::collections::BTreeSet;

use super::{files_below, read};
use crate::queue::retry::refusal;

#[test]
fn the_refusals_are_the_same_in_sql_and_in_rust() {
    let known = BTreeSet::from(
        [
            refusal::CANCELLED,
            refusal::LEASE_LOST,
            refusal::NO_SUCH_JOB,
            refusal::BAD_ARGUMENT,
            refusal::WRONG_STATE,
            refusal::TOO_MANY_WAITING,
        ]
        .map(str::to_owned),
    );
    let migrations = files_below("supabase/migrations", ".sql");
    let raised: BTreeSet<String> = migrations
        .iter()
        .flat_map(|path| codes(&read(path)))
        .collect();
    assert_eq!(raised, known);
}

/// What stands behind `errcode =`.
fn codes(sql: &str) -> Vec<String> {
    sql.split("errcode = '")
        .skip(1)
        .filter_map(|rest| Some(rest.split_once('\'')?.0.to_owned()))
        .filter(|code| code.starts_with("JQ"))
        .collect()
}

#[test]
fn only_the_queues_own_codes_are_read() {
    let sql = "raise using errcode = 'JQ004'; raise using errcode = '22023', hint = 'JQ001';";
    assert_eq!(codes(sql), ["JQ004"]);
}
