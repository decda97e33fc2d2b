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
  /**
   * It is not purged, and that is all right: what is rendered since is new, and a page that was cached before may be old until
   * its own lifetime ends. Its job ends `expiring` and says until when at most. For sites whose lifetimes are short.
   */
  TTL = 'ttl',
  /**
   * It is not purged, and that is a failure: its job ends `refused`, and whoever asked has to ask again, under another key, when
   * there is room. What is rendered since is new all the same.
   */
  REFUSE = 'refuse',
}

export interface PurgeBudget {
  /** Purge items of a calendar month (UTC). CloudFront's first 1,000 of an account are free, then each costs $0.005. */
  readonly items: number;
  /**
   * What happens to a purge that would go past them. Of revalidations that are purged together those go on that fit, in
   * the order of their requests; what happens to the others, their jobs say.
   *
   * @default WhenExceeded.ALARM
   */
  readonly whenExceeded?: WhenExceeded;
}
