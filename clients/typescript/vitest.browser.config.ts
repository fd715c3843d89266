import { defineConfig } from "vitest/config";

export default defineConfig({ test: { include: ["tests/browser/*.test.ts"], hookTimeout: 120_000 } });
