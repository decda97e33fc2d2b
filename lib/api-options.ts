/**
 * What can be said of the API: who may call it, how often, and under which name.
 * @module
 */
import type * as acm from 'aws-cdk-lib/aws-certificatemanager';
import type * as route53 from 'aws-cdk-lib/aws-route53';
import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';

/** Who may call the API. */
export class ApiAuth {
  /** Requests are signed with AWS credentials (SigV4): for callers with a role of their own. */
  static iam(): ApiAuth {
    return new ApiAuth();
  }

  /**
   * Requests carry `Authorization: Bearer TOKEN`: for callers without AWS credentials, as a CMS somewhere else.
   *
   * The secret's whole value is the token: 16 to 1,024 visible ASCII characters, no JSON; `new Secret(this, 'Token')`
   * makes one. It opens all of the API. After a rotation the new token is taken at once (AWSCURRENT), the old one for a
   * day more (AWSPREVIOUS); rotate twice to be rid of one that has leaked, within five minutes.
   *
   * Not for callers that have an AWS role: IAM needs no secret that could leak.
   *
   * @param secret  of any region and account, as long as the authorizer may read it: its key and resource policy are yours
   */
  static bearer(secret: secretsmanager.ISecret): ApiAuth {
    return new ApiAuth(secret);
  }

  /** The token's; none with IAM. */
  readonly secret?: secretsmanager.ISecret;

  private constructor(secret?: secretsmanager.ISecret) {
    this.secret = secret;
  }
}

/** How much the API takes from all callers together; what is over gets 429, and the client sends it again. */
export interface ApiThrottle {
  /**
   * Requests a second, over time. A whole number from 1 to 10,000; one request names up to 1,000 tags.
   *
   * @default 100
   */
  readonly ratePerSecond?: number;

  /**
   * Requests at once, after a pause. A whole number from 1 to 5,000.
   *
   * @default - twice `ratePerSecond`, 5,000 at most
   */
  readonly burst?: number;
}

/** A name of the API's own, without the stage in its path: `https://isr.example.org/revalidate`. */
export interface ApiDomain {
  /** Without protocol and path, no wildcard: `isr.example.org`. */
  readonly domainName: string;

  /** For that name, in the stack's own region: the API is regional. */
  readonly certificate: acm.ICertificate;

  /**
   * Where the name is: it gets its A record.
   *
   * @default - the record is yours to make, to the regional domain name of the API's domain
   */
  readonly hostedZone?: route53.IHostedZone;
}

export interface ApiOptions {
  /**
   * Who may call it.
   *
   * @default ApiAuth.iam()
   */
  readonly auth?: ApiAuth;

  /**
   * How much it takes.
   *
   * @default - the defaults of ApiThrottle
   */
  readonly throttle?: ApiThrottle;

  /**
   * A name of its own. Its address with the stage, which AWS gave it, stays; the output `ApiUrl` is this one.
   *
   * With IAM the caller has to know the region to sign for, which such a name does not tell: the command line takes it
   * from `AWS_REGION`.
   *
   * @default - none
   */
  readonly domain?: ApiDomain;
}
