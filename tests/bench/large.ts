// 200 jobs with inputs of 1 MiB, 50 of which return 1 MiB, worked off by one isolate that has 256 MB. This process acts
// as the platform and kills it at that limit. CPU is not limited: to read so much takes more than one isolate has. Half
// of the large results come from Rust, half from TypeScript, which reads its inputs into objects.
//
//   cargo xtask bench large --deno edge

import { asSuperuser } from "../support/superuser.ts";
import { Isolate } from "./isolate.ts";
import { shown } from "./median.ts";

const JOBS = 200;
const MIB = 1 << 20;
const ALMOST_MIB = 1_000_000;
const LIMITS = { wallClockSeconds: 400, cpuMs: 600_000, memoryMegabytes: 256 };
/** Of one record in the text of an input. */
const RECORD_BYTES = 128;

await enqueue();
const entry = new URL("large_function.ts", import.meta.url).href;
const isolate = await Isolate.start(LIMITS, {}, ["--function", entry]);
const startedAt = performance.now();
await isolate.run();
const seconds = (performance.now() - startedAt) / 1_000;
const { killedFor, stopped } = isolate;
const { peak, processMs } = await isolate.end();
const { completed, large, attempts } = await results();
console.log(
  `${completed} of ${JOBS} jobs completed in ${
    shown(seconds, 1)
  } s, ${large} with a result of 1 MiB`,
);
console.log(`  the run ended: ${killedFor === null ? stopped : `killed for its ${killedFor}`}`);
console.log(
  `  peak memory above idle: ${shown(peak / MIB)} MiB, CPU of the process ${processMs} ms`,
);
const met = {
  "every job is completed": completed === JOBS,
  "fifty results have 1 MiB": large === JOBS / 4,
  "no attempt is used up": attempts === 0,
  "the isolate is not killed": killedFor === null,
};
const missed = Object.entries(met).filter(([, isMet]) => !isMet);
for (const [what] of missed) console.log(`  MISSED: ${what}`);
if (missed.length > 0) Deno.exit(1);

/** Every fourth returns what it is given. */
async function enqueue() {
  const inputBytes = await asSuperuser(async (sql) => {
    await sql`truncate public.jobs cascade`;
    await sql`
      insert into public.jobs (job_type, input_data)
      select case n % 8 when 0 then 'noop' when 4 then 'echo' else 'take' end,
             jsonb_build_object('records', (
               select jsonb_agg(jsonb_build_object('number', 10000 + r, 'text', repeat('x', ${
      RECORD_BYTES - 35
    }::int)))
               from generate_series(1, ${Math.floor(MIB / RECORD_BYTES)}::int) r
             ))
      from generate_series(0, ${JOBS - 1}::int) n`;
    const [{ bytes }] = await sql`select min(input_bytes) as bytes from public.jobs`;
    return bytes;
  });
  if (inputBytes < ALMOST_MIB) throw new Error(`inputs of ${inputBytes} bytes`);
}

async function results(): Promise<{ completed: number; large: number; attempts: number }> {
  const [row] = await asSuperuser((sql) =>
    sql<{ completed: number; large: number; attempts: number }[]>`
      select count(*) filter (where status = 'completed')::int as completed,
             count(*) filter (where octet_length(output_data::text) > ${ALMOST_MIB}::int)::int as large,
             sum(retry_count)::int as attempts
      from public.jobs`
  );
  return row;
}
