// The body of `POST /api/models/archive/generate-report-oldGrok`.

import type { ReportInput } from "../job_types.ts";
import { Refusal } from "./reply.ts";

type Body = Record<string, unknown>;

/**
 * The job's input, checked as far as a mistake of the page's would show. Fields that are not looked at here go to the
 * worker as they are, and it checks them all.
 */
export function reportInput(body: Body): ReportInput {
  uuid(body, "reportId");
  uuid(body, "projectId");
  text(body, "bulletPoints", true);
  text(body, "contractName", false);
  text(body, "location", false);
  images(body, "images");
  images(body, "imagesWithNumbering");
  return body as unknown as ReportInput;
}

function uuid(body: Body, field: string) {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(String(body[field]))) {
    throw new Refusal(400, `${field}: expected a uuid`);
  }
}

function text(body: Body, field: string, required: boolean) {
  const value = body[field] ?? null;
  if (typeof value === "string" ? !required || value.trim() !== "" : !required && value === null) {
    return;
  }
  throw new Refusal(400, `${field}: expected a text`);
}

function images(body: Body, field: string) {
  const list = body[field] ?? [];
  if (!Array.isArray(list)) throw new Refusal(400, `${field}: expected a list`);
  list.forEach((image, index) => {
    const place = (image ?? {}) as Body;
    const isStored = typeof place.bucket === "string" && typeof place.path === "string";
    if (typeof place.url !== "string" && !isStored) {
      throw new Refusal(
        400,
        `${field}[${index}]: expected an object with url, or with bucket and path`,
      );
    }
  });
}
