// The Next.js application of tests/site with the package installed from its tarball, built and served.

import { startProcess } from "./process.ts";
import { run } from "./run.ts";
import { stack } from "./stack.ts";

const root = new URL("../../", import.meta.url).pathname;
const folder = `${root}.stack/site`;
const pictures = `${root}.stack/pictures`;

export interface Site {
  url: string;
  /** Where pictures of its pages go. */
  pictures: string;
  /** Writes the examples, with the package's own functions as `@/lib/queue`, into one script for any runtime. */
  bundleExamples(reportId: string): Promise<string>;
  stop(): Promise<void>;
}

/** How a site is built. */
export interface Build {
  /** The job that the pages below `/status` show. */
  shownJob: string;
  /** Next.js's setting of this name. */
  cacheComponents: boolean;
}

/** Puts the site and the package where sites are built. What npm has installed stays for the next run. */
export async function installSite() {
  await Deno.mkdir(pictures, { recursive: true });
  await copySources();
  await addReadmePage();
  await installPackage();
}

/** Builds the installed site against the stack and starts it. */
export async function startSite({ shownJob, cacheComponents }: Build): Promise<Site> {
  const env = {
    NEXT_PUBLIC_SUPABASE_URL: stack.url,
    NEXT_PUBLIC_SUPABASE_PUBLISHABLE_KEY: stack.publishableKey,
    SUPABASE_URL: stack.url,
    SUPABASE_SECRET_KEY: stack.secretKey,
    SHOWN_JOB: shownJob,
    CACHE_COMPONENTS: cacheComponents ? "on" : "off",
    NEXT_TELEMETRY_DISABLED: "1",
  };
  await run("npm", ["run", "build"], { cwd: folder, env });
  const server = await startProcess("node", [
    "node_modules/next/dist/bin/next",
    "start",
    "--port",
    "0",
    "--hostname",
    "127.0.0.1",
  ], {
    cwd: folder,
    env,
    listening: /- Local:\s+(http:\S+)/,
  });
  return { url: server.url, pictures, bundleExamples, stop: server.stop };
}

async function copySources() {
  await Deno.mkdir(folder, { recursive: true });
  for await (const entry of Deno.readDir(folder)) {
    if (["node_modules", ".next", "package-lock.json"].includes(entry.name)) continue;
    await Deno.remove(`${folder}/${entry.name}`, { recursive: true });
  }
  await run("cp", ["-R", `${root}tests/site/.`, folder]);
}

/** The page that the package's README has its readers write, with the client it has them write for it. */
async function addReadmePage() {
  const readme = await Deno.readTextFile(`${root}pkg-template/README.md`);
  const code = [...readme.matchAll(/^ *```tsx?\n([^]*?)^ *```$/gm)].map(([, code]) => code);
  const holding = (text: string) => code.find((block) => block.includes(text))!;
  await Deno.writeTextFile(`${folder}/lib/readme.ts`, holding("createQueueClient(supabase)"));
  await Deno.mkdir(`${folder}/app/report`);
  const page = holding("export default function ReportPage()").replace(
    "@/lib/queue",
    "@/lib/readme",
  );
  await Deno.writeTextFile(`${folder}/app/report/page.tsx`, page);
}

async function installPackage() {
  const packed = await run("npm", [
    "pack",
    "--json",
    "--ignore-scripts",
    "--pack-destination",
    folder,
  ], {
    cwd: `${root}pkg`,
  });
  const [{ filename }] = JSON.parse(packed);
  // npm keeps a tarball of the same name and version as it was.
  await Deno.remove(`${folder}/node_modules/pretium-queue`, { recursive: true }).catch(() => {});
  await Deno.remove(`${folder}/package-lock.json`).catch(() => {});
  await run("npm", ["install", "--no-audit", "--no-fund", "--loglevel=error", `./${filename}`], {
    cwd: folder,
  });
}

async function bundleExamples(reportId: string): Promise<string> {
  const script = `${folder}/examples.mjs`;
  await run(`${root}node_modules/.bin/esbuild`, [
    "--bundle",
    "--format=esm",
    "--platform=neutral",
    "--alias:@/lib/queue=pretium-queue",
    `--outfile=${script}`,
  ], { cwd: folder, stdin: `import { all } from "./examples/all.ts"; await all("${reportId}");` });
  return script;
}
