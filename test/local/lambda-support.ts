/** What the tests of local/ share: functions bundled as the build does it. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';

/** A folder of bundles, made from the source of each; `close` removes it. */
export async function bundleFolder() {
  const folder = await mkdtemp(join(tmpdir(), 'isr-lambda-'));
  return {
    folder,
    /** @returns the path of the bundle */
    async bundle(name: string, source: string): Promise<string> {
      const entry = join(folder, `${name}.ts`);
      const outfile = join(folder, name, 'index.js');
      await writeFile(entry, source);
      await build({
        entryPoints: [entry],
        outfile,
        bundle: true,
        minify: true,
        platform: 'node',
        target: 'node20',
        format: 'cjs',
        logLevel: 'silent',
      });
      return outfile;
    },
    close: () => rm(folder, { recursive: true, force: true }),
  };
}
