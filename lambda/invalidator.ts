/** SQS batch of revalidations → epochs, purge, warms. What fails stays in the queue; nothing is acknowledged unseen. */
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { consume } from '../aws/consume';
import { parseRevalidationMessage, saidBy } from '../aws/revalidation-message';
import { invalidatorPorts } from '../aws/worker-ports';
import { invalidatorConfig } from '../core/config';
import { invalidate } from '../core/invalidator';
import { doubt, lost } from '../core/lost';

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
    doubted: ({ record, message }) => doubt(saidBy(record, message), ports),
    lost: ({ record, message }, loss) => lost(saidBy(record, message), loss, ports),
  });
