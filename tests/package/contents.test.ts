// What npm would publish: which files, whether every resolver finds them and their types, and how much it adds to a page.

import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { run } from "../support/run.ts";

const root = new URL("../../", import.meta.url).pathname;
const bin = (name: string) => `${root}node_modules/.bin/${name}`;

/** Packs the package as npm publishes it and returns the tarball's path and its files. */
async function pack(): Promise<{ tarball: string; files: string[] }> {
  const folder = await Deno.makeTempDir();
  const args = ["pack", "--json", "--ignore-scripts", "--pack-destination", folder];
  const [packed] = JSON.parse(await run("npm", args, { cwd: `${root}pkg` }));
  return {
    tarball: `${folder}/${packed.filename}`,
    files: packed.files.map((file: { path: string }) => file.path).sort(),
  };
}

const { tarball, files } = await pack();

Deno.test("the package holds what an application needs", () => {
  for (
    const file of [
      "LICENSE",
      "README.md",
      "package.json",
      "dist/index.js",
      "dist/index.d.ts",
      "dist/next.js",
      "dist/routes/index.d.ts",
      "supabase/migrations/20261123090000_jobs_schema.sql",
      "supabase/functions/api/index.ts",
      "supabase/functions/api/pretium-queue/routes/index.ts",
      "supabase/functions/process-queued-jobs/index.ts",
      "supabase/functions/process-queued-jobs/worker/wasm_bytes.js",
    ]
  ) assert.ok(files.includes(file), `${file} is missing`);
});

Deno.test("the package holds nothing else", () => {
  const known =
    /^(LICENSE|README\.md|package\.json|dist\/[\w/]+\.(js|d\.ts)|supabase\/(migrations\/\d+_\w+\.sql|functions\/(api|process-queued-jobs)\/[\w/-]+\.(ts|js|json)|functions\/process-queued-jobs\/worker\/(worker|(wasm|report|images|documents)_bytes)\.d\.ts))$/;
  assert.deepEqual(files.filter((file) => !known.test(file)), []);
});

Deno.test("the package depends on nothing", async () => {
  const manifest = JSON.parse(await Deno.readTextFile(`${root}pkg/package.json`));
  assert.deepEqual([manifest.dependencies, manifest.peerDependencies], [undefined, undefined]);
  assert.match(
    await Deno.readTextFile(`${root}Cargo.toml`),
    new RegExp(`^version = "${manifest.version}"`, "m"),
  );
});

Deno.test("publint finds nothing to complain about", async () => {
  await run(bin("publint"), ["--strict", tarball]);
});

Deno.test("every resolver that knows ES modules finds the types", async () => {
  await run(bin("attw"), [tarball, "--profile", "esm-only", "--format", "ascii"]);
});

/** Bytes of a bundle for the browser, minified and zipped. */
async function bundled(source: string): Promise<number> {
  const args = ["--bundle", "--minify", "--format=esm", "--platform=browser", "--loader=js"];
  const code = await run(bin("esbuild"), args, { cwd: root, stdin: source });
  return gzipSync(code, { level: 9 }).length;
}

Deno.test("the client adds at most 6 KB to a page", async () => {
  const client = await bundled(
    `import { createQueueClient } from "pretium-queue"; globalThis.queue = createQueueClient;`,
  );
  const whole = await bundled(`export * from "pretium-queue";`);
  const supabase = await bundled(
    `import { createClient } from "@supabase/supabase-js"; globalThis.supabase = createClient;`,
  );
  const ratio = (whole / supabase).toFixed(3);
  console.log(
    `client ${client} bytes gzip, all of the package's main module ${whole}, supabase-js ${supabase}: ${ratio}`,
  );
  assert.ok(whole <= 6 * 1024, `${whole} bytes`);
});
