import { useEffect, useRef } from "react";
import type { Draft } from "@/lib/draft";
import type { Values } from "@/lib/values";
import type { useDrafts } from "./use-drafts";

interface Props {
  keys: string[];
  drafts: ReturnType<typeof useDrafts>;
  /** Return whether the new task is stored. */
  add: (values: Values) => Promise<boolean>;
}

/** Texts of tasks that were deleted elsewhere while they were edited. */
export function LostEdits({ keys, drafts, add }: Props) {
  return keys.map((key) => {
    const draft = drafts.all[key]!;
    const discard = () => drafts.drop(key);
    const keep = async () => (await add(draft.values)) && discard();
    return <LostEdit key={key} draft={draft} keep={keep} discard={discard} />;
  });
}

function LostEdit({ draft: { base, values }, keep, discard }: { draft: Draft; keep: () => void; discard: () => void }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (document.activeElement === document.body) heading.current?.focus(); // the person was in the form
  }, []);
  return (
    <section className="card ask">
      <h2 ref={heading} tabIndex={-1}>“{base.title}” was deleted elsewhere</h2>
      <p>You were editing it. This is what you typed:</p>
      <p className="description">{values.title}{values.description && `\n${values.description}`}</p>
      <div className="buttons">
        <button className="primary" onClick={keep}>Keep as a new task</button>
        <button onClick={discard}>Discard</button>
      </div>
    </section>
  );
}
