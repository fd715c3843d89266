import type { Metadata } from "next";
import { headers } from "next/headers";
import { redirect } from "next/navigation";
import { DeleteAccount } from "@/components/delete-account";
import { auth } from "@/lib/auth";

export const metadata: Metadata = { title: "Delete your account – Tasks" };

export default async function AccountPage() {
  const session = await auth().api.getSession({ headers: await headers() });
  if (!session) redirect("/sign-in");
  return <DeleteAccount email={session.user.email} />;
}
