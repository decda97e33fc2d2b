/**
 * CloudFront's control API, as far as invalidations go.
 *
 *     POST /2020-05-31/distribution/{Id}/invalidation                     201, Location
 *     GET  /2020-05-31/distribution/{Id}/invalidation/{Id}                200
 *     GET  /2020-05-31/distribution/{Id}/invalidation?Marker=&MaxItems=   200, newest first
 *
 * A CallerReference that comes again with the same items names the invalidation it made the first time: nothing new is
 * purged. With other items it is refused.
 * @see CFAPI, API_CreateInvalidation, API_GetInvalidation, API_ListInvalidations
 * @module
 */
import { randomBytes, randomUUID } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { reasonOf } from '../../core/errors';
import {
  API_VERSION,
  type Batch,
  ControlError,
  formatError,
  formatInvalidation,
  formatList,
  type Invalidation,
  parseBatch,
} from './control-xml';

export interface ControlOptions {
  readonly distributionId: string;
  /** Drops what the items name. */
  readonly invalidate: (items: readonly string[]) => void;
  /** From the request to its effect, and to Completed. */
  readonly delayMs: number;
  readonly now: () => number;
}

export interface Control {
  readonly listener: RequestListener;
  close(): void;
}

/** CFDG, invalidation-specifying-objects, InvalidationLimits. */
const PATH_LENGTH_MAX = 4_000;
const BATCH_ITEMS_MAX = 3_000;
const BODY_BYTES_MAX = 16_777_216;
/** CFAPI, API_ListInvalidations. */
const LIST_ITEMS_MAX = 100;

interface Answer {
  readonly status: number;
  readonly xml: string;
  readonly location?: string;
}

export function createControl({
  distributionId,
  invalidate,
  delayMs,
  now,
}: ControlOptions): Control {
  const byId = new Map<string, Invalidation>(); // oldest first
  const idByReference = new Map<string, string>();
  const timers = new Set<NodeJS.Timeout>();

  function create(batch: Batch): Answer {
    check(batch);
    const { items, callerReference } = batch;
    const earlier = byId.get(idByReference.get(callerReference) ?? '');
    if (earlier && !isSame(earlier.items, items)) {
      const message = 'Your caller reference has been used with another set of paths.';
      throw new ControlError(400, 'InvalidationBatchAlreadyExists', message);
    }
    const invalidation = earlier ?? begin(items, callerReference);
    const location = `https://cloudfront.amazonaws.com/${API_VERSION}/distribution/${distributionId}/invalidation/${invalidation.id}`;
    return { status: 201, xml: formatInvalidation(invalidation), location };
  }

  function begin(items: readonly string[], callerReference: string): Invalidation {
    const id = `I${randomBytes(13).toString('hex').toUpperCase().slice(0, 25)}`;
    const invalidation = { id, createdAtMs: now(), isCompleted: false, items, callerReference };
    byId.set(id, invalidation);
    idByReference.set(callerReference, id);
    const complete = () => {
      invalidate(items);
      byId.set(id, { ...invalidation, isCompleted: true });
    };
    if (delayMs === 0) complete();
    else {
      const timer = setTimeout(() => {
        timers.delete(timer);
        complete();
      }, delayMs);
      timers.add(timer);
    }
    return invalidation; // in progress, as CloudFront always answers
  }

  function get(id: string): Answer {
    const invalidation = byId.get(id);
    if (invalidation) return { status: 200, xml: formatInvalidation(invalidation) };
    throw new ControlError(404, 'NoSuchInvalidation', 'The specified invalidation does not exist.');
  }

  function list(query: URLSearchParams): Answer {
    const marker = query.get('Marker') ?? '';
    const asked = query.get('MaxItems') || String(LIST_ITEMS_MAX);
    if (!/^[1-9]\d*$/.test(asked)) throw invalid(`MaxItems is ${asked}: it takes a whole number.`);
    const itemsMax = Math.min(Number(asked), LIST_ITEMS_MAX);
    const newest = [...byId.values()].reverse();
    const at = marker === '' ? -1 : newest.findIndex(({ id }) => id === marker);
    if (marker !== '' && at < 0) throw invalid('The parameter Marker is not valid.');
    const invalidations = newest.slice(at + 1, at + 1 + itemsMax);
    const isTruncated = newest.length > at + 1 + itemsMax;
    const nextMarker = isTruncated ? invalidations.at(-1)?.id : undefined;
    return { status: 200, xml: formatList({ marker, itemsMax, invalidations, nextMarker }) };
  }

  async function answered(request: IncomingMessage): Promise<Answer> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://cloudfront');
    const [version, kind, distribution, what, id, ...rest] = pathname.slice(1).split('/');
    const isKnown =
      version === API_VERSION && kind === 'distribution' && what === 'invalidation' && !rest.length;
    if (!isKnown) throw new ControlError(404, 'NoSuchResource', `${pathname} is not served here.`);
    if (distribution !== distributionId) {
      const message = 'The specified distribution does not exist.';
      throw new ControlError(404, 'NoSuchDistribution', message);
    }
    if (request.method === 'POST' && !id) return create(parseBatch(await read(request)));
    if (request.method === 'GET') return id ? get(id) : list(searchParams);
    throw new ControlError(405, 'MethodNotAllowed', `${request.method} is not served here.`);
  }

  const listener: RequestListener = (request, response) => {
    answered(request)
      .catch(refusal)
      .then((answer) => send(response, answer))
      .catch(() => response.destroy());
  };

  return {
    listener,
    close() {
      for (const timer of timers) clearTimeout(timer);
    },
  };
}

function check({ quantity, items }: Batch): void {
  if (quantity !== items.length) {
    const message = `The value of Quantity (${quantity}) and the number of Items (${items.length}) differ.`;
    throw new ControlError(400, 'InconsistentQuantities', message);
  }
  if (items.length > BATCH_ITEMS_MAX) {
    throw new ControlError(413, 'BatchTooLarge', 'Invalidation batch specified is too large.');
  }
  const wrong = items.length === 0 ? 'none' : items.find((item) => !isItem(item));
  if (wrong !== undefined) {
    throw invalid(`Your request contains one or more invalid invalidation paths: ${wrong}`);
  }
}

/** A path as sent, percent-encoded, or a tag (CFDG, invalidation-specifying-objects, invalidation-specifying-tags). */
function isItem(item: string): boolean {
  if (item.startsWith('#')) return /^#[!-+\--~]{1,256}$/.test(item);
  return /^\/[!$-;=?-Z_a-z]*$/.test(item) && item.length <= PATH_LENGTH_MAX; // RFC 1738 §2.2: the rest is unsafe, `~` too
}

function isSame(before: readonly string[], now: readonly string[]): boolean {
  return JSON.stringify([...before].sort()) === JSON.stringify([...now].sort());
}

function invalid(message: string): ControlError {
  return new ControlError(400, 'InvalidArgument', message);
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength;
    if (bytes > BODY_BYTES_MAX) {
      throw new ControlError(413, 'BatchTooLarge', 'Invalidation batch specified is too large.');
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function refusal(thrown: unknown): Answer & { requestId: string } {
  const error =
    thrown instanceof ControlError
      ? thrown
      : new ControlError(500, 'InternalError', reasonOf(thrown));
  const requestId = randomUUID();
  return { status: error.status, xml: formatError(error, requestId), requestId };
}

function send(response: ServerResponse, answer: Answer & { requestId?: string }): void {
  response.writeHead(answer.status, {
    'content-type': 'text/xml',
    'x-amzn-requestid': answer.requestId ?? randomUUID(),
    ...(answer.location ? { location: answer.location } : {}),
  });
  response.end(answer.xml);
}
