import { headers } from "next/headers";
import { redirect } from "next/navigation";
import { TaskBoard } from "@/components/task-board";
import { auth } from "@/lib/auth";

export default async function HomePage() {
  const incoming = await headers(); // first, so that `next build` opens no database
  const session = await auth().api.getSession({ headers: incoming });
  if (!session) redirect("/sign-in");
  return <TaskBoard userId={session.user.id} userName={session.user.name} />;
}
