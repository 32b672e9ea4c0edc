"use client";

import { useEffect, useState } from "react";
import { all } from "@/examples/all";

/** Runs the examples for the report in the address, `/examples#<report>`, and says when they are done. */
export default function Page() {
  const [state, setState] = useState("running");
  useEffect(() => {
    all(location.hash.slice(1)).then(() => setState("done"), (error) => setState(String(error)));
  }, []);
  return <p role="status">{state}</p>;
}
