import type { Metadata } from "next";
import { headers } from "next/headers";
import { redirect } from "next/navigation";
import { DeleteAccount } from "@/components/delete-account";
import { auth } from "@/lib/auth";

export const metadata: Metadata = { title: "Your account" };

export default async function AccountPage() {
  const session = await auth().api.getSession({ headers: await headers() });
  if (!session) redirect("/sign-in");
  return <DeleteAccount userId={session.user.id} email={session.user.email} />;
}
