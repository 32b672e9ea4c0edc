//! The database as a Supabase project has it, then the migrations, as `supabase db push` would apply them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use tokio_postgres::error::ErrorPosition;
use tokio_postgres::{Client, NoTls};

use super::keys::Keys;
use super::postgres::Postgres;
use crate::project::Project;

/// Prepares an empty database; `url` is the superuser's.
pub async fn apply(project: &Project, url: &str, keys: &Keys, postgres: &Postgres) -> Result<()> {
    run_files(url, &[project.path("tests/stack/supabase.sql")]).await?;
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    client
        .batch_execute(postgres.preparation().unwrap_or_default())
        .await?;
    // In a new session, because that file sets defaults of the database.
    run_files(url, &project.migrations()?).await?;
    let password = &keys.authenticator_password;
    client
        .batch_execute(&format!(
            "alter role authenticator login password '{password}'"
        ))
        .await?;
    Ok(())
}

async fn run_files(url: &str, files: &[PathBuf]) -> Result<()> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    for file in files {
        run_file(&client, file).await?;
    }
    Ok(())
}

/// Sends a file as one message: Postgres makes it one transaction.
async fn run_file(client: &Client, file: &Path) -> Result<()> {
    let sql =
        fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    client
        .batch_execute(&sql)
        .await
        .map_err(|error| explain(&error, file, &sql))
}

fn explain(error: &tokio_postgres::Error, file: &Path, sql: &str) -> anyhow::Error {
    let Some(refusal) = error.as_db_error() else {
        return anyhow!("{}: {error}", file.display());
    };
    let line = match refusal.position() {
        Some(ErrorPosition::Original(position)) => line_of(sql, *position as usize),
        _ => 1,
    };
    let more = [refusal.detail(), refusal.hint(), refusal.where_()];
    let more: Vec<&str> = more.into_iter().flatten().collect();
    anyhow!(
        "{}:{line}: {}\n{}",
        file.display(),
        refusal.message(),
        more.join("\n")
    )
}

/// The line that holds the `position`-th character, both counted from 1.
fn line_of(text: &str, position: usize) -> usize {
    let before = text.chars().take(position.saturating_sub(1));
    before.filter(|character| *character == '\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::line_of;

    #[test]
    fn a_position_counts_characters_not_bytes() {
        let sql = "-- é\nselect nonsense";
        assert_eq!(line_of(sql, 4), 1);
        assert_eq!(line_of(sql, 6), 2);
    }
}
