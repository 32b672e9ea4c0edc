//! The account Postgres runs under when this process runs as root.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::{Context, Result};
use nix::unistd::{User, geteuid};

/// Accounts that every system has and that own nothing of value.
const CANDIDATES: [&str; 2] = ["postgres", "nobody"];

pub struct Account {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
}

/// `None` when this process does not run as root.
pub fn instead_of_root() -> Result<Option<Account>> {
    if !geteuid().is_root() {
        return Ok(None);
    }
    let users = CANDIDATES
        .iter()
        .filter_map(|name| User::from_name(name).ok().flatten());
    let user = users.into_iter().next().context(
        "Postgres does not run as root, and there is no account postgres or nobody to run it under: create one",
    )?;
    Ok(Some(Account {
        name: user.name,
        uid: user.uid.as_raw(),
        gid: user.gid.as_raw(),
    }))
}

impl Account {
    /// Whether the account may enter `path` and every folder above it.
    pub fn can_enter(&self, path: &Path) -> bool {
        let Ok(path) = fs::canonicalize(path) else {
            return false;
        };
        path.ancestors()
            .all(|folder| fs::metadata(folder).is_ok_and(|metadata| self.may_search(&metadata)))
    }

    fn may_search(&self, folder: &fs::Metadata) -> bool {
        let search = if folder.uid() == self.uid {
            0o100
        } else if folder.gid() == self.gid {
            0o010
        } else {
            0o001
        };
        folder.mode() & search != 0
    }
}
