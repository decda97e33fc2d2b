/** What is given up and sent back, through the built bundles and the built command line. */
import { DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { keyItem } from '../../aws/dynamo';
import { urlKey } from '../../core/keys';
import { parseUrl } from '../../core/urls';
import { CREDENTIALS, REGION } from '../../local/account';
import { built } from '../support/bundles';
import { run } from '../support/process';
import { type Site, startSite } from '../support/site';
import { until } from '../support/until';

const PAGE = '/posts/41';
let site: Site;
let dynamo: DynamoDBClient;

beforeAll(async () => {
  site = await startSite({ visibilitySeconds: 2, warmDeadlineMs: 20_000 });
  const endpoint = site.edge.dynamoDbEndpoint;
  dynamo = new DynamoDBClient({ endpoint, region: REGION, credentials: CREDENTIALS });
});
afterAll(async () => {
  dynamo?.destroy();
  await site?.close();
});

const isr = (...args: string[]) =>
  run(built('bin/isr.js'), args, { ISR_ENDPOINT: site.edge.apiUrl });

/** Which variants of the page were seen; the warmer cannot read what is no JSON. */
async function noteVariants(...ids: string[]) {
  const M = Object.fromEntries(ids.map((id) => [id, { N: '9999999999' }]));
  await dynamo.send(
    new UpdateItemCommand({
      TableName: site.edge.table,
      Key: keyItem(urlKey(parseUrl(PAGE))),
      UpdateExpression: 'SET variants = :variants',
      ConditionExpression: 'attribute_exists(variants)',
      ExpressionAttributeValues: { ':variants': { M } },
    }),
  );
}

it('a warm that was given up five times says why, and makes its job fresh when it is sent back', async () => {
  await until(
    async () => (await fetch(site.edge.url + PAGE)).headers.has('age') || undefined,
    'the page is cached',
  );
  await noteVariants('{broken');
  const given = await site.revalidated({ urls: [PAGE] });
  expect(given).toMatchObject({ state: 'failed', failed: 1 });

  const letter = await until(async () => {
    const { messages } = JSON.parse((await isr('jobs', '--dlq', '--json')).out);
    return messages.find(({ queue }: { queue: string }) => queue === 'warm-dead-letter');
  }, 'the warm is in the dead-letter queue');
  expect(letter).toMatchObject({ jobs: [given.id], error: expect.stringMatching(/JSON/) });

  await noteVariants();
  expect(await isr('redrive', given.id)).toMatchObject({ code: 0, err: '' });
  const fresh = await until(async () => {
    const job = await site.client.job(given.id);
    return job.state === 'fresh' ? job : undefined;
  }, 'its job is fresh');
  expect(fresh).toMatchObject({ warmed: 1, failed: 0, problems: [] });
}, 120_000);
