import { type RefObject, useId } from "react";

export interface Difference {
  label: string;
  mine: string;
  theirs: string;
}

interface Props {
  title: string;
  differences: Difference[];
  heading?: RefObject<HTMLHeadingElement | null>;
  onMine: () => void;
  onTheirs: () => void;
}

/** Ask which values to keep, when both sides changed the same fields. */
export function Conflict({ title, differences, heading, onMine, onTheirs }: Props) {
  const id = useId();
  return (
    <section className="card ask" aria-labelledby={id}>
      <h2 id={id} ref={heading} tabIndex={-1}>“{title}” was also changed elsewhere</h2>
      <dl>
        {differences.map(({ label, mine, theirs }) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd><span className="muted">Mine:</span> {mine}</dd>
            <dd><span className="muted">Theirs:</span> {theirs}</dd>
          </div>
        ))}
      </dl>
      <div className="buttons">
        <button type="button" className="primary" onClick={onMine}>Keep mine</button>
        <button type="button" onClick={onTheirs}>Keep theirs</button>
      </div>
    </section>
  );
}
