import { getJobStatus } from "@/lib/queue";

export async function example(jobId: string) {
  const result = await getJobStatus(jobId);

  if (result.job) {
    switch (result.job.status) {
      case "queued":
        console.log("Job is waiting to be processed");
        break;
      case "processing":
        console.log("Job is currently being processed");
        break;
      case "completed":
        console.log("Job completed successfully");
        console.log("Result:", result.job.output_data);
        break;
      case "failed":
        console.log("Job failed:", result.job.error);
        break;
    }
  }
}
