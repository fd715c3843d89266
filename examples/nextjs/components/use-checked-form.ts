import { type FormEvent, useState } from "react";
import { flushSync } from "react-dom";
import { check, type Errors, type Values } from "@/lib/values";

/** Check the values of a form before they are saved, and focus the first wrong field. */
export function useCheckedForm(values: Values, onSave: () => void, refused: Errors = {}) {
  const [errors, setErrors] = useState(refused);

  function onSubmit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const found = check(values);
    flushSync(() => setErrors(found));
    const wrong = event.currentTarget.querySelector<HTMLElement>("[aria-invalid]");
    if (wrong) wrong.focus();
    else onSave();
  }
  return { errors, onSubmit };
}
