import { defineConfig } from "vitest/config";

export default defineConfig({ test: { include: ["tests/e2e/*.test.ts"], hookTimeout: 120_000 } });
