// Inputs of any kind on their whole way, through the real worker: each comes back as it was stored, and none is lost or
// run twice because of what another holds.

import assert from "node:assert/strict";
import fc from "fast-check";
import { fuzz } from "../support/fuzz.ts";
import { stack } from "../support/stack.ts";
import { asSuperuser } from "../support/superuser.ts";
import { wakeAndWait } from "../support/worker.ts";

/** Numbers as other languages write them. */
const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.bigInt().map(String),
  fc.tuple(fc.bigInt(), fc.nat({ max: 400 })).map(([digits, power]) => `${digits}e-${power}`),
  fc.constantFrom("1.0", "-0", "1e400", "-1E+20", "0.1000000000000000000001"),
);
const text = fc.string({ unit: "binary" }).map((text) => JSON.stringify(text.replaceAll("\0", "")));
const { json } = fc.letrec<{ json: string }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 5 },
    number,
    text,
    fc.constantFrom("null", "true", "{}", "[]"),
    fc.array(tie("json"), { maxLength: 5 }).map((all) => `[${all}]`),
    fc.array(fc.tuple(text, tie("json")), { maxLength: 5 }).map((all) =>
      `{${all.map((member) => member.join(":"))}}`
    ),
  ),
}));
const input = fc.array(fc.tuple(text, json), { maxLength: 5 }).map((all) =>
  `{${all.map((member) => member.join(":"))}}`
);

fuzz(
  "whatever an input holds, its job is done once and gives it back to the digit",
  fc.array(input, { minLength: 1, maxLength: 30 }),
  async (inputs) => {
    const jobs = inputs.map((input) => `{"job_type":"noop","input_data":${input}}`);
    const response = await fetch(`${stack.url}/rest/v1/rpc/enqueue_jobs`, {
      method: "POST",
      headers: { apikey: stack.secretKey, "content-type": "application/json" },
      body: `{"jobs":[${jobs}]}`,
    });
    const ids = await response.json();
    assert.equal(response.status, 200, JSON.stringify(ids));
    await wakeAndWait();
    const undone = await asSuperuser((sql) =>
      sql`
        select id, status, error, input_data::text, output_data::text from public.jobs
        where id = any (${ids})
          and (status <> 'completed' or retry_count > 0 or input_data::text <> output_data::text)`
    );
    assert.deepEqual([...undone], []);
    await asSuperuser((sql) => sql`delete from public.jobs where id = any (${ids})`);
  },
);
