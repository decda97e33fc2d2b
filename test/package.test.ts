/** The package as a consumer gets it: packed, installed into a folder of its own, imported both ways. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dependencies, peerDependencies, exports as subpaths } from '../package.json';
import { ROOT } from './support/bundles';
import { type Consumer, installPacked } from './support/consumer';

const NAMES: Record<string, string[]> = {
  'edge-isr': ['EdgeIsr'],
  'edge-isr/client': ['IsrClient', 'IsrError'],
  'edge-isr/origin': ['tag', 'isrHeaders'],
  'edge-isr/origin/express': ['isr', 'tag'],
};

/** Of all files, unpacked. */
const BYTES_MAX = 4_000_000;

let consumer: Consumer;
beforeAll(() => {
  consumer = installPacked();
});
afterAll(() => consumer.remove());

describe('the package', () => {
  it('has a test here for every subpath that it exports', () => {
    const exported = Object.keys(subpaths).filter((path) => !path.endsWith('.json'));
    expect(Object.keys(NAMES)).toEqual(exported.map((path) => path.replace(/^\./, 'edge-isr')));
  });

  it.each(Object.entries(NAMES))('gives %s to import and to require', (path, names) => {
    const list = names.join(', ');
    const show = `console.log([${list}].map((it) => typeof it).join())`;
    write('consumer.mjs', `import { ${list} } from '${path}';\n${show}`);
    write('consumer.cjs', `const { ${list} } = require('${path}');\n${show}`);
    const functions = names.map(() => 'function').join();
    expect(node('consumer.mjs').trim()).toBe(functions);
    expect(node('consumer.cjs').trim()).toBe(functions);
  });

  it('does so with none of its dependencies installed: they are the command line’s', () => {
    const { resolve } = createRequire(join(consumer.folder, 'node_modules/edge-isr/package.json'));
    for (const name of Object.keys(dependencies)) {
      expect(() => resolve(`${name}/package.json`), name).toThrow(/Cannot find module/);
    }
  });

  it('is what publint and attw take for sound, from CommonJS and from ESM', () => {
    execFileSync(bin('publint'), ['run', '--strict', '--pack', 'false', ROOT], { stdio: 'pipe' });
    execFileSync(bin('attw'), [consumer.tarball, '--profile', 'node16'], {
      cwd: ROOT,
      stdio: 'pipe',
    });
  });

  it("compiles the README's TypeScript", () => {
    const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
    const snippets = [...readme.matchAll(/^```ts\n(.*?)^```/gms)].map(([, code]) => code);
    expect(snippets.length).toBeGreaterThanOrEqual(2);
    const given =
      "declare const app: import('express').Express;\ndeclare function render(id: string): string;\n";
    const names = snippets.map((code, i) => {
      write(`readme-${i}.mts`, given + code);
      return `readme-${i}.mts`;
    });
    const options = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext'];
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    const compile = () =>
      execFileSync(process.execPath, [tsc, ...options, '--target', 'es2022', ...names], {
        cwd: consumer.folder,
        encoding: 'utf8',
        stdio: 'pipe',
      });
    expect(compile()).toBe('');
  });

  it('carries the functions, and neither tests, examples nor benchmarks', () => {
    const paths = consumer.files.map(({ path }) => path);
    for (const name of ['recorder', 'invalidator', 'warmer', 'jobs', 'authorizer']) {
      expect(paths).toContain(`dist/lambda/${name}/index.js`);
    }
    expect(paths.filter((path) => /test|examples|bench/.test(path))).toEqual([]);
    expect(paths).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'CHANGELOG.md']));
  });

  it('describes its API', () => {
    write('api.cjs', "console.log(require('edge-isr/openapi.json').openapi)");
    expect(node('api.cjs').trim()).toBe('3.1.1');
  });

  it('has no dependency without its reason in ARCHITECTURE.md', () => {
    const text = readFileSync(join(ROOT, 'ARCHITECTURE.md'), 'utf8');
    const [, table = ''] = /^## Dependencies\n(.*?)^[^|\n]/ms.exec(text) ?? [];
    const firsts = [...table.matchAll(/^\| (`.*?) \|/gm)].map(([, first = '']) => first);
    const reasoned = firsts.flatMap((first) => first.replaceAll('`', '').split(', '));
    const names = Object.keys({ ...dependencies, ...peerDependencies });
    expect(reasoned.sort()).toEqual(names.sort());
  });

  it('takes at most 4 MB, unpacked', () => {
    expect(consumer.unpackedSize).toBeLessThanOrEqual(BYTES_MAX);
  });

  it('has a command that a shell can start', () => {
    const script = readFileSync(
      join(consumer.folder, 'node_modules/edge-isr/dist/bin/isr.js'),
      'utf8',
    );
    expect(script.startsWith('#!/usr/bin/env node\n')).toBe(true);
  });
});

function write(name: string, text: string): void {
  writeFileSync(join(consumer.folder, name), text);
}

function node(script: string): string {
  return execFileSync(process.execPath, [join(consumer.folder, script)], {
    cwd: consumer.folder,
    encoding: 'utf8',
  });
}

function bin(name: string): string {
  return join(ROOT, 'node_modules/.bin', name);
}
