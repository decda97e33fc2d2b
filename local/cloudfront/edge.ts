/**
 * An edge location: what becomes of a request.
 *
 *     fresh copy                          Hit
 *     expired, within swr                 the copy at once; one fetch behind it
 *     expired, the origin just failed     the copy, until the error-caching minimum has passed
 *     a fetch of this key is under way    wait for it; when its answer is for one viewer only, fetch too
 *     else                                fetch
 *
 * @see CFDG, Expiration#stale-content, RequestAndResponseBehaviorCustomOrigin
 * @module
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Outcome, Streaming, Workshop } from './fetching';
import { createFlights, type Flight } from './flights';
import { keyOf, urlIn } from './key';
import type { Note, Result } from './options';
import { askOf, hasBody, isCacheable } from './origin-request';
import type { Copy } from './store';
import { ageOf, cacheWord, createIds, type Exchange, sendCopy, sendRefusal } from './viewer';

/** Who came first missed; who waited for the same answer hit. */
type Turn = 'Miss' | 'Hit';

interface Told {
  readonly result: Result;
  readonly note: Note;
  readonly error?: string | undefined;
}

const METHODS = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'POST', 'PATCH', 'DELETE']);
/** CFDG, cloudfront-limits. */
const URL_BYTES_MAX = 8_192;

export function createEdge(workshop: Workshop): RequestListener {
  const { settings, store } = workshop;
  const flights = createFlights(workshop);
  const nextId = createIds();

  function answer(viewer: IncomingMessage, reply: ServerResponse): void {
    reply.sendDate = false; // the copy has its own
    const startedMs = settings.onRequest ? performance.now() : 0;
    const asked = urlIn(viewer.url ?? '');
    const url = asked && settings.viewerRequest ? settings.viewerRequest(viewer, asked) : asked;
    const method = viewer.method ?? 'GET';
    const exchange = { viewer, reply, method, url: url ?? '', id: nextId(), startedMs };
    const refusal = url === undefined ? BAD_TARGET : refusalOf(exchange);
    if (refusal) {
      told(exchange, { result: 'Error', note: {}, error: refusal.why });
      sendRefusal(exchange, refusal, settings);
    } else if (isCacheable(method)) fromCache(exchange);
    else void passed(exchange);
  }

  function fromCache(exchange: Exchange): void {
    const key = keyOf(exchange.url, exchange.viewer.headers, settings.keyHeaders);
    const copy = store.get(key);
    const nowMs = settings.now();
    const state = copy === undefined ? 'absent' : stateOf(copy, nowMs);
    if (copy === undefined || state === 'expired') void collapsed(exchange, key, copy);
    else if (state === 'fresh') fromCopy(exchange, copy, { word: 'Hit', nowMs });
    else {
      if (state === 'stale') refresh(exchange, key, copy);
      fromCopy(exchange, copy, { word: 'RefreshHit', nowMs });
    }
  }

  function fromCopy(
    exchange: Exchange,
    copy: Copy,
    { word, nowMs, error }: { word: Result; nowMs: number; error?: string | undefined },
  ): void {
    const result = resultOf(copy.status, word);
    told(exchange, { result, note: copy.note, error });
    sendCopy(exchange, copy, result, nowMs);
  }

  /** Behind the viewer's back; never more than one for a key. */
  function refresh(exchange: Exchange, key: string, copy: Copy): void {
    if (flights.under(key)) return;
    const ask = askOf(exchange.viewer, { ...exchange, key }, settings);
    const flight = flights.start(ask, copy, true);
    flight.keep();
    void flight.outcome.then((outcome) => outcome.kind === 'streaming' && outcome.body.start());
  }

  async function collapsed(exchange: Exchange, key: string, stale: Copy | undefined) {
    const ask = askOf(exchange.viewer, { ...exchange, key }, settings);
    const first = flights.under(key);
    if (!first) await served(exchange, flights.start(ask, stale, true), 'Miss');
    else if (!(await served(exchange, first, 'Hit'))) {
      await served(exchange, flights.start(ask, store.get(key), false), 'Miss');
    }
  }

  async function passed(exchange: Exchange) {
    const ask = askOf(exchange.viewer, { ...exchange, key: exchange.url }, settings);
    await served(exchange, flights.start(ask, undefined, false), 'Miss');
  }

  /** @returns false when the answer is for another viewer alone */
  async function served(exchange: Exchange, flight: Flight, turn: Turn): Promise<boolean> {
    const leave = flight.board(exchange.reply);
    const outcome = await flight.outcome;
    if (exchange.reply.destroyed) return true; // the viewer has gone
    const isForAll = turn === 'Miss' || outcome.isShared;
    if (isForAll && sent(exchange, outcome, turn, flight)) return true;
    leave();
    return false;
  }

  function sent(exchange: Exchange, outcome: Outcome, turn: Turn, flight: Flight): boolean {
    if (outcome.kind === 'streaming') return streamed(exchange, outcome, turn, flight);
    const { copy, result, error } = outcome;
    fromCopy(exchange, copy, { word: result, nowMs: settings.now(), error });
    return true;
  }

  function streamed(exchange: Exchange, answer: Streaming, turn: Turn, flight: Flight): boolean {
    const { reply, method, id } = exchange;
    const { status, body, isStored, note } = answer;
    const result = resultOf(status, turn);
    const age = turn === 'Hit' ? ['Age', ageOf(answer, settings.now())] : [];
    const own = ['X-Cache', cacheWord(result), 'X-Amz-Cf-Id', id];
    const sendHead = () => reply.writeHead(status, [...answer.head, ...age, ...own]);
    if (method === 'HEAD') {
      if (isStored) flight.keep(); // a HEAD fills the cache as a GET does
      if (isStored) body.start();
      sendHead().end();
    } else if (!body.attach(reply, sendHead)) {
      if (turn === 'Miss') reply.destroy(); // it broke off before its first viewer could see it
      return false;
    }
    told(exchange, { result, note });
    return true;
  }

  function told(exchange: Exchange, { result, note, error }: Told): void {
    const { onRequest } = settings;
    if (!onRequest) return;
    const { reply, method, url, startedMs } = exchange;
    reply.once('close', () => {
      const ms = performance.now() - startedMs;
      const why = error === undefined ? {} : { error };
      onRequest({ method, url, status: reply.statusCode, result, ms, ...note, ...why });
    });
  }

  return answer;
}

const BAD_TARGET = { status: 400, why: 'The request names no path.' };

function refusalOf({ viewer, method, url }: Exchange): typeof BAD_TARGET | undefined {
  if (url.length > URL_BYTES_MAX) {
    return { status: 414, why: `The url has more than ${URL_BYTES_MAX} bytes.` };
  }
  if (!METHODS.has(method)) return { status: 403, why: `${method} is not allowed here.` };
  if (isCacheable(method) && hasBody(viewer)) {
    return { status: 403, why: `A ${method} has no body.` }; // CFDG, …CustomOrigin
  }
  return undefined;
}

/** CFDG, standard-logs-reference: a status of 400 and more is an Error, cached or not. */
function resultOf(status: number, word: Result): Result {
  return status >= 400 && !word.startsWith('Lambda') ? 'Error' : word;
}

/**
 * `fresh` and `resting` are served as they are, `stale` with a fetch behind it; `expired` needs the origin first.
 * A copy rests when the origin has just failed, until the error-caching minimum has passed.
 */
function stateOf(copy: Copy, nowMs: number): 'fresh' | 'stale' | 'resting' | 'expired' {
  if (nowMs < copy.freshUntilMs) return 'fresh';
  const isResting = nowMs < copy.retryAtMs;
  if (nowMs < copy.staleUntilMs) return isResting ? 'resting' : 'stale';
  return isResting && nowMs < copy.errorUntilMs ? 'resting' : 'expired';
}
