/** Lambda@Edge, origin-response: parse the event, let core rule, shape the answer. It never throws. */
import type { CloudFrontResponseEvent, CloudFrontResponseResult } from 'aws-lambda';
import { configTextOf, pageOf, withRuling } from '../aws/edge-event';
import { recorderPorts } from '../aws/edge-ports';
import { parseRecorderConfig } from '../core/config';
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
    const ports = recorderPorts(config);
    const ruling = await record(page, config, { ...ports, bootMs });
    ports.count(metricsOf(ruling), { url: page.url, reason: ruling.reason });
    return withRuling(cf, ruling);
  } catch (thrown) {
    console.error(JSON.stringify({ error: reasonOf(thrown), uri: cf.request.uri }));
    return withRuling(cf, refuseUnruled());
  }
};
