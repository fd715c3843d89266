import { AccountForm } from "@/components/account-form";

export default function SignInPage() {
  return <AccountForm />;
}
