// A Next.js application with the package as npm installs it, in a browser: from the form to the report.

import assert from "node:assert/strict";
import { type BrowserContext, chromium, type Page } from "playwright-core";
import { currentNode } from "../support/current_node.ts";
import { mintUserToken, secretKeyClient } from "../support/clients.ts";
import { PHOTOS_URL } from "../support/report_job.ts";
import { run } from "../support/run.ts";
import { installSite, startSite } from "../support/site.ts";
import { stack } from "../support/stack.ts";
import { asSuperuser } from "../support/superuser.ts";
import { wake } from "../support/worker.ts";

await asSuperuser((sql) =>
  sql`insert into public.job_types (job_type, open_to_users) values ('generate_report', true)
      on conflict (job_type) do update set open_to_users = true`
);

/** A job that no worker knows: it stays as it is until it is ended. */
async function parked(): Promise<string> {
  const { data } = await secretKeyClient().rpc("enqueue_job", { job_type: "parked" });
  return data;
}

const shownJobs = { anew: await parked(), static: await parked() };
await installSite();
const site = await startSite({ shownJob: shownJobs.anew, cacheComponents: true });
const staticSite = await startSite({ shownJob: shownJobs.static, cacheComponents: false });
const browser = await chromium.launch({
  executablePath: Deno.env.get("STACK_CHROMIUM"),
  // A container has no user namespaces, and its /dev/shm is small.
  args: ["--no-sandbox", "--disable-dev-shm-usage"],
});
Deno.test.afterAll(async () => {
  await browser.close();
  await site.stop();
  await staticSite.stop();
});

const PHONE = { width: 375, height: 667 };
const server = secretKeyClient();

/** Opens the page as a user of its own; false for a visitor. */
async function visit<T>(
  use: (page: Page, user: string) => Promise<T>,
  isSignedIn = true,
): Promise<T> {
  const user = crypto.randomUUID();
  const context = await browser.newContext({ viewport: PHONE });
  if (isSignedIn) await signIn(context, await mintUserToken(user));
  const page = await context.newPage();
  try {
    await page.goto(site.url);
    return await use(page, user);
  } finally {
    await context.close();
  }
}

const signIn = (context: BrowserContext, token: string) =>
  context.addInitScript(`sessionStorage.setItem("access_token", "${token}")`);

/** Keeps a picture of the page for whoever looks at the run afterwards. */
const picture = (page: Page, name: string) =>
  page.screenshot({ path: `${site.pictures}/${name}.png`, fullPage: true });

const status = (page: Page, wanted: string) =>
  page.locator(`[role=status][data-status=${wanted}]`).waitFor({ timeout: 30_000 });

async function fill(
  page: Page,
  notes = "Membrane complete on the east half.\nDrains to be cleared.",
) {
  await page.getByLabel("Contract").fill("Alder Street Library");
  await page.getByLabel("Location").fill("Roof Area B");
  await page.getByLabel("Notes").fill(notes);
  await page.getByLabel("photos").fill(`${PHOTOS_URL}/1.jpg\n${PHOTOS_URL}/2.jpg`);
}

const send = (page: Page) => page.getByRole("button", { name: "Write the report" }).click();

Deno.test("a report is written from the form, its progress shown, and then the report", async () => {
  await visit(async (page) => {
    await picture(page, "1-form");
    await fill(page);
    await send(page);
    await status(page, "queued");
    await picture(page, "2-queued");
    await wake();
    await page.getByRole("progressbar", { name: "Photos" }).waitFor();
    await picture(page, "3-processing");
    await status(page, "completed");
    await page.getByRole("heading", { name: "Report", exact: true }).waitFor();
    await picture(page, "4-report");
    const text = await page.locator("article").innerText();
    assert.match(text, /1\.1 /);
  });
});

Deno.test("everything can be done with the keyboard alone", async () => {
  await visit(async (page) => {
    const type = async (text: string) => {
      await page.keyboard.press("Tab");
      await page.keyboard.type(text);
    };
    for (const text of ["Library", "Roof", "Membrane complete.", `${PHOTOS_URL}/1.jpg`]) {
      await type(text);
    }
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await status(page, "queued");
    await wake();
    await status(page, "completed");
    const focused = () => page.evaluate("document.activeElement.textContent");
    await page.waitForFunction("document.activeElement.tagName === 'H2'");
    assert.equal(await focused(), "Report");
    await page.keyboard.press("Tab");
    assert.equal(await focused(), "Write another report");
    await page.keyboard.press("Enter");
    await page.getByLabel("Notes").waitFor();
  });
});

Deno.test("nothing is wider than a phone", async () => {
  await visit(async (page) => {
    await fill(page, "x".repeat(300));
    await send(page);
    await status(page, "queued");
    await wake();
    await status(page, "completed");
    assert.equal(await page.evaluate("document.documentElement.scrollWidth"), PHONE.width);
  });
});

Deno.test("a waiting report is cancelled", async () => {
  await visit(async (page) => {
    await fill(page);
    await send(page);
    await status(page, "queued");
    await page.getByRole("button", { name: "Cancel" }).click();
    await status(page, "cancelled");
    await picture(page, "5-cancelled");
  });
});

Deno.test("a report that failed says why and can be tried again", async () => {
  await visit(async (page, user) => {
    await fill(page);
    await send(page);
    await status(page, "queued");
    await asSuperuser((sql) =>
      sql`update public.jobs set status = 'failed', error = 'the Grok account is empty', completed_at = now()
          where owner_id = ${user}`
    );
    await status(page, "failed");
    assert.match(
      await page.getByRole("status").innerText(),
      /the Grok account is empty\. Try again/,
    );
    await picture(page, "6-failed");
    await page.getByRole("button", { name: "Try again" }).click();
    await status(page, "queued");
    await wake();
    await status(page, "completed");
  });
});

/** What the page says went wrong, which names what to do. Next.js has an alert of its own, which is empty. */
const alert = async (page: Page) => {
  const found = page.locator("p[role=alert]");
  await found.waitFor();
  return await found.innerText();
};

Deno.test("a form that is not complete, and a visitor, are told what to do", async () => {
  await visit(async (page) => {
    await fill(page, " ");
    await send(page);
    assert.equal(
      await alert(page),
      "The notes are empty. Write at least one line about the visit.",
    );
    assert.equal(await page.getByLabel("Contract").inputValue(), "Alder Street Library");
    await picture(page, "7-incomplete");
  });
  await visit(async (page) => {
    await fill(page);
    await send(page);
    assert.match(await alert(page), /^You are not signed in\. Sign in/);
  }, false);
});

Deno.test("a site that cannot be reached leaves the form as it is and says what to do", async () => {
  await visit(async (page) => {
    await fill(page);
    await page.route("**/api/models/**", (route) => route.abort());
    await send(page);
    assert.match(await alert(page), /^The server cannot be reached\. Check the connection/);
    assert.match(await page.getByLabel("Notes").inputValue(), /Membrane/);
    await picture(page, "8-offline");
  });
});

Deno.test("Next.js answers every method of a route in JSON", async () => {
  for (
    const path of [
      "/api/jobs",
      `/api/jobs/${crypto.randomUUID()}`,
      "/api/models/archive/generate-report-oldGrok",
    ]
  ) {
    const response = await fetch(`${site.url}${path}`, { method: "PATCH" });
    assert.equal(response.status, 405);
    assert.match((await response.json()).error, /^expected /);
  }
  const unknown = await fetch(`${site.url}/api/jobs/7`, {
    headers: { authorization: `Bearer ${await mintUserToken(crypto.randomUUID())}` },
  });
  assert.deepEqual([unknown.status, await unknown.json()], [404, {
    success: false,
    error: "there is no job 7",
  }]);
});

const KEPT: [name: string, url: string, shownJob: string][] = [
  ["with cache components", site.url, shownJobs.anew],
  ["whose pages are made when it is built", staticSite.url, shownJobs.static],
];

for (const [name, url, shownJob] of KEPT) {
  Deno.test(`a job that a server component reads is as it is now, in a site ${name}`, async () => {
    const context = await browser.newContext();
    const pages = await Promise.all(["/status", "/status/supabase"].map(async (path) => {
      const page = await context.newPage();
      await page.goto(`${url}${path}`);
      await status(page, "queued");
      return page;
    }));
    await asSuperuser((sql) =>
      sql`update public.jobs set status = 'completed', output_data = '{}', completed_at = now()
          where id = ${shownJob}`
    );
    for (const page of pages) {
      await page.reload();
      await status(page, "completed");
    }
    await context.close();
  });
}

Deno.test("the page of the README writes a report as it stands there", async () => {
  const user = crypto.randomUUID();
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`${site.url}/report`);
  await page.getByLabel("Notes").fill("Membrane complete on the east half.");
  await page.getByRole("button", { name: "Write the report" }).click();
  await page.getByText("Sign in first.").waitFor();
  await signInWithSupabase(context, user);
  await page.reload();
  await page.getByLabel("Contract").fill("Alder Street Library");
  await page.getByLabel("Notes").fill("Membrane complete on the east half.");
  await page.getByRole("button", { name: "Write the report" }).click();
  await wokenUntil(page.getByText("FIELD REVIEW REPORT").waitFor());
  assert.match(await page.getByRole("status").innerText(), /Alder Street Library/);
  await context.close();
});

/** As supabase-js keeps a session that is still good: it asks nobody about it. */
async function signInWithSupabase(context: BrowserContext, user: string) {
  const session = {
    access_token: await mintUserToken(user),
    refresh_token: "unused",
    token_type: "bearer",
    expires_in: 3600,
    expires_at: Math.floor(Date.now() / 1000) + 3600,
    user: { id: user },
  };
  const key = `sb-${new URL(stack.url).hostname.split(".")[0]}-auth-token`;
  await context.addInitScript(`localStorage.setItem("${key}", '${JSON.stringify(session)}')`);
}

/** A report's row of this owner. */
async function report(owner: string | null): Promise<string> {
  const { data } = await server.from("reports").insert({ user_id: owner }).select("id").single();
  return data!.id;
}

const wokenUntil = async (done: Promise<unknown>) => {
  let isDone = false;
  done.finally(() => isDone = true).catch(() => {});
  while (!isDone) {
    await wake();
    await Promise.race([done.catch(() => {}), new Promise((resolve) => setTimeout(resolve, 250))]);
  }
};

Deno.test("the examples of the description run unchanged in the page", async () => {
  const user = crypto.randomUUID();
  const context = await browser.newContext();
  await signIn(context, await mintUserToken(user));
  const page = await context.newPage();
  const said: string[] = [];
  page.on("console", (message) => said.push(message.text()));
  await page.goto(`${site.url}/examples#${await report(user)}`);
  const done = page.waitForFunction(
    "document.querySelector('[role=status]').textContent !== 'running'",
  );
  await wokenUntil(done);
  assert.equal(await page.getByRole("status").innerText(), "done");
  await context.close();
  assertSaid(said.join("\n"));
});

function assertSaid(said: string) {
  for (
    const line of [
      /^Job queued with ID: [0-9a-f-]{36}$/m,
      /^Job (is waiting|is currently|completed successfully)/m,
      /^Job completed:/m,
      /^Job completed successfully$/m,
    ]
  ) {
    assert.match(said, line);
  }
}

const RUNTIMES: [name: string, program: string, args: string[]][] = [
  ["Node on the path", "node", []],
  ["current Node", await currentNode(), []],
  ["Deno 2.1.4", stack.deno, ["run", "--no-prompt", "--allow-net", "--allow-env"]],
  ["current Deno", Deno.execPath(), ["run", "--no-prompt", "--allow-net", "--allow-env"]],
];

for (const [name, program, args] of RUNTIMES) {
  Deno.test(`the examples of the description run unchanged under ${name}`, async () => {
    const script = await site.bundleExamples(await report(null));
    const env = { SUPABASE_URL: stack.url, SUPABASE_SERVICE_ROLE_KEY: stack.secretKey };
    const done = run(program, [...args, script], { env });
    await wokenUntil(done);
    assertSaid(await done);
  });
}
