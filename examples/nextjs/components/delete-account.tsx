"use client";

import Link from "next/link";
import { useEffect, useState, type FormEvent } from "react";
import { forgetAccount } from "@/lib/account";
import { authClient, problemOf } from "@/lib/auth-client";

type State = "loading" | "ready" | "deleting" | "deleted";

export function DeleteAccount({ userId, email }: { userId: string; email: string }) {
  const [state, setState] = useState<State>("loading"); // until React runs, because the form has no handler before
  const [problem, setProblem] = useState("");
  useEffect(() => setState("ready"), []);

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    if (state !== "ready") return;
    const password = String(new FormData(event.currentTarget).get("password"));
    setState("deleting");
    setProblem("");
    const failure = await problemOf(authClient.deleteUser({ password }));
    setState(failure ? "ready" : "deleted");
    if (failure) setProblem(failure);
    else forgetAccount(userId);
  }

  if (state === "deleted") {
    return (
      <main className="account">
        <div className="card">
          <h1 tabIndex={-1} ref={(heading) => heading?.focus()}>Your account is deleted</h1>
          <p>All your tasks are deleted too.</p>
          <a href="/sign-up">Create an account</a>
        </div>
      </main>
    );
  }
  return (
    <main className="account">
      <form className="card" method="post" onSubmit={submit}>
        <h1>Delete your account</h1>
        <p>This deletes the account of {email} and all its tasks for good.</p>
        {problem && <p role="alert" className="alert">{problem}</p>}
        <label>Password <input name="password" type="password" autoComplete="current-password" required /></label>
        <button className="danger" disabled={state === "loading"}>
          {state === "deleting" ? "Deleting …" : "Delete account"}
        </button>
        <Link href="/">Back to my tasks</Link>
      </form>
    </main>
  );
}
