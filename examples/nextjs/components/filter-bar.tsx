import type { Choice } from "@/lib/filters";
import { PRIORITIES } from "@/lib/words";

const STATUSES = { all: "All", pending: "Pending", completed: "Completed", overdue: "Overdue" };
const SORTS = {
  "-created": "Newest",
  created: "Oldest",
  "-updated": "Changed",
  due: "Due date",
  priority: "Priority",
  title: "Title",
};

interface Props {
  choice: Choice;
  tags: string[];
  onChange: (choice: Choice) => void;
}

export function FilterBar({ choice, tags, onChange }: Props) {
  const select = (label: string, name: keyof Choice, options: Record<string, string>) => (
    <div>
      <label htmlFor={name}>{label}</label>
      <select id={name} value={choice[name]} onChange={(event) => onChange({ ...choice, [name]: event.target.value })}>
        {Object.entries(options).map(([value, text]) => <option key={value} value={value}>{text}</option>)}
      </select>
    </div>
  );
  const search = (
    <div>
      <label htmlFor="search">Search</label>
      <input
        id="search" type="search" autoComplete="off" value={choice.search}
        onChange={(event) => onChange({ ...choice, search: event.target.value })}
      />
    </div>
  );
  const known = choice.tag && !tags.includes(choice.tag) ? [choice.tag, ...tags] : tags;
  return (
    <form role="search" className="filters" onSubmit={(event) => event.preventDefault()}>
      {search}
      {select("Status", "status", STATUSES)}
      {select("Priority", "priority", { "": "Any", ...PRIORITIES })}
      {select("Tag", "tag", { "": "Any", ...Object.fromEntries(known.map((tag) => [tag, tag])) })}
      {select("Sort", "sort", SORTS)}
    </form>
  );
}
