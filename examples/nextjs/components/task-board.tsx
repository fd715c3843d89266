"use client";

import Link from "next/link";
import { useRef } from "react";
import { Board } from "./board";
import { SignOut } from "./sign-out";
import { useAccount, useOwnSession } from "./use-account";

export function TaskBoard({ userId, userName }: { userId: string; userName: string }) {
  const { account, problem } = useAccount(userId);
  const heading = useRef<HTMLHeadingElement>(null);
  useOwnSession(account);
  return (
    <>
      <header className="bar">
        <strong>Tasks</strong>
        <Link href="/account" className="muted" aria-label={`Account of ${userName}`}>{userName}</Link>
        <SignOut account={account} />
      </header>
      <main>
        <h1 ref={heading} tabIndex={-1}>Your tasks</h1>
        {problem && <p role="alert" className="alert">{problem}</p>}
        {account && <Board account={account} heading={heading} />}
        {!account && !problem && <p role="status" className="muted">Loading your tasks…</p>}
      </main>
    </>
  );
}
