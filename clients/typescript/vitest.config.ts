import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    globalSetup: "tests/setup/service.ts",
    include: ["tests/**/*.test.{ts,tsx}"],
    exclude: ["tests/e2e/**"],
    typecheck: { enabled: false }, // `npm run typecheck` checks the tests' types
    testTimeout: 30_000,
    maxWorkers: 2,
    minWorkers: 1,
  },
});
