// The statements that operators and the clock run, which must stay cheap however many jobs there are.

export const OPERATOR_STATEMENTS = [
  "select job_queue_health()",
  "select job_queue_metrics()",
  "select * from check_job_queue()",
  "select * from failed_jobs",
  "select * from running_jobs",
  "select dispatch_workers()",
  "select tend_job_queue()",
];
