import type { Job } from "pretium-queue";

/** How far the report is; screen readers hear every change. */
export function Progress({ job }: { job: Job<"generate_report"> | null }) {
  const { done, total, message } = job?.progress ?? { done: 0, total: 1, message: "" };
  const isRunning = job?.status === "processing";
  return (
    <section aria-label="Progress">
      <p role="status" data-status={job?.status ?? "sent"}>{job ? sentence(job, message) : "Sent."}</p>
      {isRunning && <progress aria-label="Photos" value={done} max={Math.max(total, 1)} />}
    </section>
  );
}

function sentence(job: Job<"generate_report">, message: string): string {
  switch (job.status) {
    case "queued":
      return job.waiting_for === "retry"
        ? `It did not work and will be tried again at ${new Date(job.run_at).toLocaleTimeString()}: ${job.error}`
        : "Waiting for its turn. You may close this page: the report is written all the same.";
    case "processing":
      if (job.cancel_requested_at) return "Stopping…";
      return message ? `Writing: ${message}` : "Writing…";
    case "completed":
      return "The report is ready.";
    case "failed":
      return `The report could not be written: ${job.error}. Try again, or write another report with other notes.`;
    case "cancelled":
      return "Cancelled. Nothing more is written.";
  }
}
