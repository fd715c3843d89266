import { headers } from "next/headers";
import { settings } from "@/lib/settings";

/** The host of a development server that was opened under another address than BETTER_AUTH_URL, else null. */
export async function otherHost() {
  if (process.env.NODE_ENV === "production") return null;
  const incoming = await headers();
  const host = incoming.get("x-forwarded-host") ?? incoming.get("host");
  return host === new URL(settings.url).host ? null : host;
}

export function OtherAddress({ host }: { host: string }) {
  return (
    <main>
      <h1>This is not the address of the front end</h1>
      <p>Open <a href={settings.url}>{settings.url}</a>. Sign-in works only there.</p>
      <p>
        To use {host}, start the demo with <code>make demo WEB_ORIGIN=http://{host}</code>. Without the demo, set{" "}
        <code>BETTER_AUTH_URL=http://{host}</code>.
      </p>
    </main>
  );
}
