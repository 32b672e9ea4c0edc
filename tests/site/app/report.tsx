"use client";

import { useEffect, useRef } from "react";
import type { Report as ReportData } from "pretium-queue";

/** The finished report; the focus goes to its heading, so that the keyboard and screen readers go on there. */
export function Report({ report }: { report: ReportData }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  return (
    <article>
      <h2 ref={heading} tabIndex={-1}>Report</h2>
      {report.summary.map((paragraph) => <p key={paragraph}>{paragraph}</p>)}
      {report.sections.map((section) => (
        <section key={section.id} aria-labelledby={section.id}>
          <h3 id={section.id}>{section.number} {section.title}</h3>
          {section.observations.map((observation) => (
            <p key={observation.id}>{observation.number} {observation.text}</p>
          ))}
        </section>
      ))}
    </article>
  );
}
