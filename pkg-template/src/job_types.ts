// Generated from the Rust types by `cargo xtask types`: change those, not this file.

/**
 * The job types and what each works on and makes. Add your own where your code says what they are, in a file that
 * imports: in one that does not, `declare module` would take the place of the package's own types.
 *
 * ```ts
 * import "pretium-queue";
 *
 * declare module "pretium-queue" {
 *   interface JobTypes {
 *     send_invoice: { input: { invoice_id: string }; output: { total: number } };
 *   }
 * }
 * ```
 */
export interface JobTypes {
  /** A field-review report from an engineer's notes and site photographs. */
  generate_report: { input: ReportInput; output: Report; progress: Progress };
  /** Shows that the queue works; the result is the input. */
  noop: { input: Record<string, unknown>; output: Record<string, unknown>; progress: Progress };
}

/**
 * How far a job is, for people who wait for it.
 */
export type Progress = { 
/**
 * The part of the work, a short word.
 */
phase: string, 
/**
 * Units of this phase that are done.
 */
done: number, 
/**
 * Units of this phase.
 */
total: number, 
/**
 * A sentence for people.
 */
message: string, };

/**
 * A finished report.
 */
export type Report = { 
/**
 * The name of this shape, `report/1`.
 */
schema: string, 
/**
 * Always true: a job without a report has no output. Callers of the first version read it.
 */
success: boolean, 
/**
 * A sentence for callers of the first version.
 */
message: string, 
/**
 * The row of `reports` it belongs to.
 */
reportId: string, 
/**
 * Whether everything went as planned.
 */
status: ReportStatus, 
/**
 * Who put the report in order.
 */
formatting: ReportFormatting, 
/**
 * What stands at its head.
 */
header: ReportHeader, 
/**
 * A few sentences about the whole; may be empty.
 */
summary: Array<string>, 
/**
 * The report's body.
 */
sections: Array<ReportSection>, 
/**
 * What somebody has to do.
 */
actions: Array<ReportAction>, 
/**
 * The engineer's notes, word for word, and where each went.
 */
notes: Array<ReportNote>, 
/**
 * The photos in the order of the report.
 */
photos: Array<ReportPhoto>, 
/**
 * The report as plain text, a paragraph to a line.
 */
text: string, 
/**
 * What it took.
 */
stats: ReportStats, 
/**
 * What the engineer should know and the customer need not.
 */
warnings: Array<ReportWarning>, };

/**
 * What somebody has to do.
 */
export type ReportAction = { 
/**
 * The number of the observation that calls for it.
 */
observation: string, text: string, responsible: string, status: string, };

/**
 * Which of xAI's endpoints is asked.
 */
export type ReportApiStyle = "chat" | "responses";

/**
 * Someone who was there.
 */
export type ReportAttendee = { name: string, company: string, };

/**
 * A clause of a specification.
 */
export type ReportCitation = { 
/**
 * The caller's name for it.
 */
id: string, document: string, section: string, };

/**
 * How long the model thinks before it writes.
 */
export type ReportEffort = "none" | "low" | "medium" | "high" | "xhigh";

/**
 * Who put the report in order.
 */
export type ReportFormatting = { 
/**
 * The model, or code.
 */
mode: ReportFormattingMode, 
/**
 * Why it was code; none when it was the model.
 */
reason: string | null, };

/**
 * The model, or code.
 */
export type ReportFormattingMode = "model" | "deterministic";

/**
 * What stands at the report's head, as the engineer gave it; what was not given is empty.
 */
export type ReportHeader = { reportNo: string, dateOfVisit: string, timeOfVisit: string, weather: string, temperature: string, permitNo: string, crewSize: string, attendees: Array<ReportAttendee>, client: string, contractor: string, preparedBy: string, reviewedBy: string, areasReviewed: Array<string>, areasNotReviewed: Array<string>, distribution: Array<string>, };

/**
 * How photos travel to the model.
 */
export type ReportImageTransport = "base64" | "url";

/**
 * The input of a `generate_report` job. Required are `reportId`, `projectId` and `bulletPoints`.
 */
export type ReportInput = { 
/**
 * The row of `reports` the report is written to; a uuid.
 */
reportId: string, 
/**
 * The project the report belongs to; a uuid.
 */
projectId: string, 
/**
 * The engineer's notes, one to a line.
 */
bulletPoints: string, 
/**
 * The contract's name, the report's title.
 */
contractName?: string | null, 
/**
 * Where the visit was.
 */
location?: string | null, 
/**
 * The photos.
 */
images?: Array<ReportInputImage> | null, 
/**
 * The photos as newer clients call them; wins over `images` unless it is empty.
 */
imagesWithNumbering?: Array<ReportInputImage> | null, 
/**
 * Groups in the order of the report; others follow in the order they appear.
 */
groupOrder?: Array<string> | null, 
/**
 * How much to write; brief unless told otherwise.
 */
reportStyle?: ReportStyle | null, 
/**
 * Clauses the report may cite.
 */
specifications?: Array<ReportInputSpecification> | null, 
/**
 * What stands at the report's head.
 */
header?: ReportInputHeader | null, 
/**
 * How the report is made.
 */
options?: ReportInputOptions | null, };

/**
 * Someone who was there.
 */
export type ReportInputAttendee = { name?: string | null, company?: string | null, };

/**
 * What stands at the report's head. All of it is optional and printed as it is given.
 */
export type ReportInputHeader = { reportNo?: TextOrNumber | null, dateOfVisit?: TextOrNumber | null, timeOfVisit?: TextOrNumber | null, weather?: TextOrNumber | null, temperature?: TextOrNumber | null, permitNo?: TextOrNumber | null, crewSize?: TextOrNumber | null, attendees?: Array<ReportInputAttendee> | null, client?: TextOrNumber | null, contractor?: TextOrNumber | null, preparedBy?: TextOrNumber | null, reviewedBy?: TextOrNumber | null, areasReviewed?: TextOrTexts | null, areasNotReviewed?: TextOrTexts | null, distribution?: TextOrTexts | null, };

/**
 * A photo: `url`, or `bucket` and `path` in the project's Storage.
 */
export type ReportInputImage = { 
/**
 * The caller's name for it.
 */
id?: string | null, 
/**
 * Where it can be fetched without a key.
 */
url?: string | null, 
/**
 * Its bucket in the project's Storage.
 */
bucket?: string | null, 
/**
 * Its path in the bucket.
 */
path?: string | null, 
/**
 * What the engineer says about it.
 */
description?: string | null, 
/**
 * What it shows: overview, deficiency, safety, …
 */
tag?: string | null, 
/**
 * The groups it belongs to; a single one may come as a text.
 */
group?: TextOrTexts | null, 
/**
 * Its number within its group.
 */
number?: number | null, 
/**
 * Degrees to turn it clockwise until it is upright.
 */
rotation?: number | null, };

/**
 * How the report is made.
 */
export type ReportInputOptions = { 
/**
 * The model, instead of the configured one.
 */
model?: string | null, 
/**
 * Ignored with a warning: the key goes to the configured address only.
 */
baseUrl?: string | null, 
/**
 * Which of xAI's endpoints to use.
 */
apiStyle?: ReportApiStyle | null, 
/**
 * How to wait for the model.
 */
transport?: ReportTransport | null, 
/**
 * How long the model thinks.
 */
reasoningEffort?: ReportEffort | null, 
/**
 * Photos in one request, 1 to 20.
 */
batchSize?: number | null, 
/**
 * How photos travel to the model.
 */
imageTransport?: ReportImageTransport | null, 
/**
 * What the report may cost; 0 is no limit.
 */
maxCostUsd?: number | null, 
/**
 * Whether the model orders the report and sums it up.
 */
finalFormatting?: boolean | null, 
/**
 * The language to write in, such as `en`.
 */
language?: string | null, 
/**
 * Whether answers that an earlier job about the same report has paid for are taken again.
 */
reuse?: boolean | null, 
/**
 * Whether the report is also written to `reports`.
 */
writeReport?: boolean | null, };

/**
 * A clause of a specification that the report may cite.
 */
export type ReportInputSpecification = { 
/**
 * The caller's name for it.
 */
id?: string | null, 
/**
 * The document it is from.
 */
document?: string | null, 
/**
 * The section or clause.
 */
section?: string | null, 
/**
 * Its words.
 */
text?: string | null, 
/**
 * The photos it applies to; none means all.
 */
imageIds?: Array<string> | null, };

/**
 * The nature of a statement.
 */
export type ReportKind = "observation" | "deficiency" | "action" | "verify";

/**
 * A line of the engineer's notes.
 */
export type ReportNote = { 
/**
 * Word for word.
 */
text: string, 
/**
 * The number of the observation it became; `None` for a note that only says how to write.
 */
observation: string | null, };

/**
 * One numbered point: a photo of a group, or a note.
 */
export type ReportObservation = { 
/**
 * `o1`, `o2`, … by the engineer's order, whatever place it has in the report.
 */
id: string, 
/**
 * `1.1`, `1.2`, …
 */
number: string, 
/**
 * A few words for lists; may be empty.
 */
title: string, 
/**
 * What was seen.
 */
text: string, 
/**
 * Its nature.
 */
kind: ReportKind, 
/**
 * The engineer's tag; may be empty.
 */
tag: string, 
/**
 * Whose words `text` is.
 */
source: ReportSource, 
/**
 * The clause it is about.
 */
spec: ReportCitation | null, 
/**
 * The photo it is about; empty for a note.
 */
images: Array<ReportPhotoReference>, };

/**
 * A photo of the report.
 */
export type ReportPhoto = { 
/**
 * Its number in the report.
 */
photo: number, 
/**
 * The caller's name for it.
 */
imageId: string, bucket?: string, path?: string, url?: string, 
/**
 * Pixels as stored; `None` when the worker did not see the photo.
 */
w: number | null, h: number | null, 
/**
 * Degrees to turn it clockwise.
 */
rotation: number, };

/**
 * A photo where the text speaks of it.
 */
export type ReportPhotoReference = { 
/**
 * The caller's name for it.
 */
imageId: string, 
/**
 * Its number in the report.
 */
photo: number, 
/**
 * The group it is shown for.
 */
group: string, 
/**
 * Its number in that group.
 */
number: number, 
/**
 * The engineer's description, word for word.
 */
caption: string, };

/**
 * A numbered heading with what belongs under it.
 */
export type ReportSection = { 
/**
 * `section-1`, `section-2`, …
 */
id: string, 
/**
 * `1.`, `2.`, …
 */
number: string, 
/**
 * The engineer's group, word for word, or a heading for what has none.
 */
title: string, 
/**
 * What was seen.
 */
observations: Array<ReportObservation>, };

/**
 * Whose words a text is.
 */
export type ReportSource = "model" | "input";

/**
 * What a report took, all attempts together.
 */
export type ReportStats = { images: number, 
/**
 * Requests planned for photos and notes, repeats not counted.
 */
batches: number, 
/**
 * Answers of the model.
 */
calls: number, 
/**
 * Steps that an earlier attempt had done.
 */
reusedSteps: number, 
/**
 * Answers that an earlier job about the same report had paid for: not among `calls`.
 */
reusedAnswers: number, 
/**
 * Calls beyond the first for the same thing, because its answer was of no use.
 */
retries: number, 
/**
 * Calls that may have been paid twice, at most: an earlier run began them and never had an answer to keep.
 */
duplicateRisk: number, promptTokens: number, imageTokens: number, cachedTokens: number, completionTokens: number, reasoningTokens: number, 
/**
 * `None` when the API did not say; 0 when nothing was asked.
 */
costUsd: number | null, 
/**
 * The models that answered, by the names they gave.
 */
models: Array<string>, 
/**
 * Which wording of the prompts was used.
 */
promptVersion: number, };

/**
 * Whether everything went as planned.
 */
export type ReportStatus = "complete" | "degraded" | "partial";

/**
 * How much is written about a photo.
 */
export type ReportStyle = "brief" | "elaborate";

/**
 * How a question gets to Grok and its answer back.
 */
export type ReportTransport = "sync" | "stream" | "deferred";

/**
 * What the engineer should know and the customer need not.
 */
export type ReportWarning = { code: ReportWarningCode, 
/**
 * The photo it is about.
 */
imageId?: string | null, 
/**
 * A sentence for people.
 */
message: string, };

/**
 * What a warning is about, for programs.
 */
export type ReportWarningCode = "missing_number" | "duplicate_number" | "duplicate_image" | "empty_group" | "unknown_image" | "option_ignored" | "image_address" | "image_not_found" | "image_too_large" | "image_unsupported" | "image_unreachable" | "image_refused" | "cost_limit" | "own_words" | "note_not_in_text" | "report_not_saved" | "report_edited";

/**
 * What forms may also send as a number.
 */
export type TextOrNumber = string | number;

/**
 * A list for which a single text may stand.
 */
export type TextOrTexts = string | Array<string>;
