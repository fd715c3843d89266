/** The tabs of this browser tell each other that a person signed in or out. */
export type News = "signed-in" | "signed-out";

let channel: BroadcastChannel | undefined;
const opened = () => (channel ??= new BroadcastChannel("session"));

export const tellTabs = (news: News) => opened().postMessage(news);

/** Call `listener` with the news of other tabs. Return a function that ends this. */
export function onNews(listener: (news: News) => void) {
  const hear = ({ data }: MessageEvent<News>) => listener(data);
  const events = opened();
  events.addEventListener("message", hear);
  return () => events.removeEventListener("message", hear);
}
