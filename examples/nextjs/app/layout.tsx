import type { Metadata, Viewport } from "next";
import type { ReactNode } from "react";
import { OtherAddress, otherHost } from "@/components/other-address";
import { ServiceWorker } from "@/components/service-worker";
import "./globals.css";

export const metadata: Metadata = { title: "Tasks", description: "A task list behind a sign-in" };
export const viewport: Viewport = {
  themeColor: [
    { media: "(prefers-color-scheme: light)", color: "#fff" },
    { media: "(prefers-color-scheme: dark)", color: "#191e1b" },
  ],
};

export default async function RootLayout({ children }: { children: ReactNode }) {
  const host = await otherHost();
  return (
    <html lang="en">
      <body>
        {host ? <OtherAddress host={host} /> : children}
        <ServiceWorker />
      </body>
    </html>
  );
}
