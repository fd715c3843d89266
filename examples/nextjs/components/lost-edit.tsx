import { useEffect, useRef } from "react";
import type { Values } from "@/lib/values";

interface Props {
  /** The title that the task had. */
  title: string;
  values: Values;
  onKeep: () => void;
  onDiscard: () => void;
}

/** The task was deleted elsewhere while it was edited. */
export function LostEdit({ title, values, onKeep, onDiscard }: Props) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (document.activeElement === document.body) heading.current?.focus(); // the person was in the form
  }, []);
  return (
    <section className="card ask">
      <h2 ref={heading} tabIndex={-1}>“{title}” was deleted elsewhere</h2>
      <p>You were editing it. This is what you typed:</p>
      <p className="description">{values.title}{values.description && `\n${values.description}`}</p>
      <div className="buttons">
        <button className="primary" onClick={onKeep}>Keep as a new task</button>
        <button onClick={onDiscard}>Discard</button>
      </div>
    </section>
  );
}
