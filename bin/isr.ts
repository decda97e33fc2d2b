#!/usr/bin/env node
import { main } from '../cli/main';

const ended = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ended.abort());

main(process.argv.slice(2), {
  out: console.log,
  err: console.error,
  env: process.env,
  signal: ended.signal,
}).then((code) => {
  process.exitCode = code;
});
