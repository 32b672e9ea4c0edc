// The whole examination, from the environment to the jobs.

import { compareClocks } from "./clocks.ts";
import { askDatabase } from "./database.ts";
import { readEnvironment } from "./environment.ts";
import type { Finding } from "./finding.ts";
import { lookAtJobs } from "./jobs.ts";
import { askWorker } from "./worker.ts";

/** Everything that was looked at; `version` is the package's. Changes nothing. */
export async function examine(version: string): Promise<Finding[]> {
  const { project, findings } = readEnvironment();
  if (!project) return findings;
  const database = project.key ? await askDatabase(project.url, project.key, version) : undefined;
  const worker = await askWorker(project, version);
  const health = database?.health;
  return [
    ...findings,
    ...database?.findings ?? [],
    ...worker.findings,
    ...compareClocks(health && { at: health.at, reply: database.reply }, worker.reply),
    ...health ? lookAtJobs(health) : [],
  ];
}
