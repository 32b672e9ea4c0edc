// What a peer in Node says to the benchmark and hears from it.

/** Runs the command of the command line: `enqueue`, or `drain`, which waits for a line and says when it is done. */
export async function peer({ enqueue, drain }) {
  const [command, jobs] = process.argv.slice(2);
  if (command === "enqueue") return await enqueue(Number(jobs));
  console.log("ready");
  await new Promise((resolve) => process.stdin.once("data", resolve));
  await drain(Number(jobs));
  console.log("done");
  // Its CPU is read before it ends.
  await new Promise((resolve) => process.stdin.once("data", resolve));
  process.exit();
}

/** Counts jobs that have run; `done` when all have. */
export function drained(jobs) {
  let left = jobs;
  const { promise, resolve } = Promise.withResolvers();
  return {
    done: promise,
    add(count) {
      left -= count;
      if (left === 0) resolve();
    },
  };
}
