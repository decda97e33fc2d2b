/**
 * A small blog behind edge-isr: every page says what it depends on, every save says what has changed.
 *
 *     page             depends on                                    a save changes
 *     /                posts, each post, each category it names      the post;
 *     /posts/42        post:42, category:7                           when it moved, both categories too;
 *     /categories/7    category:7, each post in it                   when it is new, posts and its category too
 *     /posts/99        post:99, although there is none: a 404 is a page like others
 *
 * It has no users and no passwords, so it listens on this machine only.
 * @module
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import express, { type ErrorRequestHandler, type RequestHandler, type Response } from 'express';
import { isr } from '../../origin/express';
import { announcer } from './announce';
import { forms } from './forms';
import { pages } from './pages';
import { openStore } from './store';
import { failedView, layout, missingView, type View } from './views';

export interface BlogOptions {
  /** 0 takes a free one. */
  readonly port: number;
  /** The revalidate API. @default - nobody is told of a save */
  readonly isrEndpoint?: string;
  /** JSON file that keeps the posts. @default - they are kept in memory */
  readonly dataFile?: string;
  /** How long the render of a page takes after its data was read, ms. @default 0 */
  readonly renderMs?: number;
}

export interface Blog {
  readonly url: string;
  /** How many pages were rendered so far; forms do not count. */
  renders(): number;
  close(): Promise<void>;
}

/** Sends a view as a response; the status is 200 unless said otherwise. */
export type Send = (res: Response, view: View, status?: number) => Promise<void>;

/** How long a path that leads nowhere may be kept: no tag would purge it after a deployment. */
const UNKNOWN_PATH_SECONDS = 60;

/** @throws Error when the port is taken, or the file holds no blog */
export async function startBlog(options: BlogOptions): Promise<Blog> {
  const store = await openStore(options.dataFile);
  let renders = 0;

  const sendPage: Send = async (res, view, status = 200) => {
    const stamp = { renderedAt: new Date(), render: ++renders };
    if (options.renderMs) await sleep(options.renderMs);
    res.status(status).send(layout(view, stamp));
  };
  const sendForm: Send = async (res, view, status = 200) => {
    const stamp = { renderedAt: new Date(), render: renders };
    res.status(status).set('Cache-Control', 'no-store').send(layout(view, stamp));
  };

  const app = express();
  app.disable('x-powered-by');
  app.use(secure);
  app.use(pages(store, sendPage));
  app.use(forms(store, { announce: announcer(options.isrEndpoint), sendForm }));
  app.use(isr({ sMaxAge: UNKNOWN_PATH_SECONDS }), (_req, res) =>
    sendPage(res, missingView('such page'), 404),
  );
  app.use(failure(sendForm));
  return listen(app, options.port, () => renders);
}

/** No script ever runs here, and no other site may send the forms. */
const secure: RequestHandler = (req, res, next) => {
  res.set({
    'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'",
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
  });
  const isForeign = req.method === 'POST' && req.get('sec-fetch-site') === 'cross-site';
  next(
    isForeign ? Object.assign(new Error('Forms of this site only.'), { status: 403 }) : undefined,
  );
};

/** What a client did wrong it is told; what we did wrong only the log. */
function failure(send: Send): ErrorRequestHandler {
  return (error, _req, res, next) => {
    if (res.headersSent) return next(error);
    const isOurs = !(error.status >= 400 && error.status < 500);
    if (isOurs) console.error(error);
    return send(
      res,
      failedView(isOurs ? 'That did not work.' : error.message),
      isOurs ? 500 : error.status,
    );
  };
}

async function listen(app: express.Express, port: number, renders: () => number): Promise<Blog> {
  const server = createServer(app);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    renders,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
        server.closeAllConnections();
      }),
  };
}
