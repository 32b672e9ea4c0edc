// What an operator asks and a schedule does, however many jobs there are.

/** The statements; each must stay cheap. */
export const OPERATOR_STATEMENTS = [
  "select job_queue_health()",
  "select job_queue_metrics()",
  "select * from check_job_queue()",
  "select * from failed_jobs",
  "select * from running_jobs",
  "select dispatch_workers()",
  "select tend_job_queue()",
];
