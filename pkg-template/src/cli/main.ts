#!/usr/bin/env node
// `npx pretium-queue <command>`. A command is a file in `commands/` and its line here.

import { parseArgs } from "node:util";
import type { Command } from "./command.ts";
import { Complaint } from "./command.ts";
import { doctor } from "./commands/doctor.ts";
import { init } from "./commands/init.ts";
import { upgrade } from "./commands/upgrade.ts";

const COMMANDS: Record<string, Command> = { init, upgrade, doctor };

const OPTIONS = {
  workdir: { type: "string", default: "." },
  help: { type: "boolean", short: "h", default: false },
} as const;

function usage(): string {
  const commands = Object.entries(COMMANDS).map(([name, { summary }]) =>
    `  ${name.padEnd(10)}${summary}`
  );
  return `npx pretium-queue <command> [--workdir <folder>]

${commands.join("\n")}

--workdir is the folder that holds supabase/; the current one unless given.`;
}

async function main(args: string[]): Promise<number> {
  try {
    const { values, positionals } = parseArgs({ args, options: OPTIONS, allowPositionals: true });
    const [name = "", ...rest] = positionals;
    if (values.help || !name) return say(usage(), values.help ? 0 : 1);
    const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
    if (!command || rest.length > 0) {
      throw new Complaint(`there is no command ${positionals.join(" ")}\n\n${usage()}`);
    }
    await command.run({ workdir: values.workdir, say: (line) => console.log(line) });
    return 0;
  } catch (error) {
    const isOurs = error instanceof Complaint || (error instanceof TypeError && "code" in error);
    console.error(isOurs ? `error: ${(error as Error).message}` : error);
    return 1;
  }
}

function say(text: string, code: number): number {
  console.log(text);
  return code;
}

process.exitCode = await main(process.argv.slice(2));
