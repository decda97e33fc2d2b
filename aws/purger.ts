/**
 * CloudFront's invalidations: `/path` and `#tag` items of one distribution.
 *
 * An invalidation that CloudFront has no room for is no error: TooManyInvalidationsInProgress, and `Rate exceeded`
 * at about ten calls a second, come back as `deferred` (CFAPI, API_CreateInvalidation). So does one that it did not answer,
 * or answered with a failure of its own: sent again under its reference it is the same.
 * @module
 */
import {
  type CloudFrontClient,
  CreateInvalidationCommand,
  GetInvalidationCommand,
} from '@aws-sdk/client-cloudfront';
import { IsrError, reasonOf } from '../core/errors';
import type { Purger } from '../core/ports';

const NO_ROOM = new Set([
  'TooManyInvalidationsInProgress',
  'Throttling',
  'ThrottlingException',
  'TooManyRequestsException',
]);

const NO_ANSWER = new Set(['AbortError', 'TimeoutError']);
/** A question about an invalidation is asked beside other work: it may not hold that up. */
const STATUS_MS_MAX = 2_000;

export function cloudFrontPurger(client: CloudFrontClient, distributionId: string): Purger {
  return {
    async purge(items, reference) {
      try {
        const { Invalidation } = await client.send(
          new CreateInvalidationCommand({
            DistributionId: distributionId,
            InvalidationBatch: {
              CallerReference: reference,
              Paths: { Quantity: items.length, Items: [...items] },
            },
          }),
        );
        return { kind: 'accepted', invalidation: Invalidation?.Id ?? '' };
      } catch (cause) {
        const name = cause instanceof Error ? cause.name : '';
        if (NO_ROOM.has(name) || isNoAnswer(cause)) {
          return {
            kind: 'deferred',
            why: `CloudFront: ${name === 'Error' ? reasonOf(cause) : name}`,
          };
        }
        throw new IsrError(
          'purge-failed',
          `CloudFront refused an invalidation of ${items.length} items on ${distributionId}: ${name} ${reasonOf(cause)}`,
          undefined,
          { cause },
        );
      }
    },
    async status(invalidation) {
      try {
        const { Invalidation } = await client.send(
          new GetInvalidationCommand({ DistributionId: distributionId, Id: invalidation }),
          { abortSignal: AbortSignal.timeout(STATUS_MS_MAX) },
        );
        return Invalidation?.Status === 'Completed' ? 'completed' : 'in-progress';
      } catch (cause) {
        const name = cause instanceof Error ? cause.name : '';
        if (NO_ROOM.has(name) || name === 'NoSuchInvalidation' || isNoAnswer(cause))
          return 'unknown';
        throw new IsrError(
          'purge-failed',
          `CloudFront does not tell how invalidation ${invalidation} of ${distributionId} stands: ${name} ${reasonOf(cause)}`,
          undefined,
          { cause },
        );
      }
    },
  };
}

/** CloudFront did not say no: it was not reached, its answer was lost, or the failure is its own. */
function isNoAnswer(cause: unknown): boolean {
  const { code, $metadata: { httpStatusCode = 0 } = {} } = cause as {
    readonly code?: string;
    readonly $metadata?: { readonly httpStatusCode?: number };
  };
  const isLost = cause instanceof Error && NO_ANSWER.has(cause.name);
  return isLost || httpStatusCode >= 500 || /^E[A-Z]+$/.test(code ?? '');
}
