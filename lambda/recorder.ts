/** Lambda@Edge, origin-response: parse the event, let core rule, shape the answer. It never throws. */
import type { CloudFrontResponseEvent, CloudFrontResponseResult } from 'aws-lambda';
import { systemClock as clock } from '../aws/clock';
import { dynamoOverHttp } from '../aws/dynamo-signed';
import { configTextOf, pageOf, withRuling } from '../aws/edge-event';
import { count } from '../aws/metrics';
import { dynamoRecorderGraph } from '../aws/recorder-graph';
import { credentialsFrom } from '../aws/sigv4';
import { parseRecorderConfig, type RecorderConfig } from '../core/config';
import { reasonOf } from '../core/errors';
import { metricsOf } from '../core/metrics';
import { record, refuseUnruled } from '../core/recorder';

let isCold = true;

export const handler = async (
  event: CloudFrontResponseEvent,
): Promise<CloudFrontResponseResult> => {
  const bootMs = isCold ? performance.now() : 0; // the response has waited since this process began
  isCold = false;
  const { cf } = event.Records[0] as CloudFrontResponseEvent['Records'][0];
  try {
    const config = parseRecorderConfig(configTextOf(cf));
    const page = pageOf(cf);
    const ruling = await record(page, config, { graph: graphOf(config), clock, bootMs });
    count(config.table, metricsOf(ruling), { url: page.url, reason: ruling.reason });
    return withRuling(cf, ruling);
  } catch (thrown) {
    console.error(JSON.stringify({ error: reasonOf(thrown), uri: cf.request.uri }));
    return withRuling(cf, refuseUnruled());
  }
};

function graphOf({ table, region, endpoint, deadlineMs: timeoutMs }: RecorderConfig) {
  const credentials = () => credentialsFrom(process.env);
  return dynamoRecorderGraph(
    dynamoOverHttp({ region, endpoint, credentials, timeoutMs, now: clock.now }),
    table,
  );
}
