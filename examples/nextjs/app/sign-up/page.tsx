import { AccountForm } from "@/components/account-form";

export default function SignUpPage() {
  return <AccountForm isNew />;
}
