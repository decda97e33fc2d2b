/**
 * A render on node:http, from its start to the moment its headers leave; a Node framework's middleware builds on it.
 *
 *     attach(req, res, …)      the clock starts
 *     addTags('post:42')       any time until the headers leave
 *     setHeader('ETag', …)     stored with the tags in it, so that whoever compares it (`req.fresh`) sees both
 *     end(body)                the whole page at once: it gets an ETag, and becomes a 304 when the client has it
 *     writeHead(…)             the last moment: the answer is known, its headers are set
 *
 * Node itself calls `res.writeHead` for headers that nobody sent in so many words, so no answer gets past it.
 * @module
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { etagWithTags } from '../core/etag';
import { ELAPSED, parseCacheControl } from '../core/headers';
import { parseTag, type Tag, tagsOf } from '../core/tags';
import { type Answer, headersOf, type Rendered, refusalOf } from './answer';
import { etagOf, isNoneMatched } from './etag';
import { formatTags, TAGS_LENGTH_MAX } from './format';

/** A page while it is rendered: `res.isr`. */
export interface Render {
  /**
   * Says that the page depends on these as well. Until the headers leave, in any order, also after an `await`.
   * A tag that CloudFront would not take is warned about, and the page is then served uncached: what it depends on
   * could not be purged.
   */
  addTags(...tags: readonly string[]): void;
  /** What was added so far, sorted. */
  readonly tags: readonly Tag[];
}

/** What goes wrong without failing the page: tags that no purge could name, or that came too late. */
export type Warn = (message: string) => void;

export interface RenderOptions {
  /** The page's lifetime, unless its handler says something else. */
  readonly cacheControl: string;
  readonly warn: Warn;
}

const RENDER = Symbol('edge-isr render');
type Rendering = ServerResponse & { [RENDER]?: NodeRender };

/** Begins a render; nothing of the page may have been read or written before. */
export function attach(req: IncomingMessage, res: ServerResponse, options: RenderOptions): Render {
  const begun = (res as Rendering)[RENDER];
  if (begun) {
    // a route's middleware inside a router's: the first one's clock and tags, the inner one's lifetime
    begun.options = options;
    return begun;
  }
  const render = new NodeRender(req, res, options);
  (res as Rendering)[RENDER] = render;
  intercept(res, render);
  return render;
}

/** @throws Error when the middleware has not seen this response */
export function renderOf(res: ServerResponse): Render {
  const render = (res as Rendering)[RENDER];
  if (render) return render;
  throw new Error('this response has no render: put isr({ … }) in front of the handler');
}

function intercept(res: ServerResponse, render: NodeRender): void {
  const { setHeader, writeHead, end } = res;
  const store = (name: string, value: HeaderValue) => setHeader.call(res, name, value);

  res.setHeader = (name, value) =>
    store(name, /^etag$/i.test(name) ? render.coverTags(String(value)) : value);

  res.writeHead = ((status: number, ...given: readonly unknown[]) => {
    if (!res.headersSent) {
      const headers = given.find((arg) => typeof arg === 'object');
      for (const [name, value] of pairsOf(headers)) res.setHeader(name, value);
      for (const [name, value] of Object.entries(render.settle(status))) store(name, value);
    }
    const message = given.filter((arg) => typeof arg === 'string');
    return Reflect.apply(writeHead, res, [status, ...message]);
  }) as typeof res.writeHead;

  res.end = ((...given: Parameters<typeof end>) => {
    const [body, encoding] = given as readonly unknown[];
    if (res.headersSent || !render.isKnown(body, encoding)) return end.apply(res, given);
    turnIntoNotModified(res);
    return end.call(res, undefined, 'utf8', given.find(isCallback));
  }) as typeof res.end;
}

type HeaderValue = number | string | readonly string[];

function isCallback(arg: unknown): arg is () => void {
  return typeof arg === 'function';
}

/** writeHead takes `{ name: value }`, `[name, value, …]` or `[[name, value], …]`; lists may repeat a name. */
function pairsOf(headers: unknown): Iterable<[string, HeaderValue]> {
  if (!Array.isArray(headers)) return Object.entries((headers ?? {}) as Record<string, string>);
  const lines = Array.isArray(headers[0]) ? headers : inPairs(headers);
  const values = new Map<string, HeaderValue>();
  for (const [name, value] of lines as [string, HeaderValue][]) {
    const before = values.get(name.toLowerCase());
    values.set(
      name.toLowerCase(),
      before === undefined ? value : [before, value].flat().map(String),
    );
  }
  return values;
}

function inPairs(list: readonly unknown[]): unknown[][] {
  return Array.from({ length: Math.ceil(list.length / 2) }, (_, i) => list.slice(2 * i, 2 * i + 2));
}

/** What a 304 leaves out (RFC 9110 §15.4.5): what describes the body. Everything else goes along. */
function turnIntoNotModified(res: ServerResponse): void {
  res.statusCode = 304;
  for (const name of ['encoding', 'language', 'length', 'range', 'type']) {
    res.removeHeader(`Content-${name}`);
  }
  res.removeHeader('Transfer-Encoding');
}

const UNCACHED = 'the page is served uncached';

class NodeRender implements Render, Rendered {
  isTagged = true;
  private readonly tagSet = new Set<Tag>();
  private formatted: string | undefined;
  private readonly startedMs = performance.now();
  /** As it was set, without the tags. */
  private bodyEtag: string | undefined;
  /** The headers left, and with them these tags. */
  private isSentWithTags = false;
  private saidCacheControl: string | undefined;

  constructor(
    private readonly req: IncomingMessage,
    private readonly res: ServerResponse,
    public options: RenderOptions,
  ) {}

  get tags(): readonly Tag[] {
    return [...this.tagSet].sort();
  }

  get cacheTag(): string {
    this.formatted ??= formatTags(this.tagSet);
    return this.formatted;
  }

  get defaultCacheControl(): string {
    return this.options.cacheControl;
  }

  addTags(...tags: readonly string[]): void {
    for (const raw of tags) this.addTag(raw);
    if (this.bodyEtag === undefined || this.res.headersSent) return;
    if (this.res.hasHeader('etag')) this.res.setHeader('ETag', this.bodyEtag);
  }

  private addTag(raw: string): void {
    let tag: Tag;
    try {
      tag = parseTag(raw);
    } catch (refused) {
      this.refuseTag((refused as Error).message);
      return;
    }
    if (this.isSentWithTags && !this.tagSet.has(tag)) {
      this.warn(
        `tag ${tag} came after the headers had left: a purge of it will not find this page; add tags before the first byte`,
      );
    }
    this.tagSet.add(tag);
    this.formatted = undefined;
  }

  private refuseTag(why: string): void {
    this.isTagged = false;
    this.warn(`${why}; ${this.isSentWithTags ? 'it came after the headers had left' : UNCACHED}`);
  }

  private warn(what: string): void {
    this.options.warn(`${this.req.method} ${this.req.url}: ${what}`);
  }

  coverTags(etag: string): string {
    this.bodyEtag = etag;
    return etagWithTags(etag, [...this.tagSet].sort()) ?? etag; // what is no ETag stays what it is
  }

  /** The whole page is about to be sent: gives it an ETag, and says whether the client has it already. */
  isKnown(body: unknown, encoding: unknown): boolean {
    this.adoptTagHeader();
    if (this.res.statusCode !== 200 || refusalOf(this.answer(200), this)) return false;
    if (!this.res.hasHeader('etag') && isBody(body)) {
      this.res.setHeader('ETag', etagOf(body, encodingOf(encoding)));
    }
    const { headers } = this.req;
    const asked = parseCacheControl(headers['cache-control'] ?? '');
    if (asked['no-cache']) return false; // a reload, which Express answers in full, too
    return isNoneMatched(headers['if-none-match'], String(this.res.getHeader('etag')));
  }

  /** The last moment before the headers leave: the ones to set. */
  settle(status: number): Record<string, string> {
    this.adoptTagHeader();
    const answer = this.answer(status);
    const refusal = refusalOf(answer, this);
    if (refusal === 'tags-too-long') {
      this.warn(`its tags have more than ${TAGS_LENGTH_MAX} characters; ${UNCACHED}`);
    }
    this.isSentWithTags = refusal === undefined;
    this.res.removeHeader(ELAPSED); // a writeHead that Node refused has left it
    const elapsedMs = performance.now() - this.startedMs;
    const headers = headersOf(answer, this, { refusal, elapsedMs });
    this.saidCacheControl = headers['Cache-Control'];
    return headers;
  }

  private answer(status: number): Answer {
    const own = [this.res.getHeader('cache-control') ?? []].flat().join(', ');
    return {
      method: this.req.method ?? 'GET',
      status,
      isAuthorized: this.req.headers.authorization !== undefined,
      setsCookie: this.res.hasHeader('set-cookie'),
      // a writeHead that Node refused has left what we said, which is not the handler's word
      cacheControl: own === '' || own === this.saidCacheControl ? undefined : own,
    };
  }

  /** Tags that the handler sent by itself count like the others. */
  private adoptTagHeader(): void {
    const own = this.res.getHeader('cache-tag');
    if (own === undefined) return;
    this.res.removeHeader('cache-tag');
    const { tags, refused } = tagsOf({ 'cache-tag': [own].flat().map(String) });
    this.addTags(...tags);
    for (const { why } of refused) this.refuseTag(why);
  }
}

function isBody(body: unknown): body is string | Uint8Array {
  return (typeof body === 'string' || body instanceof Uint8Array) && body.length > 0;
}

function encodingOf(encoding: unknown): BufferEncoding {
  return typeof encoding === 'string' && Buffer.isEncoding(encoding) ? encoding : 'utf8';
}
