/**
 * Middleware for Express, Connect and node:http:
 *
 *     app.get('/posts/:id', isr({ tags: ['site'], sMaxAge: 300, swr: 3600 }), async (req, res) => {
 *       const post = await posts.get(req.params.id);
 *       res.isr.addTags(tag('post', post.id), tag('category', post.category));
 *       res.send(page(post));
 *     });
 *
 * Put it first in its route: the render is measured from here, and data read before would be older than the edge believes.
 * It knows what Express knows and needs none of it: the types are node:http's.
 * @module
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { parseTag } from '../core/tags';
import { formatLifetime } from './format';
import type { Lifetime } from './index';
import { attach, type Render, type Warn } from './node';

export { type Lifetime, type Tag, tag } from './index';
export { type Render, renderOf, type Warn } from './node';

declare global {
  namespace Express {
    interface Response {
      /** The page being rendered; only behind `isr(…)`. */
      isr: Render;
    }
  }
}

/** What a route of Express adds to a request of node:http. */
export interface RouteRequest extends IncomingMessage {
  readonly params: Readonly<Record<string, string>>;
}

export interface IsrOptions<Request extends IncomingMessage = RouteRequest> extends Lifetime {
  /**
   * What every page of this route depends on: a list, or what the request says of it. What is known only later is
   * added with `res.isr.addTags(…)`. Where the type of the request matters, name it: TypeScript cannot infer it from
   * the route (`(req: Request<{ id: string }>) => …`).
   * @default - nothing
   */
  readonly tags?: readonly string[] | ((req: Request) => readonly string[]);
  /**
   * Told in one sentence about a tag that CloudFront would not take, and about one that came after the headers.
   * @default - a Node.js warning (`process.on('warning')`), the first of each route
   */
  readonly onWarning?: Warn;
}

export type Middleware = (
  req: IncomingMessage,
  res: ServerResponse,
  next: (error?: unknown) => void,
) => void;

/**
 * Tells the edge about each page of a route: `Cache-Control`, `Cache-Tag`, `x-isr-elapsed`, and an ETag over body and
 * tags. A page that must not be cached (it sets a cookie, its request is authorized or no GET, its status is no page's,
 * its handler said `no-store`) gets none of them, and `Cache-Control: private, no-store` unless its handler said
 * something else. A `Cache-Control` that the handler set stays.
 *
 * @throws RangeError when a lifetime is no whole number of seconds: at once, not with the first request
 * @throws IsrError   `tag-invalid` when a listed tag is none: at once, too
 */
export function isr<Request extends IncomingMessage = RouteRequest>(
  options: IsrOptions<Request>,
): Middleware {
  const { tags = [], onWarning: warn = warnOnce(), sMaxAge, swr, sie } = options;
  const cacheControl = formatLifetime({ sMaxAge, swr, sie });
  if (typeof tags !== 'function') tags.forEach((raw, i) => void parseTag(raw, `tags[${i}]`));

  return (req, res, next) => {
    const render = attach(req, res, { cacheControl, warn });
    Object.assign(res, { isr: render });
    render.addTags(...(typeof tags === 'function' ? listed(tags(req as Request)) : tags));
    next();
  };
}

function listed(tags: readonly string[]): readonly string[] {
  if (Array.isArray(tags)) return tags;
  throw new TypeError('tags(req) gave no list: it takes a list of strings, not a promise of one');
}

/** A route that warns, warns with every page: once is enough to find it. */
function warnOnce(): Warn {
  let isTold = false;
  return (message) => {
    if (isTold) return;
    isTold = true;
    process.emitWarning(message, { type: 'IsrWarning', detail: 'Said once for each isr(…).' });
  };
}
