import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  CloudFrontClient,
  CloudFrontServiceException,
  CreateInvalidationCommand,
  GetInvalidationCommand,
  ListInvalidationsCommand,
} from '@aws-sdk/client-cloudfront';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createControl } from '../../../local/cloudfront/control';
import { until } from '../../conformance/stage';

const DistributionId = 'E1LOCAL';

async function controlled({ delayMs = 0 } = {}) {
  const purged: string[] = [];
  let nowMs = Date.UTC(2026, 0, 1);
  const control = createControl({
    distributionId: DistributionId,
    invalidate: (items) => purged.push(...items),
    delayMs,
    now: () => nowMs++,
  });
  const server = createServer(control.listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = new CloudFrontClient({
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  onTestFinished(() => {
    control.close();
    client.destroy();
    server.closeAllConnections();
    server.close();
  });
  const create = (CallerReference: string, Items: string[], Quantity = Items.length) =>
    client.send(
      new CreateInvalidationCommand({
        DistributionId,
        InvalidationBatch: { CallerReference, Paths: { Quantity, Items } },
      }),
    );
  const list = (page: { Marker?: string; MaxItems?: number } = {}) =>
    client.send(new ListInvalidationsCommand({ DistributionId, ...page }));
  const get = (Id: string) => client.send(new GetInvalidationCommand({ DistributionId, Id }));
  const raw = (method: string, path: string, body?: string) =>
    fetch(endpoint + path, { method, ...(body === undefined ? {} : { body }) });
  return { client, purged, create, list, get, raw, close: control.close };
}

/** The SDK's own error, by its name and status. */
async function refusal(sent: Promise<unknown>): Promise<[string, number | undefined]> {
  const thrown = await sent.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(thrown).toBeInstanceOf(CloudFrontServiceException);
  const { name, $metadata } = thrown as CloudFrontServiceException;
  return [name, $metadata.httpStatusCode];
}

describe('CFAPI/API_CreateInvalidation, as @aws-sdk/client-cloudfront sees it', () => {
  it('answers 201 with a Location and the invalidation, in progress', async () => {
    const { create, purged } = await controlled();
    const { $metadata, Location, Invalidation } = await create('r1', ['/a', '#post:42']);
    expect($metadata.httpStatusCode).toBe(201);
    expect(Invalidation).toEqual({
      Id: expect.stringMatching(/^I[\dA-Z]+$/),
      Status: 'InProgress',
      CreateTime: new Date(Date.UTC(2026, 0, 1)),
      InvalidationBatch: {
        CallerReference: 'r1',
        Paths: { Quantity: 2, Items: ['/a', '#post:42'] },
      },
    });
    expect(Location).toBe(
      `https://cloudfront.amazonaws.com/2020-05-31/distribution/E1LOCAL/invalidation/${Invalidation?.Id}`,
    );
    expect(purged).toEqual(['/a', '#post:42']);
  });

  it('carries every character that an item may hold', async () => {
    const { create, purged, get } = await controlled();
    const items = ['/a?b=1&c=%3C', "/it's", '#a&b<c>"d"', '/007', '/1e3'];
    const { Invalidation } = await create('r&<1>', items);
    expect(purged).toEqual(items);
    const again = await get(Invalidation?.Id ?? '');
    expect(again.Invalidation?.InvalidationBatch).toEqual({
      CallerReference: 'r&<1>',
      Paths: { Quantity: 5, Items: items },
    });
  });

  it('with the same reference and items gives back the first, and purges nothing', async () => {
    const { create, purged, list } = await controlled();
    const first = await create('r1', ['/a', '/b']);
    const again = await create('r1', ['/b', '/a']);
    expect(again.Invalidation?.Id).toBe(first.Invalidation?.Id);
    expect(again.$metadata.httpStatusCode).toBe(201);
    expect(purged).toEqual(['/a', '/b']);
    expect((await list()).InvalidationList?.Quantity).toBe(1);
  });

  it('with the same reference and other items is refused', async () => {
    const { create, purged } = await controlled();
    await create('r1', ['/a']);
    expect(await refusal(create('r1', ['/b']))).toEqual(['InvalidationBatchAlreadyExists', 400]);
    expect(purged).toEqual(['/a']);
  });

  it.each([
    ['a'],
    [''],
    ['https://example.com/a'],
    ['/a b'],
    ['/\u00e4'],
    ['#'],
    ['#a,b'],
    [`#${'a'.repeat(257)}`],
    [`/${'a'.repeat(4_000)}`],
  ])('refuses the item %j', async (item) => {
    const { create, purged } = await controlled();
    expect(await refusal(create('r1', ['/ok', item]))).toEqual(['InvalidArgument', 400]);
    expect(purged).toEqual([]);
  });

  it('refuses a quantity that is not the number of items', async () => {
    const { create } = await controlled();
    expect(await refusal(create('r1', ['/a'], 2))).toEqual(['InconsistentQuantities', 400]);
  });

  it('refuses no items, and more than 3,000', async () => {
    const { create } = await controlled();
    expect(await refusal(create('r1', []))).toEqual(['InvalidArgument', 400]);
    const many = Array.from({ length: 3_001 }, (_, i) => `/${i}`);
    expect(await refusal(create('r2', many))).toEqual(['BatchTooLarge', 413]);
  });

  it('refuses another distribution', async () => {
    const { client } = await controlled();
    const command = new CreateInvalidationCommand({
      DistributionId: 'E2OTHER',
      InvalidationBatch: { CallerReference: 'r1', Paths: { Quantity: 1, Items: ['/a'] } },
    });
    expect(await refusal(client.send(command))).toEqual(['NoSuchDistribution', 404]);
  });

  it.each([
    ['', 'MissingBody'],
    ['no xml', 'MalformedInput'],
    ['<InvalidationBatch><Paths>', 'MalformedInput'],
    ['<Other/>', 'MalformedInput'],
    [
      '<InvalidationBatch><Paths><Quantity>1</Quantity><Items><Path>/a</Path></Items></Paths></InvalidationBatch>',
      'InvalidArgument',
    ],
    [
      '<InvalidationBatch><Paths><Quantity>a</Quantity></Paths><CallerReference>r</CallerReference></InvalidationBatch>',
      'MalformedInput',
    ],
  ])('answers the body %j with %s, in the documented shape', async (body, code) => {
    const { raw } = await controlled();
    const reply = await raw('POST', '/2020-05-31/distribution/E1LOCAL/invalidation', body);
    const xml = await reply.text();
    expect([reply.status, reply.headers.get('content-type')]).toEqual([400, 'text/xml']);
    expect(xml).toMatch(
      /<ErrorResponse xmlns="[^"]+"><Error><Type>Sender<\/Type><Code>\w+<\/Code><Message>[^<]+<\/Message><\/Error><RequestId>[\da-f-]+<\/RequestId><\/ErrorResponse>$/,
    );
    expect(xml).toContain(`<Code>${code}</Code>`);
  });
});

describe('CFAPI/API_GetInvalidation', () => {
  it('says Completed once it has taken effect', async () => {
    const { create, get, purged } = await controlled({ delayMs: 30 });
    const { Invalidation } = await create('r1', ['/a']);
    const id = Invalidation?.Id ?? '';
    expect((await get(id)).Invalidation?.Status).toBe('InProgress');
    expect(purged).toEqual([]);
    await until(() => purged.length > 0);
    expect((await get(id)).Invalidation?.Status).toBe('Completed');
  });

  it('says so at once without a delay', async () => {
    const { create, get } = await controlled();
    const { Invalidation } = await create('r1', ['/a']);
    expect((await get(Invalidation?.Id ?? '')).Invalidation?.Status).toBe('Completed');
  });

  it('knows no other', async () => {
    const { get } = await controlled();
    expect(await refusal(get('INONE'))).toEqual(['NoSuchInvalidation', 404]);
  });
});

describe('CFAPI/API_ListInvalidations', () => {
  it('lists the newest first, page by page', async () => {
    const { create, list } = await controlled();
    const ids: (string | undefined)[] = [];
    for (const reference of ['r1', 'r2', 'r3', 'r4', 'r5']) {
      ids.unshift((await create(reference, ['/a'])).Invalidation?.Id);
    }
    const seen: (string | undefined)[] = [];
    let marker = '';
    do {
      const { InvalidationList: page } = await list({
        MaxItems: 2,
        ...(marker ? { Marker: marker } : {}),
      });
      seen.push(...(page?.Items ?? []).map(({ Id }) => Id));
      expect(page?.IsTruncated).toBe(page?.NextMarker !== undefined);
      expect(page).toMatchObject({ Marker: marker, MaxItems: 2 });
      marker = page?.NextMarker ?? '';
    } while (marker !== '');
    expect(seen).toEqual(ids);
  });

  it('summarises each', async () => {
    const { create, list } = await controlled();
    const { Invalidation } = await create('r1', ['/a']);
    expect((await list()).InvalidationList?.Items).toEqual([
      { Id: Invalidation?.Id, Status: 'Completed', CreateTime: Invalidation?.CreateTime },
    ]);
  });

  it('is empty at first', async () => {
    const { list } = await controlled();
    expect((await list()).InvalidationList).toMatchObject({
      Quantity: 0,
      IsTruncated: false,
      MaxItems: 100,
    });
  });

  it('refuses a marker or a page size that is none', async () => {
    const { list, raw } = await controlled();
    expect(await refusal(list({ Marker: 'INONE' }))).toEqual(['InvalidArgument', 400]);
    const reply = await raw('GET', '/2020-05-31/distribution/E1LOCAL/invalidation?MaxItems=few');
    expect([reply.status, await reply.text()]).toEqual([400, expect.stringContaining('MaxItems')]);
  });
});

describe('a control API that closes', () => {
  it('leaves nothing behind that would still take effect', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => {
      vi.useRealTimers();
    });
    const { raw, close, purged } = await controlled({ delayMs: 1_000 });
    const batch = (item: string) =>
      `<InvalidationBatch><Paths><Quantity>1</Quantity><Items><Path>${item}</Path></Items></Paths><CallerReference>${item}</CallerReference></InvalidationBatch>`;
    const path = '/2020-05-31/distribution/E1LOCAL/invalidation';
    await raw('POST', path, batch('/in-time'));
    vi.advanceTimersByTime(1_000);
    await raw('POST', path, batch('/too-late'));
    close();
    vi.advanceTimersByTime(1_000);
    expect(purged).toEqual(['/in-time']);
  });
});

describe('the rest of the control API', () => {
  it.each([
    ['GET', '/2020-05-31/distribution', 404],
    ['GET', '/2014-11-06/distribution/E1LOCAL/invalidation', 404],
    ['DELETE', '/2020-05-31/distribution/E1LOCAL/invalidation', 405],
  ])('%s %s is %d', async (method, path, status) => {
    const { raw } = await controlled();
    expect((await raw(method, path)).status).toBe(status);
  });
});
