/**
 * The CloudFront Function on viewer-request, as CloudFront runs it: its own code, in a world of its own.
 *
 * What it may do here is what ours does: read the raw query, set the query, set headers (CFDG, functions-event-structure).
 * @module
 */
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { createContext, Script } from 'node:vm';
import { functionCode, type ViewerRules } from '../../core/viewer-rules';
import { builtPath } from '../built';

interface Request {
  readonly method: string;
  readonly uri: string;
  querystring: unknown;
  readonly headers: Record<string, { value: string }>;
  rawQueryString(): string | undefined;
}

type Handler = (event: { request: Request }) => Request;

/** @throws IsrError `config-invalid` when the package was not built */
export function viewerFunction(
  rules: ViewerRules,
): (viewer: IncomingMessage, url: string) => string {
  const built = readFileSync(builtPath('functions/viewer-request', '.js'), 'utf8');
  const handler = load(functionCode(built, rules));
  return (viewer, url) => {
    const at = url.indexOf('?');
    const path = at < 0 ? url : url.slice(0, at);
    const query = at < 0 ? undefined : url.slice(at + 1);
    const headers = Object.fromEntries(
      Object.entries(viewer.headers).map(([name, value]) => [name, { value: String(value) }]),
    );
    const method = viewer.method ?? 'GET';
    const request: Request = {
      method,
      uri: path,
      querystring: query,
      headers,
      rawQueryString: () => query,
    };
    const changed = handler({ request });
    for (const [name, { value }] of Object.entries(changed.headers)) {
      if (String(viewer.headers[name]) !== value) viewer.headers[name] = value;
    }
    return changed.querystring ? `${path}?${changed.querystring}` : path;
  };
}

function load(code: string): Handler {
  const world = createContext(Object.create(null));
  return new Script(`${code};handler`).runInContext(world);
}
