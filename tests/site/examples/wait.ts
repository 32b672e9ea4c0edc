import { waitForJobCompletion } from "@/lib/queue";

export async function example(jobId: string) {
  const result = await waitForJobCompletion(jobId, 2000, 300000);

  if (result.job) {
    console.log("Job completed:", result.job.output_data);
  } else if (result.error) {
    console.log("Job failed or timed out:", result.error);
  }
}
