import type { MetadataRoute } from "next";

const icon = (size: number, purpose: "any" | "maskable") => ({
  src: `/icons/${purpose}-${size}.png`, sizes: `${size}x${size}`, type: "image/png", purpose,
});

export default function manifest(): MetadataRoute.Manifest {
  return {
    id: "/",
    name: "Tasks",
    short_name: "Tasks",
    description: "A task list that also works without a network",
    start_url: "/",
    scope: "/",
    display: "standalone",
    background_color: "#f4f3ee",
    theme_color: "#1f6b52",
    icons: [icon(192, "any"), icon(512, "any"), icon(192, "maskable"), icon(512, "maskable")],
  };
}
