/** `isr jobs --dlq`: what lies in the dead-letter queues, and why. The reason is the job's: SQS keeps none. */
import type { IsrClient } from '../client';
import { IsrError } from '../core/errors';
import {
  deadLetterQueues,
  eachLetter,
  type Letter,
  type QueueOptions,
  readLetter,
} from './dead-letters';
import type { Io } from './io';

/** Of a message's tags and urls a line shows so many. */
const NAMES_SHOWN = 3;

interface ListOptions extends QueueOptions {
  readonly json?: boolean;
}

interface Asking {
  readonly client: IsrClient;
  readonly endpoint: string;
  readonly io: Io;
}

export async function listDeadLetters(
  options: ListOptions,
  { client, endpoint, io }: Asking,
): Promise<void> {
  const letters: Letter[] = [];
  for (const queue of await deadLetterQueues(options, { endpoint, env: io.env })) {
    await eachLetter(queue, async (dead) => {
      letters.push(readLetter(dead, queue.name));
      return false;
    });
    queue.client.destroy();
  }
  const reasons = await reasonsOf(letters, client);
  const nowMs = Date.now();
  const told = letters.map(({ sentAtMs, poison, ...letter }, at) => ({
    ...letter,
    ageSeconds: Math.max(0, Math.round((nowMs - sentAtMs) / 1_000)),
    error: poison ?? reasons[at] ?? 'its job does not say why',
    isPoisoned: poison !== undefined,
  }));
  if (options.json) io.out(JSON.stringify({ messages: told }));
  else if (told.length === 0) io.out('the dead-letter queues are empty');
  else for (const one of told) printLetter(one, io);
}

interface Told extends Omit<Letter, 'sentAtMs' | 'poison'> {
  readonly ageSeconds: number;
  readonly error: string;
  readonly isPoisoned: boolean;
}

function printLetter(letter: Told, { out }: Pick<Io, 'out'>): void {
  const { queue, message, jobs, tags, urls, receives, ageSeconds, error, isPoisoned } = letter;
  const names = [...tags, ...urls];
  const more = names.length > NAMES_SHOWN ? `, and ${names.length - NAMES_SHOWN} more` : '';
  out(`${queue}  message ${message}  job ${jobs.join(' ')}`);
  if (names.length > 0) out(`  ${names.slice(0, NAMES_SHOWN).join(', ')}${more}`);
  out(`  received ${receives} times, ${ageOf(ageSeconds)} old`);
  out(`  ! ${isPoisoned ? 'poisoned: ' : ''}${error}`);
}

/** What their jobs say; nothing once the API cannot be asked: the messages are shown all the same. */
async function reasonsOf(
  letters: readonly Letter[],
  client: IsrClient,
): Promise<(string | undefined)[]> {
  const reasons: (string | undefined)[] = [];
  try {
    for (const letter of letters) reasons.push(await reasonOf(client, letter));
  } catch {} // those that were had
  return reasons;
}

/** Of a warm, what its job says of one of its urls; of a revalidation, why its job was given up. */
async function reasonOf(
  client: IsrClient,
  { jobs: [id = ''], urls }: Letter,
): Promise<string | undefined> {
  try {
    const { state, error, problems } = await client.job(id);
    const own = problems.find((problem) => urls.some((url) => problem.startsWith(`${url}: `)));
    return own ?? error ?? `its job is ${state}, and does not say why`;
  } catch (thrown) {
    if (thrown instanceof IsrError && thrown.code === 'job-unknown') return undefined;
    throw thrown;
  }
}

function ageOf(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7_200) return `${Math.floor(seconds / 60)} min`;
  return seconds < 172_800
    ? `${Math.floor(seconds / 3_600)} h`
    : `${Math.floor(seconds / 86_400)} days`;
}
