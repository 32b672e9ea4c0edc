// What a signed-in user reads beside 100,000 jobs of others with their steps and failures: by index, whatever they filter by and order by.

import assert from "node:assert/strict";
import { testDatabase } from "../support/database.ts";

const db = await testDatabase();
const ann = { role: "authenticated", sub: "00000000-0000-4000-8000-00000000000a" };
const OTHERS = 100_000;

/** Two owners have everything, which makes an average owner look large; Ann has twelve jobs. */
await db.admin.unsafe(`
  insert into job_types (job_type, open_to_users) select 'type ' || i, true from generate_series(0, 4) i;
  insert into jobs (job_type, owner_id, status, run_at, completed_at, error, started_at)
  select 'type ' || i % 5, case when i > ${OTHERS} then '${ann.sub}' else ('00000000-0000-4000-8000-00000000010' || i % 2) end::uuid,
         k.status, k.run_at, k.completed_at, k.error, now()
  from generate_series(1, ${OTHERS} + 12) i
  cross join lateral (
    select (array['queued', 'completed', 'failed', 'cancelled'])[i % 4 + 1] as status
  ) s
  cross join lateral (
    select s.status, now() - i * interval '1 second' as run_at,
           case when s.status <> 'queued' then now() end as completed_at,
           case when s.status = 'failed' then 'no luck' end as error
  ) k;
  insert into job_steps (job_id, name, result, finished_at) select id, 'one', '1', now() from jobs;
  insert into job_failures (job_id, started_at, failed_at, error) select id, now(), now(), 'x' from jobs;
  insert into reports (user_id, project_id) select owner_id, id from jobs;
  insert into report_images (report_id, url) select id, 'https://a.test' from reports;
  analyze`);

const columns = "id, status, job_type, completed_at, created_at";
const statements = [
  `select * from visible_jobs`,
  ...[
    "status = 'failed'",
    "job_type = 'type 1'",
    "status in ('queued', 'processing')",
    "completed_at > now() - interval '1 hour'",
  ]
    .map((filter) => `select * from visible_jobs where ${filter}`),
  ...[
    "created_at desc",
    "completed_at desc",
    "completed_at desc nulls last",
    "updated_at",
    "priority desc, run_at",
    "status, id",
  ]
    .map((order) => `select * from visible_jobs order by ${order} limit 20`),
  `select * from visible_jobs where status = 'completed' order by completed_at desc limit 20`,
  `select * from visible_jobs where id = '${ann.sub}'`,
  `select count(*) from visible_jobs`,
  `select count(*) from visible_jobs where status = 'queued'`,
  `select * from visible_jobs where status = 'failed' or error is not null order by id limit 20`,
  `select * from visible_jobs where status <> 'completed' order by run_at limit 20 offset 5`,
  `select * from visible_jobs where error ilike '%luck%' order by completed_at`,
  `select ${columns} from jobs order by completed_at desc limit 20`,
  `select ${columns} from jobs where status = 'failed'`,
  `select job_id, name from job_steps`,
  `select job_id, name from job_steps where finished_at is not null order by finished_at desc limit 20`,
  `select job_id, error from job_failures order by failed_at desc limit 20`,
  `select job_id, error from job_failures`,
  `select count(*) from job_failures where failed_at > now() - interval '1 hour'`,
  `select job_id, name from job_steps where name = 'one' order by job_id limit 20`,
  `select job_id, f.error from job_failures f join visible_jobs v on v.id = f.job_id`,
  `select * from reports order by created_at desc limit 20`,
  `select * from report_images limit 1000`,
];
for (const statement of statements) {
  Deno.test(`a user's "${statement}" reads their rows and no others`, async () => {
    const read = await db.as("authenticated", ann, async (sql) => {
      const [row] = await sql.unsafe(
        `explain (analyze, buffers, timing off, format json) ${statement}`,
      );
      const plan = row["QUERY PLAN"][0].Plan;
      return { buffers: plan["Shared Hit Blocks"] + plan["Shared Read Blocks"], plan };
    });
    assert.ok(read.buffers < 300, `${read.buffers} buffers: ${JSON.stringify(read.plan, null, 1)}`);
  });
}

Deno.test("the service role reads one job of all by index, and the latest", async () => {
  for (
    const rest of [
      "where id = gen_random_uuid()",
      "where status = 'failed' order by completed_at desc limit 20",
    ]
  ) {
    await db.service.begin(async (sql) => {
      await sql.unsafe("set local role service_role");
      const [row] = await sql.unsafe(
        `explain (analyze, buffers, timing off, format json) select id, status from visible_jobs ${
          rest.replace("gen_random_uuid()", `'${ann.sub}'`)
        }`,
      );
      const plan = row["QUERY PLAN"][0].Plan;
      const buffers = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"];
      assert.ok(buffers < 300, `${buffers} buffers: ${JSON.stringify(plan, null, 1)}`);
    });
  }
});
