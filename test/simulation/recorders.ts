/**
 * The recorder's containers in the simulated world: one at a time serves a response, a new one starts when all are busy.
 * @module
 */
import type { DynamoCall } from '../../aws/dynamo';
import { dynamoGraph } from '../../aws/graph';
import { type Purge, RECORDER_DEFAULTS, type RecorderConfig } from '../../core/config';
import { type Fields, RULING } from '../../core/headers';
import { type Page, type Ruling, record } from '../../core/recorder';
import { encodeUrl } from '../../core/urls';
import { type Faults, type SimulatedDynamo, TABLE } from './dynamo';
import { createMachine } from './machine';
import { type OriginAnswer, VARIANT_HEADER } from './origin';
import type { Mutant } from './simulation';
import type { World } from './world';

const CONFIG: RecorderConfig = {
  ...RECORDER_DEFAULTS,
  keyHeaders: [VARIANT_HEADER],
  table: TABLE,
  region: 'us-east-1',
};

export interface RecorderTraits {
  readonly dynamo: SimulatedDynamo;
  readonly faults: Partial<Faults>;
  readonly skewMsMax: number;
  readonly purge: Purge;
  readonly mutant: Mutant;
}

export interface Recorded {
  readonly outcome: Ruling['outcome'];
  /** The response as it goes on to the caches. */
  readonly headers: Readonly<Record<string, string>>;
  /** Nothing that it asked the graph was answered. */
  readonly isBlind: boolean;
  readonly tookMs: number;
}

export function createRecorders(
  world: World,
  { dynamo, faults, skewMsMax, purge, mutant }: RecorderTraits,
) {
  const { random } = world;
  const containers: ReturnType<typeof startContainer>[] = [];

  function startContainer() {
    const call = dynamo.client(faults);
    const machine = createMachine(world, { call: mutant.recorderCall?.(call) ?? call, skewMsMax });
    return { machine, memory: new Set<string>(), isBusy: false, isCold: true };
  }

  /** @throws what the recorder throws: it must not */
  return async function rule(answer: OriginAnswer): Promise<Recorded> {
    const { key, url, method, versions, status, fields, timeoutMs } = answer;
    const container = containers.find(({ isBusy }) => !isBusy) ?? startContainer();
    if (!containers.includes(container)) containers.push(container);
    container.isBusy = true;
    const bootMs = container.isCold ? random.below(800) : 0;
    container.isCold = false;
    await world.sleep(bootMs);

    const { machine, memory } = container;
    const beganMs = world.now();
    let isBlind = true;
    const call: DynamoCall = async (operation, input) => {
      const output = await machine.call(operation, input);
      isBlind = false;
      return output;
    };
    const graph = dynamoGraph(call, TABLE);
    const freshSeconds = Number(/\d+/.exec(fields['cache-control']?.[0] ?? '')?.[0]);
    const recording = { memory, freshSeconds, now: machine.clock.now };
    const page: Page = {
      url: encodeUrl(url),
      originTimeoutMs: timeoutMs,
      method,
      status,
      request: { [VARIANT_HEADER]: [key.split(' ')[1] ?? ''] },
      response: fields,
    };
    try {
      const ruling = await record(
        mutant.recorderPage?.(page) ?? page,
        { ...CONFIG, purge },
        {
          graph: mutant.recorderGraph?.(graph, recording) ?? graph,
          clock: machine.clock,
          bootMs,
        },
      );
      const { outcome, headers } = mutant.recorderRuling?.(ruling, page) ?? ruling;
      world.say(() => `ruled ${key} ${JSON.stringify(versions)}: ${headers[RULING]}`);
      return { outcome, headers: ruled(fields, headers), isBlind, tookMs: world.now() - beganMs };
    } finally {
      container.isBusy = false;
    }
  };
}

/** As aws/edge-event.ts does it: an empty value removes. */
function ruled(fields: Fields, ruling: Ruling['headers']): Record<string, string> {
  const left = Object.entries(fields).map(([name, lines]) => [name, lines.join(', ')] as const);
  const headers = { ...Object.fromEntries(left), ...ruling };
  return Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== ''));
}
