/**
 * Core's ports as the recorder has them: its table over signed requests, with the rights of its role.
 * @module
 */
import type { RecorderConfig } from '../core/config';
import type { Count } from '../core/metrics';
import { systemClock as clock } from './clock';
import { dynamoOverHttp } from './dynamo-signed';
import { count } from './metrics';
import { dynamoRecorderGraph } from './recorder-graph';
import { credentialsFrom } from './sigv4';
import { inSite } from './site-keys';

export function recorderPorts(config: RecorderConfig) {
  const { table, site, region, endpoint, deadlineMs: timeoutMs } = config;
  const credentials = () => credentialsFrom(process.env);
  const call = dynamoOverHttp({ region, endpoint, credentials, timeoutMs, now: clock.now });
  const told: Count = (counts, about) => count(site ?? table, counts, about);
  return { graph: dynamoRecorderGraph(inSite(call, site), table), clock, count: told };
}
