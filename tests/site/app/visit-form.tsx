import type { FormEventHandler } from "react";

interface Props {
  onSubmit: FormEventHandler<HTMLFormElement>;
  isSending: boolean;
}

/** What the engineer knows of the visit. */
export function VisitForm({ onSubmit, isSending }: Props) {
  return (
    <form onSubmit={onSubmit}>
      <label htmlFor="contractName">Contract</label>
      <input id="contractName" name="contractName" autoComplete="off" />
      <label htmlFor="location">Location</label>
      <input id="location" name="location" autoComplete="off" />
      <label htmlFor="bulletPoints">Notes, one to a line</label>
      <textarea id="bulletPoints" name="bulletPoints" rows={6} />
      <label htmlFor="photos">Addresses of photos, one to a line</label>
      <textarea id="photos" name="photos" rows={3} spellCheck={false} />
      <button type="submit" disabled={isSending}>{isSending ? "Sending…" : "Write the report"}</button>
    </form>
  );
}
