import { useEffect, useRef, useState } from "react";
import type { Account } from "@/lib/account";
import { authClient, problemOf } from "@/lib/auth-client";
import { unsaved } from "@/lib/unsaved";
import { counted } from "@/lib/words";

const TIME_LIMIT = 3000; // milliseconds

const pause = () => new Promise((resolve) => setTimeout(resolve, TIME_LIMIT));

interface Question {
  text: string;
  answer: string;
  go: () => void;
}

export function SignOut({ account }: { account: Account | null }) {
  const [busy, setBusy] = useState(false);
  const [question, setQuestion] = useState<Question | null>(null);

  async function leave(account: Account) {
    setBusy(true);
    const lost = await unsaved(account.offline);
    if (!lost) return finish(account);
    setBusy(false);
    const text = `${counted(lost, "change")} could not be saved. If you sign out now, unsaved changes are lost.`;
    setQuestion({ text, answer: "Sign out and lose them", go: () => finish(account) });
  }

  async function finish(account: Account) {
    setQuestion(null);
    setBusy(true);
    const problem = await problemOf(authClient.signOut());
    if (problem) {
      setBusy(false);
      return setQuestion({ text: problem, answer: "Try again", go: () => finish(account) });
    }
    const forgotten = account.forget().catch(() => {}); // the session has ended, so the page has to go in any case
    await Promise.race([forgotten, pause()]); // a tab that the browser has suspended can block it
    window.location.assign("/sign-in");
  }

  return (
    <>
      <button disabled={!account} onClick={() => account && !busy && leave(account)}>
        {busy ? "Signing out …" : "Sign out"}
      </button>
      {question && <Ask {...question} onStay={() => setQuestion(null)} />}
    </>
  );
}

function Ask({ text, answer, go, onStay }: Question & { onStay: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} className="card" aria-labelledby="question" onClose={onStay}>
      <p id="question">{text}</p>
      <div className="buttons">
        <button onClick={onStay}>Stay signed in</button>
        <button className="danger" onClick={go}>{answer}</button>
      </div>
    </dialog>
  );
}
