import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { siteAt } from '../../aws/site';

/** A server that answers anything, and keeps the bytes that it was sent. */
async function listener() {
  const targets: string[] = [];
  const server = createServer((socket) => {
    socket.on('data', (data) => {
      targets.push(data.toString('latin1').split(' ')[1] ?? '');
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { targets, site: siteAt(`http://127.0.0.1:${port}`, { now: () => 0 }) };
}

describe('the warmer asks for the very bytes that a viewer asked for', () => {
  it.each([
    ['//a/../b?u=[1]&v=%5b|^"', '//a/../b?u=[1]&v=%5b|^"'],
    ['/caf\u00e9?q=\u65e5', '/caf\xc3\xa9?q=\xe6\x97\xa5'], // raw, in UTF-8
    ['/caf%C3%A9', '/caf%C3%A9'],
    ['/%00#~*', '/%00#~*'],
  ])('%s', async (url, target) => {
    const { site, targets } = await listener();
    await site.fetch(url as never, 'job');
    expect(targets).toEqual([target]);
  });
});
