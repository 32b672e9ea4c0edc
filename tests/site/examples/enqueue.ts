import { enqueueJob } from '@/lib/queue';

export async function example(images: { url: string }[], reportId: string, projectId: string) {
  const result = await enqueueJob('generate_report', {
    bulletPoints: 'User instructions for report',
    contractName: 'Contract Name',
    location: 'Project Location',
    reportId,
    images: [...images], // Array of image objects
    projectId,
  }, {
    priority: 0,
    max_retries: 3
  });

  if (result.success) {
    console.log('Job queued with ID:', result.jobId);
  }

  return result;
}
