// Which jobs do not get on: stuck, of a paused type, or failing.

import type { Health } from "./database.ts";
import { type Finding, fine, quoted, wrong } from "./finding.ts";

export function lookAtJobs({ types, stuck }: Health): Finding[] {
  const found: Finding[] = [];
  if (stuck > 0) {
    found.push(wrong(
      "jobs",
      `${stuck} held by workers whose lease has ended`,
      "select tend_job_queue(), which the clock should have called; which ones: select * from running_jobs",
    ));
  }
  for (const { job_type, is_paused, ready, waiting, failed_last_hour, last_error } of types) {
    const name = quoted(job_type);
    if (is_paused) {
      const text = `${name} is paused, with ${ready + waiting} jobs waiting`;
      found.push(wrong("jobs", text, `select resume_job_type(${literal(name)})`));
    }
    if (failed_last_hour > 0) {
      const text =
        `${failed_last_hour} of ${name} failed within the last hour, the last one with: ${
          quoted(last_error ?? "")
        }`;
      found.push(wrong(
        "jobs",
        text,
        `why: select error, history from failed_jobs; once it is mended: select retry_failed_jobs(job_types => array[${
          literal(name)
        }])`,
      ));
    }
  }
  return found.length > 0 ? found : [fine("jobs", "none is stuck, paused or failing")];
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
