import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type FunctionOptions, type LocalFunction, loadFunction } from '../../local/lambda/host';
import { until } from '../support/until';
import { bundleFolder } from './lambda-support';

/** One handler, told by its event what to do. */
const HANDLER = `
  import { randomUUID } from 'node:crypto';
  import { threadId } from 'node:worker_threads';
  const container = randomUUID();
  let served = 0;
  export const handler = async (event, context) => {
    served += 1;
    switch (event.do) {
      case 'echo': return { event, container, served };
      case 'environment': return process.env;
      case 'context': return { ...context, remainingMs: context.getRemainingTimeInMillis() };
      case 'log': console.log('one\\ntwo'); console.error('three'); return;
      case 'throw': throw new TypeError('no such post');
      case 'throw-text': throw 'just text';
      case 'undefined': return undefined;
      case 'dates': return { at: new Date(0), none: undefined };
      case 'sleep': console.log('asleep'); await new Promise((resolve) => setTimeout(resolve, event.ms)); return { container };
      case 'spin': for (;;) {}
      case 'exit': process.exit(3);
      case 'uncaught': setTimeout(() => { throw new RangeError('nobody caught it'); }, 0); return new Promise(() => {});
      case 'rejected': Promise.reject(new RangeError('nobody awaited it')); return new Promise(() => {});
      case 'dies-later': setTimeout(() => process.exit(4), 20); return { container };
      case 'cycle': { const cycle = {}; cycle.self = cycle; return cycle; }
    }
  };
`;

let bundles: Awaited<ReturnType<typeof bundleFolder>>;
let bundle: string;
let functions: LocalFunction[] = [];

beforeAll(async () => {
  bundles = await bundleFolder();
  bundle = await bundles.bundle('handler', HANDLER);
});

afterEach(async () => {
  await Promise.all(functions.map((fn) => fn.close()));
  functions = [];
});

afterAll(() => bundles.close());

describe('a function', () => {
  it('gets its event and gives its result as JSON carries them', async () => {
    const fn = load();
    expect(await fn.invoke({ do: 'echo', at: new Date(0), none: undefined })).toMatchObject({
      event: { do: 'echo', at: '1970-01-01T00:00:00.000Z' },
    });
    expect(await fn.invoke({ do: 'dates' })).toEqual({ at: '1970-01-01T00:00:00.000Z' });
    expect(await fn.invoke({ do: 'undefined' })).toBeNull();
  });

  it('finds its own environment, what Lambda sets, and nothing of this process', async () => {
    process.env.SECRET_OF_THE_DEVELOPER = 'yes';
    const fn = load({ env: { ISR_TABLE: 'isr', AWS_REGION: 'eu-west-1' } });
    const environment = await fn.invoke({ do: 'environment' });
    delete process.env.SECRET_OF_THE_DEVELOPER;
    expect(environment).toMatchObject({
      ISR_TABLE: 'isr',
      AWS_REGION: 'eu-west-1',
      AWS_ACCESS_KEY_ID: 'local',
      AWS_LAMBDA_FUNCTION_NAME: 'handler',
    });
    expect(environment).not.toHaveProperty('SECRET_OF_THE_DEVELOPER');
    expect(environment).not.toHaveProperty('PATH');
  });

  it('gets a context that counts the time down', async () => {
    const fn = load({ timeoutMs: 5_000 });
    const context = (await fn.invoke({ do: 'context' })) as Record<string, unknown>;
    expect(context).toMatchObject({ functionName: 'handler', functionVersion: '$LATEST' });
    expect(context.awsRequestId).toMatch(/^[\da-f-]{36}$/);
    expect(context.remainingMs).toBeGreaterThan(0);
    expect(context.remainingMs).toBeLessThanOrEqual(5_000);
  });

  it('logs line by line under its name', async () => {
    const lines: string[] = [];
    const fn = load({ onLog: (line) => lines.push(line) });
    await fn.invoke({ do: 'log' });
    await until(() => lines.length === 3, 'three lines are there');
    expect(lines.toSorted()).toEqual(['[handler] one', '[handler] three', '[handler] two']);
  });
});

describe('containers', () => {
  it('stay warm for the next event', async () => {
    const fn = load();
    const first = (await fn.invoke({ do: 'echo' })) as { container: string; served: number };
    const second = await fn.invoke({ do: 'echo' });
    expect(second).toMatchObject({ container: first.container, served: first.served + 1 });
  });

  it('take one event at a time, and are as many as there are events, up to the concurrency', async () => {
    const fn = load({ concurrency: 2 });
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => fn.invoke({ do: 'sleep', ms: 60 })),
    );
    const used = new Set(answers.map((answer) => (answer as { container: string }).container));
    expect(used.size).toBe(2);
  });

  it('refuse an event that waited too long for one, and take the next', async () => {
    const fn = load({ concurrency: 1, waitMaxMs: 20 });
    let isBusy = true;
    const busy = fn.invoke({ do: 'sleep', ms: 200 }).finally(() => {
      isBusy = false;
    });
    await expect(fn.invoke({ do: 'echo' })).rejects.toMatchObject({
      name: 'TooManyRequestsException',
      message: 'Rate Exceeded: all 1 containers of handler are busy',
    });
    expect(isBusy).toBe(true);
    await busy;
    await expect(fn.invoke({ do: 'echo' })).resolves.toMatchObject({ event: { do: 'echo' } });
  });

  it('keep running when their handler throws; the error keeps its name and message', async () => {
    const lines: string[] = [];
    const fn = load({ onLog: (line) => lines.push(line) });
    const { container } = (await fn.invoke({ do: 'echo' })) as { container: string };
    await expect(fn.invoke({ do: 'throw' })).rejects.toMatchObject({
      name: 'TypeError',
      message: 'no such post',
    });
    await expect(fn.invoke({ do: 'throw-text' })).rejects.toThrow('just text');
    await expect(fn.invoke({ do: 'cycle' })).rejects.toMatchObject({ name: 'TypeError' });
    expect(await fn.invoke({ do: 'echo' })).toMatchObject({ container });
    await until(() => lines.some((line) => line.includes('no such post')), 'the throw is logged');
  });
});

describe('a container dies', () => {
  it.each([
    [
      'of a timeout while it waits',
      'sleep',
      'Sandbox.Timedout',
      'Task timed out after 0.30 seconds',
    ],
    [
      'of a timeout while it spins',
      'spin',
      'Sandbox.Timedout',
      'Task timed out after 0.30 seconds',
    ],
    ['of process.exit', 'exit', 'Runtime.ExitError', 'Runtime exited with error: exit status 3'],
    ['of an error nobody caught', 'uncaught', 'RangeError', 'nobody caught it'],
    ['of a rejection nobody awaited', 'rejected', 'RangeError', 'nobody awaited it'],
  ])(
    '%s, its event is rejected, and the next event has a new one',
    async (_, way, name, message) => {
      const fn = load({ timeoutMs: 300 });
      const { container } = (await fn.invoke({ do: 'echo' })) as { container: string };
      await expect(fn.invoke({ do: way, ms: 60_000 })).rejects.toMatchObject({ name, message });
      const next = (await fn.invoke({ do: 'echo' })) as { container: string };
      expect(next.container).not.toBe(container);
    },
  );

  it('between two events, and the next one has a new one', async () => {
    const fn = load();
    const { container } = (await fn.invoke({ do: 'dies-later' })) as { container: string };
    const next = await until(async () => {
      const answer = await fn.invoke({ do: 'echo' }).catch(() => undefined); // it may die under this one
      return (answer as { container: string } | undefined)?.container !== container && answer;
    }, 'another container answers');
    expect(next).toMatchObject({ served: 1 });
  });

  it('when its function is closed, with what it has in hand', async () => {
    const lines: string[] = [];
    const fn = load({ onLog: (line) => lines.push(line) });
    const inHand = fn.invoke({ do: 'sleep', ms: 60_000 }).catch((thrown: unknown) => thrown);
    await until(() => lines.includes('[handler] asleep'), 'the handler runs');
    await fn.close();
    expect(await inHand).toMatchObject({ message: 'the function handler is closed' });
    await expect(fn.invoke({ do: 'echo' })).rejects.toThrow('the function handler is closed');
  });
});

describe('a bundle that cannot be loaded', () => {
  it.each([
    ['is not there', undefined, /Cannot find module/],
    ['throws', 'throw new SyntaxError("bad configuration")', /bad configuration/],
    ['exports no handler', 'exports.other = 1', /exports no function "handler"/],
  ])('%s: every invocation says so', async (name, code, message) => {
    const path = join(bundles.folder, name.replaceAll(' ', '-'), 'index.js');
    if (code) {
      await mkdir(join(path, '..'));
      await writeFile(path, code);
    }
    const fn = load({ bundle: path });
    await expect(fn.invoke({})).rejects.toThrow(message);
    await expect(fn.invoke({})).rejects.toThrow(message);
  });
});

function load(options: Partial<FunctionOptions> = {}): LocalFunction {
  const fn = loadFunction({ name: 'handler', bundle, timeoutMs: 10_000, ...options });
  functions.push(fn);
  return fn;
}
