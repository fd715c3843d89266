import type { Metadata } from "next";
import type { ReactNode } from "react";
import { OtherAddress, otherHost } from "@/components/other-address";
import "./globals.css";

export const metadata: Metadata = { title: "Tasks", description: "A task list behind a sign-in" };

export default async function RootLayout({ children }: { children: ReactNode }) {
  const host = await otherHost();
  return (
    <html lang="en">
      <body>{host ? <OtherAddress host={host} /> : children}</body>
    </html>
  );
}
