/** SQS batch of warm messages → fetches through the edge, verified, reported to their jobs. */
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { consume } from '../aws/consume';
import { parseWarmMessage } from '../aws/queue';
import { warmerPorts } from '../aws/worker-ports';
import { completeAll } from '../core/completion';
import { jobsConfig, warmerConfig } from '../core/config';
import { reasonOf } from '../core/errors';
import { doubt, lost, warm } from '../core/warmer';

const config = warmerConfig(process.env);
const ports = warmerPorts(config, jobsConfig(process.env));

export const handler = (event: SQSEvent): Promise<SQSBatchResponse> =>
  consume(event, {
    parse: ({ body }) => parseWarmMessage(body),
    work: async (messages) => {
      for (const message of messages) {
        await warm(message, config, ports);
        await completeAll(message.jobs, ports).catch(report); // who reads the jobs asks again
      }
    },
    later: ports.later,
    doubted: ({ message }) => doubt(message, ports),
    lost: async ({ message }, { error }) => message && lost(message, error, ports),
  });

function report(thrown: unknown): void {
  console.error(JSON.stringify({ error: reasonOf(thrown) }));
}
