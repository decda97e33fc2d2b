/**
 * The construct: a site behind CloudFront that forgets a page when what it depends on has changed.
 *
 *     new EdgeIsr(this, 'Isr', { origin: new HttpOrigin('origin.example.org') });
 *
 * @module
 */
import { CfnOutput, type Duration, Lazy, type RemovalPolicy } from 'aws-cdk-lib';
import type * as apigateway from 'aws-cdk-lib/aws-apigateway';
import type * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as cloudfront from 'aws-cdk-lib/aws-cloudfront';
import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as logs from 'aws-cdk-lib/aws-logs';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { IsrError } from '../core/errors';
import { type AlarmOptions, Alarms } from './alarms';
import { Api } from './api';
import type { ApiOptions } from './api-options';
import type { CachingDefaults, Variants } from './caching';
import { dashboard } from './dashboard';
import { adopt, distribution, pageBehavior } from './distribution';
import { Invalidator } from './invalidator';
import { Jobs } from './jobs';
import { Metered, type Meters } from './metrics';
import { RecordedOrigin } from './private/recorded-origin';
import { type Settings, settingsOf } from './private/settings';
import type { PurgeBudget, PurgeBy } from './purge';
import { revalidateQueue, warmQueue } from './queues';
import { recorder } from './recorder';
import { graphTable } from './table';
import { Warmer } from './warmer';

/**
 * How purged pages are warmed.
 *
 * There is nothing to say about regions: with Origin Shield one warm serves every edge location (their misses find the
 * page in the shield), and without it a warm reaches the one location that is nearest to the warmer, wherever that is.
 */
export interface WarmOptions {
  /**
   * Of one revalidation at most so many urls are warmed: those whose records were written most often lately.
   *
   * The others are rendered when somebody asks for them. A whole number up to 10,000; zero warms none.
   *
   * @default 1000
   */
  readonly maxUrls?: number;

  /**
   * Fetches a second, of all warmers together.
   *
   * Halved when the origin answers 5xx or 429 or not at all, down to one a second, and raised again by a twentieth of
   * this a second. A page counts once for each variant of it that was seen. A whole number from 1 to 1,000.
   *
   * @default 20
   */
  readonly perSecond?: number;

  /**
   * Fetches at once, of one warmer; there are up to five. A whole number from 1 to 50.
   *
   * @default 4
   */
  readonly concurrency?: number;
}

export interface EdgeIsrProps {
  /**
   * The server that renders the pages: any origin, with custom headers of its own, in a VPC, a bucket, or two of them in
   * an `OriginGroup`.
   *
   * EdgeIsr adds the custom header `x-isr-config` to it, and Origin Shield unless it says something of its own about
   * that. Of an OriginGroup both are recorded, each by its own answer; such behaviours take GET, HEAD and OPTIONS only
   * (CloudFront's rule), so give forms a behaviour with one of its origins.
   */
  readonly origin: cloudfront.IOrigin;

  /**
   * How long a page is kept whose origin says nothing about it: no `s-maxage`, `max-age` or `Expires`.
   *
   * @default - it is not kept
   */
  readonly defaults?: CachingDefaults;

  /**
   * The longest that CloudFront may keep a page, however long its origin allows.
   *
   * It caps `s-maxage`, `stale-while-revalidate` and `stale-if-error`, each for itself. Whole seconds, at least one.
   *
   * @default Duration.days(365)
   */
  readonly maxTtl?: Duration;

  /**
   * How long a response may live when it could not be recorded.
   *
   * What is not recorded cannot be purged, so it has to expire by itself. Whole seconds, from one to `maxTtl`.
   *
   * @default Duration.seconds(10)
   */
  readonly unrecordedTtl?: Duration;

  /**
   * The longest that your origin takes to render a page, for origins that do not say (`x-isr-elapsed`).
   *
   * A response that may have been begun before its tag was revalidated is not kept: too short a budget keeps stale
   * pages, too long a one renders a page again for nothing. At most a day.
   *
   * @default - the origin's response timeout (30 seconds unless you set it): CloudFront waits no longer
   */
  readonly renderBudget?: Duration;

  /**
   * Request headers that are part of the cache key: each of their values has pages of its own.
   *
   * They reach the origin too. A response that varies on any other header is not cached. At most ten, neither
   * `Cookie` nor `Accept-Encoding` (which is in the key already).
   *
   * @default - none
   */
  readonly keyHeaders?: string[];

  /**
   * Query parameters that no page depends on: they are taken out of GETs and HEADs before the cache key is made.
   *
   * Without that every click on an advertisement is a miss. `utm_*` is every name that begins so; names are
   * case-sensitive. An empty list drops none. The rest of the query stays as it was sent.
   *
   * @default - the usual ones of advertisers and newsletters: utm_*, gclid, fbclid, …
   */
  readonly dropParameters?: string[];

  /**
   * The forms that a page has: by language, by device.
   *
   * @default - one, and what `keyHeaders` tell apart
   */
  readonly variants?: Variants;

  /**
   * Path patterns of files whose name changes with their content, as `/static/*`.
   *
   * CloudFront keeps them for a year whatever the origin says, and browsers never ask again; they are not recorded and
   * cannot be purged by tag.
   *
   * @default - none
   */
  readonly staticPaths?: string[];

  /**
   * Path patterns of what is for one viewer alone, as `/account/*`: never cached, never recorded.
   *
   * The origin gets all that the viewer sent: cookies, headers (but Host), query.
   *
   * @default - none; such pages are not cached if their origin says `private` or sets a cookie
   */
  readonly bypassPaths?: string[];

  /**
   * A table that this site shares with others: another site's `table`, or one that the team has.
   *
   * Each site has keys of its own in it, named by its place in the app, and its functions may touch no others: tags,
   * urls, jobs, budgets and paces of two sites never meet, not even of the same name. Revalidate a tag that two sites
   * use at each of them. It has to be in the stack's region and account; a table of yours has the string keys `pk` and
   * `sk`, the time to live `expires`, and no KMS key of its own, which every cache miss would have to ask.
   *
   * Sharing costs nothing and saves nothing but tables: one to back up, restore and watch. Not for a site that you will
   * remove: what it leaves in a shared table goes as it expires.
   *
   * @default - a table of its own, with point-in-time recovery; it stays when the stack goes
   */
  readonly table?: dynamodb.ITable;

  /**
   * What becomes of the site's own table when the stack goes, or would replace it.
   *
   * `DESTROY` is for stages that come and go: with the graph goes the knowledge of what CloudFront still has cached.
   *
   * @default RemovalPolicy.RETAIN
   */
  readonly tableRemovalPolicy?: RemovalPolicy;

  /**
   * How long the logs of the workers and of the API are kept.
   *
   * The recorder's are in the region where it runs, in a log group that Lambda makes there and keeps for ever: set the
   * retention of `/edge-isr/NAME/recorder` there.
   *
   * @default RetentionDays.ONE_MONTH
   */
  readonly logRetention?: logs.RetentionDays;

  /**
   * Whether EdgeIsr makes a distribution. Set it to false for one that you already have, and call `addTo`.
   *
   * @default true
   */
  readonly ownDistribution?: boolean;

  /**
   * Names that viewers know the site by. They need a certificate; DNS is yours to point at the distribution.
   *
   * @default - CloudFront's own, d….cloudfront.net
   */
  readonly domainNames?: string[];

  /**
   * The certificate for `domainNames`. It has to be in us-east-1, wherever the stack is.
   *
   * @default - CloudFront's own
   */
  readonly certificate?: acm.ICertificate;

  /**
   * Which edge locations serve the site. Fewer cost less where they are dear.
   *
   * @default PriceClass.PRICE_CLASS_ALL
   */
  readonly priceClass?: cloudfront.PriceClass;

  /**
   * ARN of a WAFv2 web ACL of scope CLOUDFRONT (in us-east-1).
   *
   * @default - none
   */
  readonly webAclId?: string;

  /**
   * Countries that may, or may not, see the site.
   *
   * @default - all may
   */
  readonly geoRestriction?: cloudfront.GeoRestriction;

  /**
   * Where CloudFront's access logs go. They hold viewers' addresses.
   *
   * The bucket has to take ACLs (`ObjectOwnership.OBJECT_WRITER`).
   *
   * @default - none are written
   */
  readonly logBucket?: s3.IBucket;

  /**
   * Before the names of log files.
   *
   * @default - the bucket's root
   */
  readonly logPrefix?: string;

  /**
   * The `Cache-Control` that browsers get, on every response.
   *
   * No purge reaches a browser: by default it asks again each time, and gets a 304 from the nearest edge.
   *
   * @default 'public, max-age=0, must-revalidate'
   */
  readonly browserCacheControl?: string;

  /**
   * Security headers that CloudFront adds: HSTS, content type options, frame options, referrer policy, CSP, …
   *
   * On every answer of the distribution that EdgeIsr makes, and of `behavior()`. They are not cached with the page: a
   * change of them needs no purge.
   *
   * @default - those that the origin sends
   */
  readonly securityHeaders?: cloudfront.ResponseSecurityHeadersBehavior;

  /**
   * CORS headers that CloudFront adds, on every answer.
   *
   * Leave it out where the origin answers by `Origin`: name that in `keyHeaders` then.
   *
   * @default - those that the origin sends
   */
  readonly cors?: cloudfront.ResponseHeadersCorsBehavior;

  /**
   * Other headers that CloudFront adds, on every answer. At most nine; `Cache-Control` is `browserCacheControl`.
   *
   * @default - none
   */
  readonly responseHeaders?: cloudfront.ResponseCustomHeader[];

  /**
   * What viewers may speak.
   *
   * @default HttpVersion.HTTP2_AND_3
   */
  readonly httpVersion?: cloudfront.HttpVersion;

  /**
   * Whether CloudFront gathers all its misses in one place, Origin Shield, in or near the stack's region.
   *
   * The recorder then runs beside its table, and one warm serves every edge location. Costs about $0.0075 to $0.0090
   * per 10,000 requests that reach it. For another region, set `originShieldRegion` on the origin.
   *
   * @default true
   */
  readonly originShield?: boolean;

  /**
   * How long the queue gathers revalidations before it wakes the invalidator: a burst becomes one purge.
   *
   * Whole seconds, up to 300. Zero means at once.
   *
   * @default Duration.seconds(1)
   */
  readonly batchWindow?: Duration;

  /**
   * How long the invalidator waits between noting a change and purging.
   *
   * A response that was recorded just before may still be streaming into the cache, and a purge that overtakes it
   * would leave it there. From one second to 20.
   *
   * @default Duration.seconds(1)
   */
  readonly grace?: Duration;

  /**
   * How long your origin may still read old data after a change: the lag of its replicas or caches.
   *
   * What is rendered in that time after a revalidation counts as old, and the purge waits for it. Up to 60 seconds.
   *
   * @default Duration.seconds(0) - the origin reads what was written
   */
  readonly settle?: Duration;

  /**
   * How pages are purged. Where CloudFront has no cache tags, pages are kept only if a path can name them.
   *
   * @default PurgeBy.NATIVE
   */
  readonly purge?: PurgeBy;

  /**
   * How many purge items a month may cost, and what happens past them.
   *
   * @default - no limit
   */
  readonly budget?: PurgeBudget;

  /**
   * How purged pages are fetched through the edge, so that the next viewer finds them.
   *
   * @default - the defaults of WarmOptions
   */
  readonly warm?: WarmOptions;

  /**
   * Who may call the API, how often, and under which name.
   *
   * @default - signed with IAM, 100 requests a second, at the address that AWS gives it
   */
  readonly api?: ApiOptions;

  /**
   * Whether the stack sets the role with which API Gateway writes logs: one setting for the whole account and region.
   *
   * The API's logs need one. Set it to false where the account has one already that shall stay.
   *
   * @default true
   */
  readonly apiLogRole?: boolean;

  /**
   * Who is told when pages stay wrong, when viewers get errors, or when the budget is spent.
   *
   * What each alarm means and how to mend it is in docs/runbook.md, under its name.
   *
   * @default - no alarms
   */
  readonly alarms?: AlarmOptions;

  /**
   * Whether there is a CloudWatch dashboard with the metrics of the site. Above three of an account each costs $3 a month.
   *
   * @default false
   */
  readonly dashboard?: boolean;
}

/**
 * Incremental static revalidation for one site.
 *
 * The stack needs a region (`env`): the recorder, at the edge, has to know where its table is. In any region but
 * us-east-1 the recorder gets a stack of its own there, which is deployed first.
 */
export class EdgeIsr extends Metered {
  /** The graph: edges, epochs, urls and jobs. It outlives the stack, and can be given to another site. */
  readonly table: dynamodb.ITable;
  /** The Lambda@Edge version that rules on what is cached. */
  readonly recorder: lambda.IVersion;
  readonly invalidator: lambda.IFunction;
  readonly warmer: lambda.IFunction;
  /** `POST /revalidate`, `GET /jobs` and `GET /jobs/{id}`. */
  readonly api: apigateway.IRestApi;
  readonly revalidateQueue: sqs.IQueue;
  /** Revalidations that failed eight times: each is a page that may stay wrong until it expires. */
  readonly revalidateDeadLetterQueue: sqs.IQueue;
  readonly warmQueue: sqs.IQueue;
  readonly warmDeadLetterQueue: sqs.IQueue;
  /** With `dashboard: true`; it takes more widgets. */
  readonly dashboard?: cloudwatch.Dashboard;
  /** @internal */
  readonly _meters: Meters;

  private readonly methods: Api;
  private readonly settings: Settings;
  private readonly pages: cloudfront.AddBehaviorOptions;
  private known: cloudfront.Distribution | undefined;

  constructor(scope: Construct, id: string, props: EdgeIsrProps) {
    super(scope, id);
    const settings = settingsOf(this, props);
    this.settings = settings;

    const graph = graphTable(this, settings);
    const edge = recorder(this, settings);
    const origin = new RecordedOrigin(props.origin, settings);
    this.pages = pageBehavior(this, edge, settings);
    if (settings.ownDistribution)
      this.known = distribution(this, { origin, pages: this.pages }, settings);
    const site = this.known ?? this.later();
    const revalidations = revalidateQueue(this, settings);
    const warms = warmQueue(this, settings);
    const invalidator = new Invalidator(this, { graph, site, revalidations, warms }, settings);
    const warmer = new Warmer(this, { graph, site, warms }, settings);
    const jobs = new Jobs(this, { graph, site }, settings);
    const api = new Api(this, { revalidations, jobs }, settings);

    this.table = graph.table;
    this.recorder = edge.currentVersion;
    this.invalidator = invalidator.function;
    this.warmer = warmer.function;
    this.api = api.rest;
    this.methods = api;
    this.revalidateQueue = revalidations.queue;
    this.revalidateDeadLetterQueue = revalidations.deadLetterQueue;
    this.warmQueue = warms.queue;
    this.warmDeadLetterQueue = warms.deadLetterQueue;
    this._meters = {
      site: settings.name,
      region: settings.region,
      edgeRegion: origin.edgeRegion,
      recorder: this.recorder,
      revalidateQueue: this.revalidateQueue,
      revalidateDeadLetterQueue: this.revalidateDeadLetterQueue,
      warmDeadLetterQueue: this.warmDeadLetterQueue,
    };
    const alarms = props.alarms && new Alarms(this, props.alarms, settings);
    if (props.dashboard) this.dashboard = dashboard(this, alarms?.all ?? [], settings);
    this.addOutputs(site);
  }

  /** What viewers connect to. */
  get distribution(): cloudfront.Distribution {
    if (this.known) return this.known;
    throw new IsrError(
      'option-invalid',
      'EdgeIsr: ownDistribution is false, and no distribution is known: call addTo(distribution)',
      'ownDistribution',
    );
  }

  /**
   * How pages are cached and recorded, for the `defaultBehavior` of a distribution of yours. It needs `addTo`, too.
   *
   * @param origin the server that renders them. @default - the one that EdgeIsr has
   */
  behavior(origin: cloudfront.IOrigin = this.settings.origin): cloudfront.BehaviorOptions {
    const recorded = new RecordedOrigin(origin, this.settings);
    const { allowedMethods } = recorded; // only GET and HEAD are kept
    return { origin: recorded, ...this.pages, allowedMethods };
  }

  /**
   * Makes a distribution of yours the one that is recorded, purged and warmed: it reads our tags, and keeps errors as
   * long as the recorder says.
   *
   * @param pattern pages that EdgeIsr shall look after, as `/posts/*`; a behaviour is added. @default - those that have
   * `behavior()`
   */
  addTo(distribution: cloudfront.Distribution, pattern?: string): void {
    if (this.known && this.known !== distribution) {
      throw new IsrError(
        'option-invalid',
        'EdgeIsr: addTo was given another distribution than EdgeIsr has: set ownDistribution to false, and give it one',
        'ownDistribution',
      );
    }
    if (!this.known) adopt(distribution);
    this.known = distribution;
    if (pattern !== undefined) {
      const { origin, ...options } = this.behavior();
      distribution.addBehavior(pattern, origin, options);
    }
  }

  /** A distribution that is known when the stack is synthesised. */
  private later(): cloudfront.IDistribution {
    return cloudfront.Distribution.fromDistributionAttributes(this, 'Site', {
      distributionId: Lazy.string({ produce: () => this.distribution.distributionId }),
      domainName: Lazy.string({ produce: () => this.distribution.distributionDomainName }),
    });
  }

  /** Lets somebody call `POST /revalidate`; with `ApiAuth.bearer`, read the token, which opens all of the API. */
  grantRevalidate(grantee: iam.IGrantable): iam.Grant {
    return this.methods.grantRevalidate(grantee);
  }

  /**
   * Lets somebody call `GET /jobs` and `GET /jobs/{id}`, and no more.
   *
   * @throws with `ApiAuth.bearer`: its token would let them revalidate too
   */
  grantReadJobs(grantee: iam.IGrantable): iam.Grant {
    return this.methods.grantReadJobs(grantee);
  }

  private addOutputs(site: cloudfront.IDistribution): void {
    const outputs: Record<string, string> = {
      DistributionUrl: `https://${site.distributionDomainName}`,
      DistributionId: site.distributionId,
      ApiUrl: this.methods.url,
      TableName: this.table.tableName,
      RevalidateQueueUrl: this.revalidateQueue.queueUrl,
      RevalidateDeadLetterQueueUrl: this.revalidateDeadLetterQueue.queueUrl,
      WarmDeadLetterQueueUrl: this.warmDeadLetterQueue.queueUrl,
    };
    for (const [id, value] of Object.entries(outputs)) new CfnOutput(this, id, { value });
  }
}
