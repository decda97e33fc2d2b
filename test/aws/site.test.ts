import { createServer, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { isLoopback, isPublic } from '../../aws/private-addresses';
import { type SiteOptions, siteAt } from '../../aws/site';
import { encodeUrl, type Url } from '../../core/urls';

const usual = { 'accept-encoding': 'br,gzip' };
const NOW = Date.parse('2026-11-25T12:00:00Z');
const clock = { now: () => NOW };
const servers: Server[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

/** A site on this machine, and every request that reached it. */
async function served(answer: RequestListener, more: Partial<SiteOptions> = {}) {
  const requests: { url: string; headers: Record<string, unknown> }[] = [];
  const server = createServer((request, response) => {
    requests.push({ url: request.url ?? '', headers: request.headers });
    answer(request, response);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const options = { edgeUrl: `http://127.0.0.1:${port}`, edgeIsLocal: true, ...more };
  return { site: siteAt(options, clock), port, requests };
}

const url = (raw: string) => encodeUrl(raw);

describe('a fetch through the edge', () => {
  it('asks as a viewer of that variant does, and says for which job', async () => {
    const { site, requests } = await served((_, response) => response.end());
    await site.fetch(url('//a/../b?c=%20'), { ...usual, 'accept-language': 'de' }, 'job-1');
    await site.fetch(url('/plain'), {}, 'job-1');
    expect(requests.map((it) => it.url)).toEqual(['//a/../b?c=%20', '/plain']);
    expect(requests[0]?.headers).toMatchObject({
      'accept-encoding': 'gzip, deflate, br, zstd',
      'accept-language': 'de',
      'x-isr-warm': 'job-1',
    });
    expect(requests[1]?.headers).not.toHaveProperty('accept-encoding');
  });

  it.each([
    ['mobile', /iPhone/],
    ['tablet', /iPad/],
    ['smarttv', /SMART-TV/],
    ['desktop', /Windows NT/],
  ])(
    'of a %s variant shows such a user agent: CloudFront makes its headers of that',
    async (device, agent) => {
      const { site, requests } = await served((_, response) => response.end());
      const name = `cloudfront-is-${device}-viewer`;
      await site.fetch(url('/'), { [name]: 'true', 'cloudfront-viewer-country': 'DE' }, 'j');
      expect(requests[0]?.headers['user-agent']).toMatch(agent);
      expect(
        Object.keys(requests[0]?.headers ?? {}).filter((it) => it.startsWith('cloud')),
      ).toEqual([]);
    },
  );

  it('does not follow a redirect, wherever it leads', async () => {
    const { site, requests } = await served((_, response) => {
      response.writeHead(302, {
        location: 'http://169.254.169.254/latest/meta-data/',
        'x-isr-rendered-at': '5',
      });
      response.end();
    });
    expect(await site.fetch(url('/'), usual, 'j')).toEqual({ status: 302, renderedAtMs: 5 });
    expect(requests).toHaveLength(1);
  });

  it.each([
    ['7', 7_000],
    ['Wed, 25 Nov 2026 12:00:20 GMT', 20_000],
    ['Wed, 25 Nov 2026 11:00:00 GMT', 0],
    ['soon', undefined],
  ])('reads Retry-After: %s', async (value, retryAfterMs) => {
    const { site } = await served((_, response) => {
      response.writeHead(503, { 'retry-after': value });
      response.end();
    });
    expect((await site.fetch(url('/'), usual, 'j')).retryAfterMs).toBe(retryAfterMs);
  });

  it('leaves a body that is too long, and says so', async () => {
    const { site } = await served(
      (_, response) => {
        response.writeHead(200, { 'x-isr-rendered-at': '5' });
        const more = () => {
          while (!response.destroyed && response.write('x'.repeat(10_000)));
          response.once('drain', more);
        };
        more();
      },
      { bodyBytesMax: 100_000 },
    );
    expect(await site.fetch(url('/'), usual, 'j')).toEqual({
      status: 200,
      renderedAtMs: 5,
      isCut: true,
    });
  });

  it.each<[string, RequestListener]>([
    ['never answers', () => {}],
    ['never ends', (_, response) => response.writeHead(200).write('a')],
  ])('of a site that %s fails in time, and says so', async (_, answer) => {
    const { site } = await served(answer, { timeoutMs: 50 });
    await expect(site.fetch(url('/'), usual, 'j')).rejects.toThrow('no whole answer within 50 ms');
  });

  it('takes a path and nothing else', async () => {
    const { site, requests } = await served((_, response) => response.end());
    for (const other of ['http://169.254.169.254/', 'example.org:80', '@elsewhere', '']) {
      await expect(site.fetch(other as Url, usual, 'j')).rejects.toThrow('is no path of this site');
    }
    await expect(site.fetch('/a\r\nhost: b' as Url, usual, 'j')).rejects.toThrow();
    expect(requests).toEqual([]);
  });
});

describe('an address that is not on the internet', () => {
  it.each([
    ['loopback', '127.0.0.1'],
    ['loopback', '127.9.9.9'],
    ['loopback', '::1'],
    ['the metadata service', '169.254.169.254'],
    ['the metadata service', 'fd00:ec2::254'],
    ['RFC 1918', '10.1.2.3'],
    ['RFC 1918', '172.31.255.255'],
    ['RFC 1918', '192.168.0.1'],
    ['link-local', 'fe80::1'],
    ['unique local', 'fc00::1'],
    ['a private one within IPv6', '::ffff:10.0.0.1'],
    ['a private one within IPv6', '::ffff:7f00:1'],
    ['unspecified', '0.0.0.0'],
    ['unspecified', '::'],
  ])('is never dialled: %s, %s', async (_, address) => {
    expect(isPublic(address)).toBe(false);
    const family = address.includes(':') ? 6 : 4;
    const named = siteAt(
      {
        edgeUrl: 'https://d111111abcdef8.cloudfront.net',
        edgeIsLocal: false,
        resolve: (__, told) =>
          told(null, [
            { address: '13.32.0.1', family: 4 },
            { address, family },
          ]),
      },
      clock,
    );
    await expect(named.fetch(url('/'), usual, 'j')).rejects.toThrow(
      `d111111abcdef8.cloudfront.net resolves to ${address}, which the warmer does not dial`,
    );
    const literal = family === 6 ? `[${address}]` : address;
    const options = { edgeUrl: `https://${literal}`, edgeIsLocal: false };
    expect(() => siteAt(options, clock)).toThrow(/which the warmer does not dial/);
  });

  it.each(['13.32.0.1', '2600:9000:5300::1', '::ffff:13.32.0.1'])('%s is', (address) => {
    expect([isPublic(address), isLoopback(address)]).toEqual([true, false]);
  });

  it.each([
    ['0.0.0.0/8', '0.0.0.0', '0.255.255.255'],
    ['10.0.0.0/8', '10.0.0.0', '10.255.255.255'],
    ['100.64.0.0/10', '100.64.0.0', '100.127.255.255'],
    ['127.0.0.0/8', '127.0.0.0', '127.255.255.255'],
    ['169.254.0.0/16', '169.254.0.0', '169.254.255.255'],
    ['172.16.0.0/12', '172.16.0.0', '172.31.255.255'],
    ['192.0.0.0/24', '192.0.0.0', '192.0.0.255'],
    ['192.0.2.0/24', '192.0.2.0', '192.0.2.255'],
    ['192.88.99.0/24', '192.88.99.0', '192.88.99.255'],
    ['192.168.0.0/16', '192.168.0.0', '192.168.255.255'],
    ['198.18.0.0/15', '198.18.0.0', '198.19.255.255'],
    ['198.51.100.0/24', '198.51.100.0', '198.51.100.255'],
    ['203.0.113.0/24', '203.0.113.0', '203.0.113.255'],
    ['224.0.0.0/3', '224.0.0.0', '255.255.255.255'],
    ['::/96', '::', '::ffff:ffff'],
    ['::ffff:0:0:0/96', '::ffff:0:0:0', '::ffff:0:13.32.0.1'],
    ['64:ff9b::/96', '64:ff9b::10.0.0.1', '64:ff9b::13.32.0.1'],
    ['64:ff9b:1::/48', '64:ff9b:1::', '64:ff9b:1:ffff:ffff:ffff:ffff:ffff'],
    ['100::/64', '100::', '100::ffff:ffff:ffff:ffff'],
    ['100:0:0:1::/64', '100:0:0:1::', '100:0:0:1:ffff:ffff:ffff:ffff'],
    ['2001::/32 (Teredo)', '2001::', '2001:0:ffff:ffff:ffff:ffff:ffff:ffff'],
    ['2001::/23', '2001:2::1', '2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff'],
    ['2001:db8::/32', '2001:db8::', '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff'],
    ['2002::/16', '2002::', '2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
    ['3fff::/20', '3fff::', '3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff'],
    ['5f00::/16', '5f00::', '5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
    ['fc00::/7', 'fc00::', 'fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
    ['fe80::/10', 'fe80::', 'febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
    ['fec0::/10', 'fec0::', 'feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
    ['ff00::/8', 'ff00::', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
    ['a zone', 'fe80::1%eth0', '2600:9000:5300::1%1'],
  ])('is in the registry, from end to end: %s', (_, ...ends) => {
    expect(ends.filter(isPublic)).toEqual([]);
  });

  it.each([
    '1.0.0.0',
    '9.255.255.255',
    '100.63.255.255',
    '192.0.1.255',
    '198.20.0.0',
    '223.255.255.255',
    '2001:200::',
    '2003::',
    '2620:4f:8000::1',
    '3ffe:ffff::',
  ])('has neighbours that are: %s', (address) => {
    expect(isPublic(address)).toBe(true);
  });

  it('is found out when it is dialled, not when it was looked up before', async () => {
    const { port, requests } = await served((_, response) => {
      response.writeHead(200, { connection: 'close' });
      response.end();
    });
    const answers = ['127.0.0.1', '10.0.0.1'];
    const rebinding = siteAt(
      {
        edgeUrl: `http://rebinding.example:${port}`,
        edgeIsLocal: true,
        resolve: (_, told) => told(null, [{ address: answers.shift() ?? '', family: 4 }]),
      },
      clock,
    );
    expect((await rebinding.fetch(url('/1'), usual, 'j')).status).toBe(200);
    await expect(rebinding.fetch(url('/2'), usual, 'j')).rejects.toThrow(
      'rebinding.example resolves to 10.0.0.1',
    );
    expect(requests).toHaveLength(1);
  });

  it('is the only one for the edge of isr dev: loopback', () => {
    const options = { edgeUrl: 'http://10.0.0.1', edgeIsLocal: true };
    expect(() => siteAt(options, clock)).toThrow('10.0.0.1, which the warmer does not dial');
    expect(() => siteAt({ ...options, edgeUrl: 'http://8.8.8.8' }, clock)).toThrow('8.8.8.8');
  });
});

/** A server that answers anything, and keeps the bytes that it was sent. */
async function listener() {
  const targets: string[] = [];
  const server = createTcpServer((socket) => {
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
  return {
    targets,
    site: siteAt({ edgeUrl: `http://127.0.0.1:${port}`, edgeIsLocal: true }, clock),
  };
}

describe('the warmer asks for the very bytes that a viewer asked for', () => {
  it.each([
    ['//a/../b?u=[1]&v=%5b|^"', '//a/../b?u=[1]&v=%5b|^"'],
    ['/caf\u00e9?q=\u65e5', '/caf\xc3\xa9?q=\xe6\x97\xa5'], // raw, in UTF-8
    ['/caf%C3%A9', '/caf%C3%A9'],
    ['/%00#~*', '/%00#~*'],
  ])('%s', async (url, target) => {
    const { site, targets } = await listener();
    await site.fetch(url as never, usual, 'job');
    expect(targets).toEqual([target]);
  });
});
