/**
 * DynamoDB as one method: `call('GetItem', { TableName, Key })`, in DynamoDB's own item shapes.
 *
 * Two transports implement it: the SDK client for the workers (dynamo-sdk.ts), a signed request for the edge
 * (dynamo-signed.ts), where an SDK client's 525 KB would be paid by every cold start. graph.ts and jobs.ts do not
 * know which they have.
 * @module
 */
import type {
  AttributeValue,
  BatchGetItemCommandInput,
  BatchGetItemCommandOutput,
  GetItemCommandInput,
  GetItemCommandOutput,
  QueryCommandInput,
  QueryCommandOutput,
  UpdateItemCommandInput,
  UpdateItemCommandOutput,
} from '@aws-sdk/client-dynamodb';
import { type Key, URL_PREFIX } from '../core/keys';
import type { Url } from '../core/urls';

/** Operation → [input, output]; an output's metadata is the transport's own affair. */
export interface Operations {
  BatchGetItem: [BatchGetItemCommandInput, Omit<BatchGetItemCommandOutput, '$metadata'>];
  GetItem: [GetItemCommandInput, Omit<GetItemCommandOutput, '$metadata'>];
  Query: [QueryCommandInput, Omit<QueryCommandOutput, '$metadata'>];
  UpdateItem: [UpdateItemCommandInput, Omit<UpdateItemCommandOutput, '$metadata'>];
}

export type Operation = keyof Operations;

/** @throws Error whose `name` is DynamoDB's own, as in `ConditionalCheckFailedException` */
export type DynamoCall = <O extends Operation>(
  operation: O,
  input: Operations[O][0],
) => Promise<Operations[O][1]>;

export type Item = Record<string, AttributeValue>;

export const keyItem = ({ pk, sk }: Key): Item => ({ pk: { S: pk }, sk: { S: sk } });
export const number = (value: number): AttributeValue => ({ N: String(value) });
export const string = (value: string): AttributeValue => ({ S: value });

export const numberOf = (value: AttributeValue | undefined): number | undefined =>
  value?.N === undefined ? undefined : Number(value.N);

/** Its names of "too much at once" for one partition, table or account (DDB, Programming.Errors). */
const THROTTLES = new Set([
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'ThrottlingException',
]);

export function isThrottled(thrown: unknown): boolean {
  return thrown instanceof Error && THROTTLES.has(thrown.name);
}

export interface Update {
  /** What follows SET. */
  readonly set: string;
  readonly when?: string | undefined;
  /** Names of its own, besides the common ones. */
  readonly names?: Readonly<Record<string, string>> | undefined;
  readonly values: Item;
  readonly returns?: 'ALL_NEW';
}

/** DynamoDB's reserved words among our attributes. */
const NAMES = { '#expires': 'expires', '#until': 'until', '#status': 'status', '#url': 'url' };

/** Sets attributes of one item of the table; conditions and names as in DynamoDB. */
export function updateOf(call: DynamoCall, table: string) {
  return (key: Key, { set, when, names, values, returns }: Update) =>
    call('UpdateItem', {
      TableName: table,
      Key: keyItem(key),
      UpdateExpression: `SET ${set}`,
      ConditionExpression: when,
      ExpressionAttributeNames: namesIn({ ...NAMES, ...names }, set, when),
      ExpressionAttributeValues: values,
      ReturnValues: returns,
    });
}

/** DynamoDB refuses names that an expression does not use. */
function namesIn(
  names: Readonly<Record<string, string>>,
  ...expressions: (string | undefined)[]
): Record<string, string> | undefined {
  const used = Object.entries(names).filter(([name]) =>
    expressions.some((it) => it?.includes(name)),
  );
  return used.length > 0 ? Object.fromEntries(used) : undefined;
}

export interface PartQuery {
  readonly pk: string;
  /** Of the sort key. */
  readonly prefix: string;
  /** The attribute, in seconds, until which an item counts. */
  readonly until: 'expires' | 'until';
  readonly nowSeconds: number;
}

/** One item by its key, strongly consistent. */
export async function readItem(
  call: DynamoCall,
  table: string,
  key: Key,
): Promise<Item | undefined> {
  const input = { TableName: table, Key: keyItem(key), ConsistentRead: true };
  return (await call('GetItem', input)).Item;
}

/** What stays unprocessed so often in a row is not answered. */
const BATCH_TRIES = 5;

/**
 * Items by their keys, at most 100, strongly consistent, for who may wait: what was not processed is asked for again.
 * @throws when some are not answered at all: unknown is not "none"
 */
export async function readBatch(
  call: DynamoCall,
  table: string,
  keys: readonly Key[],
): Promise<Item[]> {
  let Keys = keys.map(keyItem);
  const found: Item[] = [];
  for (let tries = 0; Keys.length > 0; tries += 1) {
    if (tries === BATCH_TRIES) throw new Error(`DynamoDB did not answer for ${Keys.length} items`);
    const { Responses, UnprocessedKeys } = await call('BatchGetItem', {
      RequestItems: { [table]: { Keys, ConsistentRead: true } },
    });
    found.push(...(Responses?.[table] ?? []));
    Keys = UnprocessedKeys?.[table]?.Keys ?? [];
  }
  return found;
}

/** Items of one partition that count at a moment, page by page, strongly consistent. */
export function queryOf(call: DynamoCall, table: string) {
  return async function* query(part: PartQuery): AsyncGenerator<readonly Item[]> {
    let from: Item | undefined;
    do {
      const { Items, LastEvaluatedKey } = await call('Query', {
        TableName: table,
        KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
        FilterExpression: '#until > :now',
        ExpressionAttributeNames: { '#until': part.until },
        ExpressionAttributeValues: {
          ':pk': string(part.pk),
          ':prefix': string(part.prefix),
          ':now': number(part.nowSeconds),
        },
        ConsistentRead: true,
        ExclusiveStartKey: from,
      });
      yield Items ?? [];
      from = LastEvaluatedKey;
    } while (from);
  };
}

/** The url of an edge or of a url's record: in its key, unless it is too long for one. */
export function urlIn(item: Item): Url {
  return (item.url?.S ?? item.sk?.S?.slice(URL_PREFIX.length) ?? '') as Url;
}

export function isConditionFailed(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.name === 'ConditionalCheckFailedException';
}

/** Runs a conditional write; undefined when its condition did not hold. */
export async function ifCondition<T>(write: Promise<T>): Promise<T | undefined> {
  try {
    return await write;
  } catch (thrown) {
    if (isConditionFailed(thrown)) return undefined;
    throw thrown;
  }
}
