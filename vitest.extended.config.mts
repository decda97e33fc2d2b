import { defineConfig } from 'vitest/config';

/** Suites that need more than Node: `.ci/run` installs what they need and runs them. */
export default defineConfig({
  test: {
    include: ['test/extended/**/*.test.ts'],
    pool: 'forks',
    testTimeout: 60_000,
    hookTimeout: 60_000,
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
  },
});
