/**
 * Reads what core/leftovers.ts chooses from, and removes what it has chosen.
 *
 * ListDistributions tells of all distributions of the account, staging ones too; DescribeStacks of a stack by its ARN
 * for 90 days after its end, and then that there is none.
 * @module
 */
import { XMLParser } from 'fast-xml-parser';
import { STACK_TAG } from '../core/config';
import type { Account, LogGroup, RecorderFunction, StackView } from '../core/leftovers';
import { AwsRefusal, type SignedApi } from './signed-api';

/** CFDG, lambda-at-edge-function-restrictions. */
const EDGE_REGION = 'us-east-1';
const DESCRIPTION = 'lambda/recorder.ts';
const LOG_GROUP_PREFIX = '/edge-isr/';
const LOG_GROUP = /^\/edge-isr\/[^/]+\/recorder$/;

/** Lambda@Edge logs where it ran; these regions every account has. */
export const LOG_REGIONS = [
  'us-east-1',
  'us-east-2',
  'us-west-1',
  'us-west-2',
  'ca-central-1',
  'sa-east-1',
  'eu-central-1',
  'eu-north-1',
  'eu-west-1',
  'eu-west-2',
  'eu-west-3',
  'ap-northeast-1',
  'ap-northeast-2',
  'ap-northeast-3',
  'ap-south-1',
  'ap-southeast-1',
  'ap-southeast-2',
] as const;

/** @param regions where logs are looked for @throws AwsRefusal */
export async function readAccount(api: SignedApi, regions: readonly string[]): Promise<Account> {
  const recorders: RecorderFunction[] = [];
  for (const { arn, ...it } of await listRecorders(api)) {
    const [versions, stack] = await Promise.all([listVersions(api, it.name), stackOf(api, arn)]);
    recorders.push({ ...it, versions, ...(stack && { stack }) });
  }
  const stacks = new Map<string, StackView>();
  for (const arn of new Set(recorders.flatMap(({ stack = [] }) => stack))) {
    const view = await viewStack(api, arn);
    if (view) stacks.set(arn, view);
  }
  const found = await Promise.all(regions.map((region) => listLogGroups(api, region)));
  return { recorders, usedBy: await listUses(api), stacks, logGroups: found.flat() };
}

/** All versions, or one. What is gone already is gone. @throws AwsRefusal */
export async function removeFunction(
  api: SignedApi,
  { name, version }: { name: string; version?: string },
): Promise<void> {
  const query = version === undefined ? '' : `?Qualifier=${version}`;
  const path = `/2015-03-31/functions/${encodeURIComponent(name)}${query}`;
  await gone(api({ service: 'lambda', region: EDGE_REGION, method: 'DELETE', path }));
}

/** @throws AwsRefusal */
export async function removeLogGroup(api: SignedApi, { region, name }: LogGroup): Promise<void> {
  await gone(logs(api, region, 'DeleteLogGroup', { logGroupName: name }));
}

/** CloudFront's replicas go some hours after the last distribution has let go of them. */
export function isReplicated(thrown: unknown): boolean {
  return thrown instanceof AwsRefusal && /replicated function/i.test(thrown.message);
}

async function gone(removing: Promise<unknown>): Promise<void> {
  try {
    await removing;
  } catch (thrown) {
    if (!(thrown instanceof AwsRefusal && thrown.code === 'ResourceNotFoundException'))
      throw thrown;
  }
}

type Listed = Pick<RecorderFunction, 'name' | 'logGroup'> & { readonly arn: string };

async function listRecorders(api: SignedApi): Promise<Listed[]> {
  const found: Listed[] = [];
  for (let marker = ''; ; ) {
    const page = await lambda(api, `/2015-03-31/functions/?MaxItems=50${marker}`);
    for (const it of page.Functions ?? []) {
      if (it.Description !== DESCRIPTION) continue;
      const { FunctionName: name, FunctionArn: arn, LoggingConfig } = it;
      const logGroup = LoggingConfig?.LogGroup;
      found.push({ name, arn, ...(logGroup && { logGroup }) });
    }
    if (!page.NextMarker) return found;
    marker = `&Marker=${encodeURIComponent(page.NextMarker)}`;
  }
}

async function listVersions(api: SignedApi, name: string): Promise<string[]> {
  const found: string[] = [];
  for (let marker = ''; ; ) {
    const path = `/2015-03-31/functions/${encodeURIComponent(name)}/versions?MaxItems=50${marker}`;
    const page = await lambda(api, path);
    for (const { Version } of page.Versions ?? []) if (Version !== '$LATEST') found.push(Version);
    if (!page.NextMarker) return found;
    marker = `&Marker=${encodeURIComponent(page.NextMarker)}`;
  }
}

async function stackOf(api: SignedApi, arn: string): Promise<string | undefined> {
  const { Tags } = await lambda(api, `/2017-03-31/tags/${encodeURIComponent(arn)}`);
  return Tags?.[STACK_TAG];
}

interface LambdaPage {
  readonly Functions?: {
    readonly FunctionName: string;
    readonly FunctionArn: string;
    readonly Description?: string;
    readonly LoggingConfig?: { readonly LogGroup?: string };
  }[];
  readonly Versions?: { Version: string }[];
  readonly Tags?: Record<string, string>;
  readonly NextMarker?: string | null;
}

async function lambda(api: SignedApi, path: string): Promise<LambdaPage> {
  return JSON.parse(await api({ service: 'lambda', region: EDGE_REGION, path }));
}

const LISTS = new Set([
  'DistributionSummary',
  'CacheBehavior',
  'LambdaFunctionAssociation',
  'member',
]);
const xml = new XMLParser({ isArray: (name) => LISTS.has(name), parseTagValue: false });

interface Behavior {
  readonly LambdaFunctionAssociations?: {
    readonly Items?: { readonly LambdaFunctionAssociation?: { LambdaFunctionARN: string }[] };
  };
}

interface DistributionPage {
  readonly DistributionList: {
    readonly NextMarker?: string;
    readonly Items?: {
      readonly DistributionSummary?: (Record<'Id', string> & {
        readonly DefaultCacheBehavior?: Behavior;
        readonly CacheBehaviors?: { readonly Items?: { readonly CacheBehavior?: Behavior[] } };
      })[];
    };
  };
}

/** ARN of a version → id of a distribution that uses it. @throws AwsRefusal */
export async function listUses(api: SignedApi): Promise<Map<string, string>> {
  const uses = new Map<string, string>();
  for (let marker = ''; ; ) {
    const text = await api({
      service: 'cloudfront',
      region: EDGE_REGION,
      host: 'cloudfront.amazonaws.com',
      path: `/2020-05-31/distribution?MaxItems=100${marker}`,
    });
    const { DistributionList: page }: DistributionPage = xml.parse(text);
    for (const it of page.Items?.DistributionSummary ?? []) {
      const others = it.CacheBehaviors?.Items?.CacheBehavior ?? [];
      for (const { LambdaFunctionAssociations } of [it.DefaultCacheBehavior ?? {}, ...others]) {
        const associations = LambdaFunctionAssociations?.Items?.LambdaFunctionAssociation ?? [];
        for (const { LambdaFunctionARN } of associations) uses.set(LambdaFunctionARN, it.Id);
      }
    }
    if (!page.NextMarker) return uses;
    marker = `&Marker=${encodeURIComponent(page.NextMarker)}`;
  }
}

/** Undefined when it has been deleted. */
async function viewStack(api: SignedApi, arn: string): Promise<StackView | undefined> {
  const status = await statusOf(api, arn);
  if (status === undefined || status === 'DELETE_COMPLETE') return undefined;
  const physicalIds = new Set<string>();
  for (let token = ''; ; ) {
    const fields = { StackName: arn, ...(token && { NextToken: token }) };
    const { ListStackResourcesResult: page } = xml.parse(
      await cloudFormation(api, 'ListStackResources', fields),
    ).ListStackResourcesResponse;
    for (const { PhysicalResourceId } of page.StackResourceSummaries?.member ?? []) {
      if (PhysicalResourceId) physicalIds.add(PhysicalResourceId);
    }
    if (!page.NextToken) return { status, physicalIds };
    token = page.NextToken;
  }
}

async function statusOf(api: SignedApi, arn: string): Promise<string | undefined> {
  try {
    const text = await cloudFormation(api, 'DescribeStacks', { StackName: arn });
    const { Stacks } = xml.parse(text).DescribeStacksResponse.DescribeStacksResult;
    return Stacks.member[0].StackStatus;
  } catch (thrown) {
    const isGone =
      thrown instanceof AwsRefusal &&
      thrown.code === 'ValidationError' &&
      /does not exist/.test(thrown.message);
    if (isGone) return undefined;
    throw thrown;
  }
}

function cloudFormation(api: SignedApi, Action: string, fields: Record<string, string>) {
  return api({
    service: 'cloudformation',
    region: EDGE_REGION,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ Action, Version: '2010-05-15', ...fields }).toString(),
  });
}

async function listLogGroups(api: SignedApi, region: string): Promise<LogGroup[]> {
  const found: LogGroup[] = [];
  for (let nextToken: string | undefined; ; ) {
    const page: { logGroups?: { logGroupName: string }[]; nextToken?: string } = JSON.parse(
      await logs(api, region, 'DescribeLogGroups', {
        logGroupNamePrefix: LOG_GROUP_PREFIX,
        ...(nextToken && { nextToken }),
      }),
    );
    for (const { logGroupName: name } of page.logGroups ?? []) {
      if (LOG_GROUP.test(name)) found.push({ region, name });
    }
    if (!page.nextToken) return found;
    nextToken = page.nextToken;
  }
}

function logs(api: SignedApi, region: string, operation: string, body: object): Promise<string> {
  return api({
    service: 'logs',
    region,
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': `Logs_20140328.${operation}`,
    },
    body: JSON.stringify(body),
  });
}
