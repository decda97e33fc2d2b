import { beforeAll, describe } from 'vitest';
import type { DynamoCall } from '../../aws/dynamo';
import { dynamoGraph } from '../../aws/graph';
import { dynamoJobs } from '../../aws/jobs';
import { dynamoLedger } from '../../aws/ledger';
import { dynamoPaces } from '../../aws/paces';
import { dynamoPurges } from '../../aws/purges';
import { dynamoRecords } from '../../aws/records';
import { graphContract } from '../contract/graph';
import { jobsContract } from '../contract/jobs';
import { ledgerContract } from '../contract/ledger';
import { pacesContract } from '../contract/paces';
import { purgesContract } from '../contract/purges';
import { recordsContract } from '../contract/records';
import { simulateDynamo } from './dynamo';
import { createWorld, type World } from './world';

/** A world that goes on as soon as somebody waits for it: the contracts know no simulated time. */
function ticking(): { world: World; call: DynamoCall } {
  const world = createWorld(1);
  const dynamo = simulateDynamo(world);
  const client = dynamo.client();
  let isRunning = false;
  const run = async () => {
    if (isRunning) return;
    isRunning = true;
    while (isRunning) {
      await world.run(world.now() + 100);
      await new Promise((resolve) => setImmediate(resolve));
      isRunning = waiting > 0;
    }
  };
  let waiting = 0;
  const call: DynamoCall = async (operation, input) => {
    waiting += 1;
    try {
      const answer = client(operation, input);
      void run();
      return await answer;
    } finally {
      waiting -= 1;
    }
  };
  return { world, call };
}

describe("the simulation's DynamoDB keeps what the real one promises", () => {
  let call: DynamoCall;
  beforeAll(() => {
    ({ call } = ticking());
  });
  graphContract(() => dynamoGraph(call, 'graph'));
  jobsContract(() => dynamoJobs(call, 'graph', { now: Date.now }));
  purgesContract(() => dynamoPurges(call, 'graph', { now: Date.now }));
  ledgerContract((clock) => dynamoLedger(call, 'graph', clock));
  recordsContract(() => ({
    graph: dynamoGraph(call, 'graph'),
    records: dynamoRecords(call, 'graph'),
  }));
  pacesContract(() => dynamoPaces(call, 'graph', { now: Date.now }));
});
