// A new user of the package, who types what the README says and does what the doctor says.

import assert from "node:assert/strict";
import type { HostedProject } from "./hosted_project.ts";
import { waitFor } from "./wait.ts";

const README = new URL("../../pkg-template/README.md", import.meta.url);

/** The only key that xAI accepts here. */
export const GROK_KEY = "xai-of-the-user";

export type User = ReturnType<typeof userOf>;

/** A user at work on a project, who knows the token and the key. */
export function userOf(project: HostedProject) {
  let token = "";
  const filled = (text: string) =>
    text
      .replaceAll("https://<ref>.supabase.co", project.url)
      .replaceAll("<the token>", token)
      .replaceAll("<what it should be>", token)
      .replaceAll("<your key>", GROK_KEY);
  const env = () => ({ SUPABASE_URL: project.url, QUEUE_WORKER_TOKEN: token });

  const type = async (command: string) => {
    const said = await project.type(filled(command), env());
    assert.ok(said.succeeded, `${command}: ${said.text}`);
    return said.text;
  };
  const editSql = (statement: string) => project.editSql(filled(statement));
  const doctor = () => project.type("npx pretium-queue doctor", env());

  return {
    type,
    editSql,
    remember: (itsToken: string) => token = itsToken,
    /** Calls `setup_job_queue` as the README does. */
    setUp: async () => await editSql((await block("sql")).split("\n")[0]),
    /** As pg_cron does every ten seconds on Supabase. */
    letTheClockTick: () => project.editSql("select tend_job_queue()"),

    /** The doctor's remedy for the problem; fails if the doctor does not find it. */
    async remedyOf(problem: RegExp): Promise<string> {
      const { succeeded, text } = await doctor();
      assert.ok(!succeeded, text);
      const found = [...text.matchAll(/^WRONG {2}(.*)\n {7}mend it: (.*)$/gm)];
      const [, , remedy] = found.find(([, finding]) => problem.test(finding)) ?? [];
      assert.ok(remedy, `${problem} is not in:\n${text}`);
      return remedy;
    },

    async seesNothingWrong() {
      let last = "";
      await waitFor("a doctor that finds nothing wrong", async () => {
        const { succeeded, text } = await doctor();
        last = text;
        return succeeded;
      }).catch((error) => assert.fail(`${error.message}:\n${last}`));
      assert.match(last, /Everything works/);
    },
  };
}

/** The command in a remedy: the first group of `command`. */
export function within(remedy: string, command: RegExp): string {
  const [, found] = remedy.match(command) ?? [];
  assert.ok(found, `${command} is not in: ${remedy}`);
  return found;
}

/** The first block of a language in the README: its commands, or its SQL. */
export async function block(language: "sh" | "sql"): Promise<string> {
  const [, text] = (await Deno.readTextFile(README)).match(
    new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``),
  )!;
  return text;
}

/**
 * The README's commands except two: the package is not on npm, and the stack's database has the migrations already,
 * so they are pushed to an empty one instead.
 */
export async function commands(): Promise<string> {
  const lines = (await block("sh")).trim().split("\n").map((line) => line.trim());
  const left = lines.filter((line) => !/^npm install|supabase link/.test(line));
  assert.equal(lines.length - left.length, 2);
  return left.join("\n");
}
