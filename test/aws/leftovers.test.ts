/** What `isr cleanup` reads by requests of its own, beside the SDK's reading of the very same answers over HTTP. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CloudFrontClient, ListDistributionsCommand } from '@aws-sdk/client-cloudfront';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isReplicated, listUses, removeFunction } from '../../aws/leftovers';
import { AwsRefusal, signedApi } from '../../aws/signed-api';
import { CREDENTIALS, REGION } from '../../local/account';

const arn = (version: number) =>
  `arn:aws:lambda:us-east-1:123456789012:function:Edge-Recorder:${version}`;
const behavior = (...arns: string[]) => `
  <TargetOriginId>o</TargetOriginId><ViewerProtocolPolicy>allow-all</ViewerProtocolPolicy>
  <LambdaFunctionAssociations><Quantity>${arns.length}</Quantity><Items>${arns
    .map(
      (it) => `<LambdaFunctionAssociation><LambdaFunctionARN>${it}</LambdaFunctionARN>
      <EventType>origin-response</EventType></LambdaFunctionAssociation>`,
    )
    .join('')}</Items></LambdaFunctionAssociations>`;
const page = (id: string, defaults: string, others: readonly string[], next?: string) =>
  `<?xml version="1.0"?><DistributionList xmlns="http://cloudfront.amazonaws.com/doc/2020-05-31/">
  <Marker></Marker>${next ? `<NextMarker>${next}</NextMarker>` : ''}<MaxItems>1</MaxItems>
  <IsTruncated>${next !== undefined}</IsTruncated><Quantity>1</Quantity><Items><DistributionSummary><Id>${id}</Id>
  <DefaultCacheBehavior>${defaults}</DefaultCacheBehavior><CacheBehaviors><Quantity>${others.length}</Quantity>
  <Items>${others.map((it) => `<CacheBehavior><PathPattern>/a*</PathPattern>${it}</CacheBehavior>`).join('')}</Items>
  </CacheBehaviors></DistributionSummary></Items></DistributionList>`;
const none = '<LambdaFunctionAssociations><Quantity>0</Quantity></LambdaFunctionAssociations>';

let answers: (path: string) => readonly [status: number, body: string];
let asked: string[];
let server: Server;
let endpoint: string;

beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    const [status, body] = answers(request.url ?? '');
    response.writeHead(status).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server.close());

const api = () => {
  asked = [];
  return signedApi({ credentials: async () => CREDENTIALS, endpoint });
};

describe('the distributions that use a function', () => {
  beforeAll(() => {
    answers = (path) => [
      200,
      path.includes('Marker=E1')
        ? page('E2', none, [])
        : page('E1', behavior(arn(3)), [behavior(), behavior(arn(4), arn(5))], 'E1'),
    ];
  });

  it('are those that the SDK reads, on every page and in every behaviour', async () => {
    const client = new CloudFrontClient({ endpoint, region: REGION, credentials: CREDENTIALS });
    asked = [];
    const bySdk = new Map<string, string>();
    for (let Marker: string | undefined; ; ) {
      const { DistributionList } = await client.send(new ListDistributionsCommand({ Marker }));
      for (const { Id = '', DefaultCacheBehavior, CacheBehaviors } of DistributionList?.Items ??
        []) {
        for (const it of [DefaultCacheBehavior, ...(CacheBehaviors?.Items ?? [])]) {
          for (const { LambdaFunctionARN = '' } of it?.LambdaFunctionAssociations?.Items ?? []) {
            bySdk.set(LambdaFunctionARN, Id);
          }
        }
      }
      Marker = DistributionList?.NextMarker;
      if (!Marker) break;
    }
    client.destroy();
    expect(bySdk).toEqual(new Map([3, 4, 5].map((version) => [arn(version), 'E1'])));
    expect(await listUses(api())).toEqual(bySdk);
    expect(asked).toHaveLength(2);
  });
});

describe('a function that is to be removed', () => {
  it('is tried again when Lambda is throttled, and not when it refuses', async () => {
    const refusals = [
      [429, '{"__type":"TooManyRequestsException"}'],
      [400, '{"__type":"InvalidParameterValueException","message":"it is a replicated function."}'],
    ] as const;
    let tries = 0;
    answers = () => refusals[tries++] ?? [500, ''];
    const removing = removeFunction(api(), { name: 'f', version: '3' });
    await expect(removing).rejects.toSatisfy(
      (thrown) => thrown instanceof AwsRefusal && isReplicated(thrown),
    );
    expect(asked).toEqual(Array(2).fill('DELETE /2015-03-31/functions/f?Qualifier=3'));
  });

  it('may have gone already', async () => {
    answers = () => [404, '{"__type":"ResourceNotFoundException","Message":"Function not found"}'];
    await removeFunction(api(), { name: 'f' });
    expect(asked).toEqual(['DELETE /2015-03-31/functions/f']);
  });
});
