// What is taken out of an error before people read it; the worker's own errors have the same cases.

import assert from "node:assert/strict";
import { messageOf, scrubbed } from "../../supabase/functions/process-queued-jobs/thrown.ts";
import cases from "../fixtures/scrubbed.json" with { type: "json" };

for (const { name, text, scrubbed: wanted } of cases) {
  Deno.test(`an error is told with ${name} as it should be`, () => {
    assert.equal(scrubbed(text), wanted);
    assert.equal(messageOf(text), wanted);
  });
}

// Answers of other services as people throw them: `throw await response.json()`.
const ANSWERS: [api: string, answer: unknown, told: string][] = [
  [
    "OpenAI's",
    { error: { message: "no such model", code: "missing" } },
    "no such model (code missing)",
  ],
  ["Supabase Auth's", { code: 400, msg: "invalid login" }, "invalid login"],
  ["FastAPI's", { detail: [{ loc: ["body"], msg: "field required" }] }, "field required"],
  ["a problem's (RFC 9457)", { title: "Out of credit", status: 403 }, "Out of credit"],
  ["GraphQL's", { errors: [{ message: "bad field" }] }, "bad field"],
  ["a list's", [new Error("first"), new Error("second")], "Error: first"],
];

for (const [api, answer, told] of ANSWERS) {
  Deno.test(`${api} answer, thrown as it came, is told by its message`, () => {
    assert.equal(messageOf(answer), told);
  });
}

Deno.test("an error is cut between two characters, never within one", () => {
  for (const before of ["", "x"]) {
    const cut = scrubbed(before + "👷 ".repeat(2_000));
    assert.ok(cut.length <= 2_000 && cut.isWellFormed(), `${cut.length}`);
  }
});

Deno.test("an error of megabytes is cut before it is searched", () => {
  for (const part of ["a.", "a", "https://", '"', "eyJ", "token=", "1.", "\\"]) {
    const began = performance.now();
    scrubbed(part.repeat(1_000_000));
    assert.ok(performance.now() - began < 2_000, part);
  }
});
