"use client";

import Link from "next/link";
import { useEffect, useState, type FormEvent } from "react";
import { authClient, problemOf } from "@/lib/auth-client";
import { tellTabs } from "@/lib/tabs";

export function AccountForm({ isNew = false }: { isNew?: boolean }) {
  const [busy, setBusy] = useState(true); // until React runs, because the form has no handler before
  const [problem, setProblem] = useState("");
  useEffect(() => setBusy(false), []);

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const user = Object.fromEntries(new FormData(event.currentTarget)) as Record<"name" | "email" | "password", string>;
    setBusy(true);
    setProblem("");
    const failure = await problemOf(isNew ? authClient.signUp.email(user) : authClient.signIn.email(user));
    if (!failure) return enter();
    setProblem(failure);
    setBusy(false);
  }

  function enter() {
    tellTabs("signed-in");
    window.location.assign("/");
  }

  return (
    <main className="account">
      <form className="card" method="post" onSubmit={submit}>
        <h1>{isNew ? "Create an account" : "Welcome back"}</h1>
        {problem && <p role="alert" className="alert">{problem}</p>}
        {isNew && <label>Name <input name="name" autoComplete="name" required /></label>}
        <label>E-mail <input name="email" type="email" autoComplete="email" required /></label>
        <label>
          Password
          <input
            name="password" type="password" autoComplete={isNew ? "new-password" : "current-password"} required
            minLength={isNew ? 8 : undefined} placeholder={isNew ? "8 characters or more" : undefined}
          />
        </label>
        <button className="primary" disabled={busy}>{isNew ? "Sign up" : "Sign in"}</button>
        <Link href={isNew ? "/sign-in" : "/sign-up"}>{isNew ? "I have an account already" : "Create an account"}</Link>
      </form>
    </main>
  );
}
