/**
 * Runs the blog: `PORT=8000 ISR_ENDPOINT=http://127.0.0.1:4001 BLOG_DATA=blog.json node dist/examples/blog/main.js`.
 * An empty ISR_ENDPOINT runs it alone.
 * @module
 */
import { startBlog } from './app';

async function main(): Promise<void> {
  const {
    PORT = '8000',
    ISR_ENDPOINT = 'http://127.0.0.1:4001',
    BLOG_DATA,
    RENDER_MS,
  } = process.env;
  const blog = await startBlog({
    port: whole('PORT', PORT, 65_535),
    isrEndpoint: ISR_ENDPOINT,
    ...(BLOG_DATA ? { dataFile: BLOG_DATA } : {}),
    ...(RENDER_MS ? { renderMs: whole('RENDER_MS', RENDER_MS, 60_000) } : {}),
  });
  console.log(`blog: ${blog.url}`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => blog.close());
}

function whole(name: string, value: string, max: number): number {
  if (/^\d+$/.test(value) && Number(value) <= max) return Number(value);
  throw new Error(`${name} is "${value}": it takes a whole number, 0 to ${max}`);
}

main().catch((error: NodeJS.ErrnoException) => {
  const isTaken = error.code === 'EADDRINUSE';
  console.error(
    isTaken ? `the port is taken: choose another with PORT (${error.message})` : error.message,
  );
  process.exitCode = 1;
});
