/**
 * How pages are purged, and what a purge may cost.
 * @module
 */

export enum PurgeBy {
  /** By CloudFront's cache tags; by path where a page has more than 50. One item for whatever a tag covers. */
  NATIVE = 'native',
  /** By paths, and wildcards where these are too many: where CloudFront has no cache tags, as in China. */
  PATHS = 'paths',
}

export enum WhenExceeded {
  /** It is purged all the same; the metric `BudgetExceeded` says so. */
  ALARM = 'alarm',
  /** Nothing is purged: copies expire within their own lifetime. */
  TTL = 'ttl',
  /** Nothing is purged: whoever asked has to ask again. */
  REFUSE = 'refuse',
}

export interface PurgeBudget {
  /** Purge items of a calendar month (UTC). CloudFront's first 1,000 of an account are free, then each costs $0.005. */
  readonly items: number;
  /**
   * What happens to a purge that would go past them. A job that is refused says so.
   *
   * @default WhenExceeded.ALARM
   */
  readonly whenExceeded?: WhenExceeded;
}
