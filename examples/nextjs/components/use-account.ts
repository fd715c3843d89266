import { useEffect, useState, useSyncExternalStore } from "react";
import { type Account, openAccount } from "@/lib/account";
import { authClient } from "@/lib/auth-client";
import { forgetDrafts } from "@/lib/drafts";
import { type News, onNews } from "@/lib/tabs";

/** Open what this device holds of the person. Null until it is open. */
export function useAccount(userId: string) {
  const [account, setAccount] = useState<Account | null>(null);
  const [problem, setProblem] = useState("");

  useEffect(() => {
    let closed = false;
    const opening = openAccount(userId);
    opening.then(
      (opened) => closed || setAccount(opened),
      (error) => closed || setProblem(`This browser does not let the page store tasks. ${error}`),
    );
    return () => {
      closed = true;
      setAccount(null);
      opening.then((opened) => opened.offline.close(), () => {});
    };
  }, [userId]);
  return { account, problem };
}

export const useSnapshot = ({ offline }: Account) => useSyncExternalStore(offline.subscribe, offline.snapshot);

/** Look whether the session is still this person's: when the tab is shown, and when another tab tells. */
export function useOwnSession(account: Account | null) {
  useEffect(() => {
    if (!account) return;
    const look = () => document.visibilityState === "visible" && void checkSession(account);
    const hear = (news: News) => (news === "signed-out" ? leave(account) : checkSession(account));
    const forgetNews = onNews(hear);
    window.addEventListener("focus", look);
    document.addEventListener("visibilitychange", look);
    return () => {
      forgetNews();
      window.removeEventListener("focus", look);
      document.removeEventListener("visibilitychange", look);
    };
  }, [account]);
}

/** The person has signed out in another tab. */
function leave({ userId }: Account) {
  forgetDrafts(userId);
  window.location.assign("/sign-in");
}

async function checkSession({ userId, offline, renew }: Account) {
  const { data, error } = await authClient.getSession().catch(() => ({ data: null, error: true }));
  if (error) return; // Better Auth is unavailable: the next request for a token tells
  if (!data) return renew(); // the session has ended
  if (data.user.id === userId) return offline.sync();
  window.location.reload(); // the page of the person who is signed in now
}
