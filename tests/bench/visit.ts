// A report about 60 photographs of 5 MB under the limits of an edge worker: 150 s (free plan) and 400 s (paid) of wall
// clock, 2 s of CPU, 256 MB. This process acts as the platform: it starts an isolate when there is none, gives it no
// request after half its time, and kills it at a limit. It runs each plan twice: answers fetched later, and answers
// awaited. It fails when an attempt is used up, a photograph left out or a limit exceeded.
//
//   cargo xtask bench visit --deno edge [-- deferred]

import { grokCalls, scriptGrok } from "../support/grok.ts";
import { enqueue, getJob } from "../support/job.ts";
import { reportInput } from "../support/report_job.ts";
import { makeDue } from "../support/superuser.ts";
import { Isolate, type Limits } from "./isolate.ts";
import { shown } from "./median.ts";
import { servePhotos } from "./photos.ts";

const PHOTOS = 60;
const PHOTO_BYTES = 5_000_000;
/** How long a model takes to write about a few photographs. */
const THINKING_MS = 10_000;
const CPU_MS = 2_000;
const MEMORY_MEGABYTES = 256;
/** How much memory the worker may use beyond that of an idle one. */
const MOST_MEMORY = 128 << 20;
/** Given as arguments, or both. */
const TRANSPORTS = Deno.args.length > 0 ? Deno.args : ["deferred", "sync"];
const LONGEST_MS = 1_800_000;

const photos = servePhotos(PHOTO_BYTES);
let missed = 0;
for (const wallClockSeconds of [150, 400]) {
  for (const transport of TRANSPORTS) await measure(wallClockSeconds, transport);
}
if (missed > 0) Deno.exit(1);

async function measure(wallClockSeconds: number, transport: string) {
  const before = photos.requests();
  const startedAt = Date.now();
  const id = await enqueueVisit();
  const limits = { wallClockSeconds, cpuMs: CPU_MS, memoryMegabytes: MEMORY_MEGABYTES };
  const isolates = await runToEnd(id, limits, { GROK_TRANSPORT: transport });
  const seconds = (Date.now() - startedAt) / 1_000;
  const [job, calls] = [await getJob(id), await grokCalls(id)];
  const shownPhotos = calls.flatMap((call) => call.images).length;
  const peak = Math.max(...isolates.map((each) => each.peak));
  const list = (each: (isolate: Ended) => string) => isolates.map(each).join(", ");
  console.log(`${wallClockSeconds} s, ${transport}: ${job.status} after ${shown(seconds)} s`);
  console.log(`  isolates ${isolates.length}: ${list((each) => each.end)}`);
  console.log(
    `  CPU of each, of its process: ${list((each) => `${each.isolateMs}`)} ms, ${
      list((each) => `${each.processMs}`)
    } ms`,
  );
  console.log(`  peak memory above idle: ${shown(peak / 2 ** 20)} MiB`);
  console.log(
    `  requests to the model ${calls.length}, photographs shown ${shownPhotos}, fetched ${
      photos.requests() - before
    }, retry_count ${job.retry_count}`,
  );
  const met = {
    "the job is completed": job.status === "completed" && job.output_data.status === "complete",
    "no attempt is used up": job.retry_count === 0,
    "every photograph is shown once": shownPhotos === PHOTOS,
    "every photograph is fetched once": photos.requests() - before === PHOTOS,
    "no isolate is killed": isolates.every((each) => !each.end.startsWith("killed")),
    "memory stays within 128 MiB": peak <= MOST_MEMORY,
  };
  for (const [what, isMet] of Object.entries(met)) {
    if (isMet) continue;
    missed++;
    console.log(`  MISSED: ${what}`);
  }
  if (job.error) console.log(`  ${job.error}`);
}

async function enqueueVisit(): Promise<string> {
  const input = reportInput(PHOTOS);
  for (const image of input.images) image.url = `${photos.url}/${image.number}.jpg`;
  const id = await enqueue("generate_report", input, { delay_seconds: 3_600 });
  await scriptGrok(id, [{ fault: "slow", delay_ms: THINKING_MS, times: 1_000 }]);
  await makeDue(id);
  return id;
}

type Ended = Awaited<ReturnType<Isolate["end"]>> & { end: string };

/** Gives the job to isolate after isolate until it is final. */
async function runToEnd(
  id: string,
  limits: Limits,
  environment: Record<string, string>,
): Promise<Ended[]> {
  const ended: Ended[] = [];
  let isolate: Isolate | null = null;
  const retire = async (isolate: Isolate) => {
    const end = isolate.killedFor === null
      ? isolate.stopped
      : `killed for its ${isolate.killedFor}`;
    ended.push({ ...await isolate.end(), end });
  };
  for (const giveUpAt = Date.now() + LONGEST_MS; Date.now() < giveUpAt;) {
    const job = await getJob(id);
    if (!["queued", "processing"].includes(job.status)) break;
    if (isolate?.isRetired) {
      await retire(isolate);
      isolate = null;
    }
    if (Date.parse(job.run_at) <= Date.now()) {
      isolate ??= await Isolate.start(limits, environment);
      await isolate.run();
    } else await new Promise((resolve) => setTimeout(resolve, 200));
  }
  if (isolate) await retire(isolate);
  return ended;
}
