// Ordering a report: a row for it, and the job that fills the row.

import { accessToken, supabase } from "./supabase";

/** The form's fields. */
export interface Visit {
  contractName: string;
  location: string;
  bulletPoints: string;
  photos: string;
}

/** A number of its own for this page's only project. */
const PROJECT = "00000000-0000-4000-8000-000000000001";

/** Enqueues the report, or says what the engineer can do about it that it was not. */
export async function order(visit: Visit): Promise<{ jobId: string } | { error: string }> {
  const token = accessToken();
  if (!token) return { error: "You are not signed in. Sign in and send the form again: it is still filled in." };
  if (!visit.bulletPoints.trim()) return { error: "The notes are empty. Write at least one line about the visit." };
  const { sub } = JSON.parse(atob(token.split(".")[1]!.replaceAll("-", "+").replaceAll("_", "/")));
  const { data: report, error } = await supabase.from("reports")
    .insert({ user_id: sub, project_id: PROJECT, bullet_points: visit.bulletPoints })
    .select("id").single();
  if (error) return { error: `The report could not be begun: ${error.message}. Try again in a minute.` };
  const { jobId, error: refusal } = await post("/api/models/archive/generate-report-oldGrok", {
    bulletPoints: visit.bulletPoints,
    contractName: visit.contractName,
    location: visit.location,
    reportId: report.id,
    projectId: PROJECT,
    images: visit.photos.split("\n").filter((url) => url.trim()).map((url, index) => ({
      id: `photo-${index + 1}`,
      url: url.trim(),
      number: index + 1,
      group: ["Site"],
    })),
  });
  return jobId ? { jobId } : { error: refusal! };
}

/** Calls a route of this site as the signed-in user. */
export async function post(path: string, body?: object): Promise<{ jobId?: string; error?: string }> {
  try {
    const response = await fetch(path, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${accessToken()}` },
      body: body && JSON.stringify(body),
    });
    const answer = await response.json();
    return answer.success ? answer : { error: `${answer.error}. Nothing was lost: mend it and send again.` };
  } catch {
    return { error: "The server cannot be reached. Check the connection and send again: the form is still filled in." };
  }
}
