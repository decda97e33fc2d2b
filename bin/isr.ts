#!/usr/bin/env node
import { createInterface } from 'node:readline/promises';
import { main } from '../cli/main';

// said once, in README.md: on Node 20 the SDK would print nine lines before each command's first
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

const ended = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ended.abort());

/** On stderr: what is printed may go elsewhere. */
async function ask(question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await lines.question(question, { signal: ended.signal });
  } finally {
    lines.close();
  }
}

main(process.argv.slice(2), {
  out: console.log,
  err: console.error,
  env: process.env,
  isTerminal: process.stdout.isTTY === true,
  ...(process.stdin.isTTY && process.stderr.isTTY ? { ask } : {}),
  signal: ended.signal,
}).then((code) => {
  process.exitCode = code;
});
