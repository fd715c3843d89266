import { useCallback, useState } from "react";

/** What the page says about the last change, and about a change that this device could not store. */
export function useNotice() {
  const [notice, say] = useState("");
  const [problem, setProblem] = useState("");

  /** Do a change on this device, and announce it. Return whether it is stored. */
  const run = useCallback(async (change: () => Promise<unknown>, done = ""): Promise<boolean> => {
    setProblem("");
    try {
      await change();
    } catch (error) {
      setProblem(`This device could not store the change. ${error}`);
      return false;
    }
    say(done);
    return true;
  }, []);
  return { notice, problem, say, run };
}

export type Run = ReturnType<typeof useNotice>["run"];
