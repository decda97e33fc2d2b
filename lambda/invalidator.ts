/** SQS batch of revalidations → epochs, purge, warms. What fails stays in the queue; nothing is acknowledged unseen. */
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { consume } from '../aws/consume';
import { jobIdOf, parseRevalidationMessage, requestedAtMsOf } from '../aws/revalidation-message';
import { invalidatorPorts } from '../aws/worker-ports';
import { invalidatorConfig } from '../core/config';
import { doubt, giveUp, invalidate } from '../core/invalidator';

const config = invalidatorConfig(process.env);
const ports = invalidatorPorts(config);

export const handler = (event: SQSEvent): Promise<SQSBatchResponse> =>
  consume(event, {
    parse: parseRevalidationMessage,
    work: async (batch) => {
      const outcome = await invalidate(batch, config, ports);
      if (outcome.kind === 'deferred') throw new Error(outcome.why);
    },
    later: ports.later,
    doubted: (message, error) => doubt(message, error, ports),
    lost: (record, error, isLast) => {
      const requestedAtMs = requestedAtMsOf(record);
      return giveUp(jobIdOf(record), { isLast, requestedAtMs, error }, ports);
    },
  });
