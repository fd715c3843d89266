import { useRef } from "react";
import type { Filters } from "@/lib/api";
import { PRIORITIES } from "./task-form";

const STATUSES = { all: "All", pending: "Pending", completed: "Completed" };
const SORTS = { created: "Oldest", "-created": "Newest", "-updated": "Changed", priority: "Priority", title: "Title" };
const PAUSE = 250; // milliseconds without a keystroke before the search is sent

export function FilterBar({ onChange }: { onChange: (filters: Filters) => void }) {
  const form = useRef<HTMLFormElement>(null);
  const timer = useRef<number>(undefined);

  function apply(pause = 0) {
    window.clearTimeout(timer.current);
    timer.current = window.setTimeout(() => {
      const chosen = [...new FormData(form.current!)].filter(([, value]) => value !== "");
      onChange(Object.fromEntries(chosen));
    }, pause);
  }

  const choice = (label: string, name: keyof Filters, options: Record<string, string>) => (
    <div>
      <label htmlFor={name}>{label}</label>
      <select id={name} name={name} onChange={() => apply()}>
        {Object.entries(options).map(([value, text]) => <option key={value} value={value}>{text}</option>)}
      </select>
    </div>
  );
  return (
    <form ref={form} role="search" className="filters" onSubmit={(event) => event.preventDefault()}>
      <label>Search <input type="search" name="search" autoComplete="off" onChange={() => apply(PAUSE)} /></label>
      {choice("Status", "status", STATUSES)}
      {choice("Priority", "priority", { "": "Any", ...PRIORITIES })}
      {choice("Sort", "sort", SORTS)}
    </form>
  );
}
