/** An edit that is not saved yet. It follows the task, which another tab or device can change meanwhile. */
import { NAMES, type Name, type Values } from "./values";

export interface Draft {
  /** The values that the person has seen before the change. */
  base: Values;
  values: Values;
}

/** Take over what was changed elsewhere, and return the fields that were changed here as well. */
export function follow({ base, values }: Draft, current: Values): { draft: Draft; conflicts: Name[] } {
  const isMine = (name: Name) => values[name] !== base[name] && values[name] !== current[name];
  const conflicts = NAMES.filter((name) => isMine(name) && base[name] !== current[name]);
  const merged = { ...current, ...pick(values, NAMES.filter(isMine)) };
  return { draft: { base: { ...current, ...pick(base, conflicts) }, values: merged }, conflicts };
}

/** Keep these fields as they are here: they replace what was changed elsewhere. */
export const keepMine = (draft: Draft, current: Values): Draft => ({ ...draft, base: current });

/** Take these fields as they are elsewhere. */
export const keepTheirs = ({ values }: Draft, current: Values, names: Name[]): Draft => ({
  base: current,
  values: { ...values, ...pick(current, names) },
});

export const pick = (values: Values, names: Name[]): Partial<Values> =>
  Object.fromEntries(names.map((name) => [name, values[name]]));
