// A job that an application's own trigger, check or foreign key does not let the queue write costs only itself.

import assert from "node:assert/strict";
import { refused, testDatabase } from "../support/database.ts";
import { queueOn } from "../support/queue.ts";

const db = await testDatabase();
const queue = queueOn(db.service);
const sql = db.service;

Deno.test.beforeEach(async () => {
  await db.admin`truncate jobs, job_types, job_queue.failed_parts cascade`;
});

interface Refusal {
  statements: string;
  undo: string;
  message: RegExp;
}

/** What an application does to its jobs, each refusing every change of those with the priority 7. */
const refusals: Record<string, Refusal> = {
  "a trigger before the change": trigger("before", "raise exception 'not on Sundays'"),
  "a trigger after the change": trigger("after", "raise exception 'not on Sundays'"),
  "a trigger with a fault of its own": trigger("before", "perform new.no_such_column"),
  "a trigger at the end of the transaction": {
    statements: `
      create function no() returns trigger language plpgsql as $$ begin raise 'not on Sundays'; end $$;
      create constraint trigger no after update on jobs deferrable initially deferred
      for each row when (old.priority = 7) execute function no()`,
    undo: "drop trigger no on jobs; drop function no()",
    message: /not on Sundays/,
  },
  "a reference checked at the end of the transaction": {
    statements: `
      alter table jobs add constraint no unique (id, updated_at);
      create table visits (job_id uuid, job_updated_at timestamptz, foreign key (job_id, job_updated_at)
        references jobs (id, updated_at) deferrable initially deferred);
      insert into visits select id, updated_at from jobs where priority = 7`,
    undo: "drop table visits; alter table jobs drop constraint no",
    message: /violates foreign key constraint/,
  },
  "a check that came later": {
    statements: "alter table jobs add constraint no check (priority <> 7) not valid",
    undo: "alter table jobs drop constraint no",
    message: /violates check constraint/,
  },
};

function trigger(when: string, body: string): Refusal {
  return {
    statements: `
      create function no() returns trigger language plpgsql as $$ begin ${body}; return new; end $$;
      create trigger no ${when} update on jobs for each row when (old.priority = 7) execute function no()`,
    undo: "drop trigger no on jobs; drop function no()",
    message: /not on Sundays|no_such_column/,
  };
}

async function during({ statements, undo }: Refusal, use: () => Promise<void>) {
  await db.admin.unsafe(statements);
  try {
    await use();
  } finally {
    await db.admin.unsafe(undo);
  }
}

async function told(part: string): Promise<string | undefined> {
  const [row] = await db.admin`select error from job_queue.failed_parts where part = ${part}`;
  return row?.error;
}

const statuses = async (ids: string[]) =>
  await Promise.all(ids.map(async (id) => (await queue.row(id)).status));

for (const [name, refusal] of Object.entries(refusals)) {
  Deno.test(`claims pass over the jobs that ${name} refuses, and tell of it`, async () => {
    const refusedJobs = await queue.enqueueMany(Array(12).fill({ job_type: "test", priority: 7 }));
    const others = await queue.enqueueMany([{ job_type: "test" }, { job_type: "other" }]);
    await during(refusal, async () => {
      assert.deepEqual((await queue.claim(5, ["test"])).map((job) => job.id), [others[0]]);
      const { jobs } = await queue.finishAndClaim([], { maxJobs: 5, capacity: 4 });
      assert.deepEqual(jobs.map((job) => job.id), [others[1]]);
      assert.deepEqual((await queue.finishAndClaim([], { maxJobs: 1 })).jobs, []);
      assert.match((await told("claim"))!, refusal.message);
    });
    assert.equal(
      (await queue.claim(20)).length,
      refusedJobs.length,
      "and they run when it is mended",
    );
  });

  Deno.test(`results are stored beside one that ${name} refuses`, async () => {
    await queue.enqueueMany([
      { job_type: "test", priority: 7 },
      ...Array(3).fill({ job_type: "test" }),
    ]);
    const jobs = await queue.claim(4);
    await during(refusal, async () => {
      const { finished } = await queue.finishAndClaim(jobs.map(({ id, lease_token }, n) => ({
        job_id: id,
        lease_token,
        outcome: n === 3 ? "failed" : "completed",
        retryable: false,
        output_data: { n },
      })));
      assert.deepEqual(finished, ["lost", "completed", "completed", "failed"]);
      assert.match((await told("finish"))!, refusal.message);
    });
    assert.equal((await queue.row(jobs[0].id)).status, "processing");
  });

  Deno.test(`leases are renewed beside one that ${name} refuses`, async () => {
    await queue.enqueueMany([{ job_type: "test", priority: 7 }, { job_type: "test" }]);
    const jobs = await queue.claim(2);
    const before = (await queue.row(jobs[1].id)).lease_expires_at!;
    await during(refusal, async () => {
      const beats = jobs.map(({ id, lease_token }) => ({ job_id: id, lease_token }));
      assert.deepEqual(await queue.heartbeat(beats, 60), ["held", "held"]);
    });
    assert.ok((await queue.row(jobs[1].id)).lease_expires_at! > before);
  });

  for (const part of ["promote", "rescue"] as const) {
    Deno.test(`${part} goes on beside one that ${name} refuses, in claims and ticks`, async () => {
      const options = part === "promote" ? { delay_seconds: 60 } : {};
      const ids = await queue.enqueueMany(
        [7, 0, 0].map((priority) => ({ job_type: "test", priority, ...options })),
      );
      if (part === "promote") {
        await sql`update jobs set run_at = now() - (priority + 1) * interval '1 second' where true`;
        await sql`update jobs set waiting_for = 'time' where true`;
      } else {
        await queue.claim(3);
        for (const id of ids) await queue.expireLease(id);
      }
      await during(refusal, async () => {
        await sql`select tend_job_queue()`;
        const [first, ...others] = await Promise.all(ids.map((id) => queue.row(id)));
        assert.deepEqual(
          others.map((job) => [job.status, job.waiting_for === "time"]),
          Array(2).fill(["queued", false]),
        );
        assert.deepEqual(
          [first.status, first.waiting_for],
          part === "promote" ? ["queued", "time"] : ["processing", null],
        );
        assert.match((await told(part))!, refusal.message);
      });
      await sql`select tend_job_queue()`;
      assert.equal(await told(part), undefined);
      assert.equal((await queue.row(ids[0])).status, "queued");
    });
  }
}

Deno.test("a result that is refused fails its job, and the others are stored", async () => {
  await queue.enqueueMany(Array(3).fill({ job_type: "test" }));
  const jobs = await queue.claim(3);
  const refusal = {
    statements: "alter table jobs add constraint no check (output_data <> '1')",
    undo: "alter table jobs drop constraint no",
    message: /./,
  };
  await during(refusal, async () => {
    const results = jobs.map(({ id, lease_token }, n) => ({
      job_id: id,
      lease_token,
      outcome: "completed",
      output_data: n,
    }));
    assert.deepEqual((await queue.finishAndClaim(results)).finished, [
      "completed",
      "failed",
      "completed",
    ]);
    assert.deepEqual((await queue.finishAndClaim(results)).finished, [
      "completed",
      "failed",
      "completed",
    ]);
  });
  assert.match(
    (await queue.row(jobs[1].id)).error!,
    /^the database refuses to store the result: .*"no"/,
  );
});

Deno.test("trouble that passes, met after a refusal, fails no job: the report is refused as a whole, and sent again", async () => {
  await queue.enqueueMany(Array(2).fill({ job_type: "test" }));
  // In the order in which results are written: the refusal comes first.
  const jobs = (await queue.claim(2)).toSorted((one, other) => one.id < other.id ? -1 : 1);
  const busy = {
    statements: `
      create function no() returns trigger language plpgsql as $$ begin
        if new.output_data = '"no"' then raise 'not this'; end if;
        if new.output_data = '"busy"' then raise serialization_failure; end if;
        return new;
      end $$;
      create trigger no before update on jobs for each row execute function no()`,
    undo: "drop trigger no on jobs; drop function no()",
    message: /not this/,
  };
  const results = jobs.map(({ id, lease_token }, n) => ({
    job_id: id,
    lease_token,
    outcome: "completed",
    output_data: ["no", "busy"][n],
  }));
  await during(busy, async () => {
    await assert.rejects(queue.finishAndClaim(results), { code: "40001" });
    assert.deepEqual(await statuses(jobs.map(({ id }) => id)), ["processing", "processing"]);
  });
  assert.deepEqual((await queue.finishAndClaim(results)).finished, ["completed", "completed"]);
});

Deno.test("what refuses every job is told as it is, and soon", async () => {
  await queue.enqueueMany(Array(3_000).fill({ job_type: "test", priority: 7 }));
  await during(refusals["a trigger before the change"], async () => {
    const start = performance.now();
    await queue.finishAndClaim([], { maxJobs: 200 }).catch((error) =>
      assert.match(error.message, /Sundays/)
    );
    assert.ok(performance.now() - start < 4_000);
  });
  assert.deepEqual([
    ...new Set(await statuses((await sql`select id from jobs limit 9`).map((row) => row.id))),
  ], ["queued"]);
});

for (const call of ["claim", "heartbeat", "dispatch"] as const) {
  Deno.test(`a ${call} makes ready what it can beside what is refused at the end of the transaction`, async () => {
    const ids = await queue.enqueueMany([7, 0].map((priority) => ({ job_type: "test", priority })));
    await queue.claim(2);
    for (const id of ids) await queue.expireLease(id);
    await during(refusals["a trigger at the end of the transaction"], async () => {
      if (call === "claim") assert.deepEqual(await queue.claim(2, ["other"]), []);
      else if (call === "dispatch") await sql`select dispatch_workers()`;
      else await queue.heartbeat([]);
      assert.deepEqual(await statuses(ids), ["processing", "queued"]);
      assert.match((await told("rescue"))!, /not on Sundays/);
    });
  });
}

Deno.test("the last words of a crashed worker reach all jobs but one that is refused at the end of the transaction", async () => {
  const ids = await queue.enqueueMany([7, 0].map((priority) => ({ job_type: "test", priority })));
  const jobs = await queue.claim(2);
  await during(refusals["a trigger at the end of the transaction"], async () => {
    const results = jobs.map(({ id, lease_token }) => ({
      job_id: id,
      lease_token,
      outcome: "released",
    }));
    const [{ finished }] = await sql`select abandon_jobs(${sql.json(results)}) as finished`;
    assert.deepEqual(finished, ["lost", "queued"]);
    assert.deepEqual(await statuses(ids), ["processing", "queued"]);
  });
});

Deno.test("a claim whose answer nobody reads goes back but for what is refused at the end of the transaction", async () => {
  const ids = await queue.enqueueMany([7, 0].map((priority) => ({ job_type: "test", priority })));
  const [{ lease_token }] = await queue.claim(2);
  await during(refusals["a trigger at the end of the transaction"], async () => {
    await sql`select abandon_jobs(lease_tokens => ${[lease_token]}::uuid[])`;
    assert.deepEqual(await statuses(ids), ["processing", "queued"]);
  });
});

for (const [name, refusal] of Object.entries(refusals)) {
  Deno.test(`so it is in a worker's request: ${name} refuses one job, and the others are claimed, held and finished`, async () => {
    const connection = db.connect();
    const worker = queueOn(connection);
    const request = (name: string) =>
      connection`select set_config('request.path', ${`/rpc/${name}`}, false)`;
    const [refused, other] = await queue.enqueueMany(
      [7, 0].map((priority) => ({ job_type: "test", priority })),
    );
    await during(refusal, async () => {
      await request("finish_and_claim_jobs");
      const { jobs } = await worker.finishAndClaim([], { maxJobs: 2 });
      assert.deepEqual(jobs.map(({ id }) => id), [other]);
    });
    const [late] = await queue.claim();
    assert.equal(late.id, refused);
    const { lease_token } = await queue.row(other);
    const both = [{ job_id: refused, lease_token: late.lease_token }, {
      job_id: other,
      lease_token,
    }];
    await during(refusal, async () => {
      await request("heartbeat_jobs");
      assert.deepEqual(await worker.heartbeat(both), ["held", "held"]);
      await request("abandon_jobs");
      const results = both.map((lease) => ({ ...lease, outcome: "completed" }));
      const [{ finished }] = await connection`select abandon_jobs(${
        connection.json(results as never)
      }) as finished`;
      assert.deepEqual(finished, ["lost", "completed"]);
    });
  });
}

Deno.test("by hand, what refuses a result is told as it is", async () => {
  const job = await queue.running({ priority: 7 });
  await during(refusals["a trigger before the change"], async () => {
    assert.match(await refused("P0001", sql`select mark_job_completed(${job.id}, '1')`), /Sundays/);
  });
});
