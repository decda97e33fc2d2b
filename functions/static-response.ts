/**
 * CloudFront Function, viewer-response: files whose name changes with their content, browsers never ask for again.
 *
 * Not by a response headers policy: that would also stand on a 404, and a browser that came too early would keep it for
 * a year. CloudFront does not run the function for 400 and above (CFDG, edge-function-restrictions-all).
 * @module
 */
interface ViewerResponse {
  statusCode: number;
  headers: Record<string, { value: string }>;
}

const STATUSES = [200, 206, 304];

export function handler(event: { response: ViewerResponse }): ViewerResponse {
  const response = event.response;
  if (STATUSES.indexOf(response.statusCode) >= 0) {
    response.headers['cache-control'] = { value: 'public, max-age=31536000, immutable' };
  }
  return response;
}
