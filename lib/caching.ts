/**
 * What makes two requests the same page, and which pages are none of ours.
 * @module
 */
import type { Duration } from 'aws-cdk-lib';

export enum Device {
  /** Phones. */
  MOBILE = 'mobile',
  TABLET = 'tablet',
  /** Everything else, and programs. */
  DESKTOP = 'desktop',
}

/**
 * The forms of a page. Each has a place of its own in the cache, all are purged together, and those that were seen are
 * warmed.
 */
export interface Variants {
  /**
   * Languages, as `de` or `pt-BR`; the first is for whoever speaks none of them.
   *
   * The origin is told which in `x-isr-locale`; it does not see Accept-Language, and may vary on it.
   *
   * @default - one form for all languages
   */
  readonly locales?: string[];

  /**
   * Kinds of devices, by User-Agent; the first is for those that are not listed.
   *
   * The origin is told which in `x-isr-device`.
   *
   * @default - one form for all devices
   */
  readonly devices?: Device[];
}

/** How long a response is kept that says nothing itself. */
export interface CachingDefaults {
  /** As `s-maxage`: so long it is fresh. Whole seconds, at least one. */
  readonly sMaxAge: Duration;

  /**
   * As `stale-while-revalidate`: so long it is then served while a new one is fetched. Whole seconds.
   *
   * @default Duration.seconds(0)
   */
  readonly staleWhileRevalidate?: Duration;

  /**
   * As `stale-if-error`: so long it is then served when the origin fails. Whole seconds.
   *
   * @default Duration.seconds(0)
   */
  readonly staleIfError?: Duration;
}
