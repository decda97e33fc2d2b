/**
 * Any origin, with two things added: the recorder's configuration, and Origin Shield.
 *
 *     x-isr-config: {"table":"IsrStack-Isr-1A2B3C4D","region":"eu-west-1"}
 *
 * Lambda@Edge has no environment, so its configuration travels with the origin as a custom header: the event carries
 * it, and CloudFront overwrites what a viewer may have sent under that name (CFDG, add-origin-custom-headers).
 * @module
 */
import * as cloudfront from 'aws-cdk-lib/aws-cloudfront';
import { OriginGroup } from 'aws-cdk-lib/aws-cloudfront-origins';
import type { Construct } from 'constructs';
import { IsrError } from '../../core/errors';
import { CONFIG } from '../../core/headers';
import { recorderConfig } from './recorder-config';
import type { Settings } from './settings';

export class RecordedOrigin implements cloudfront.IOrigin {
  /** Where the recorder runs: in the shield's region, which the origin may choose. Without a shield it is everywhere. */
  edgeRegion: string | undefined;

  constructor(
    private readonly origin: cloudfront.IOrigin,
    private readonly settings: Settings,
  ) {
    this.edgeRegion = settings.originShield ? settings.shieldRegion : undefined;
  }

  /** CloudFront refuses to deploy a behaviour of a group that takes more: none of these could fail over. */
  get allowedMethods(): cloudfront.AllowedMethods {
    const { ALLOW_ALL, ALLOW_GET_HEAD_OPTIONS } = cloudfront.AllowedMethods;
    return this.isGroup ? ALLOW_GET_HEAD_OPTIONS : ALLOW_ALL;
  }

  get isGroup(): boolean {
    return this.origin instanceof OriginGroup;
  }

  bind(scope: Construct, options: cloudfront.OriginBindOptions): cloudfront.OriginBindConfig {
    const bound = this.origin.bind(scope, options);
    if (!bound.originProperty) {
      throw new IsrError(
        'option-invalid',
        'origin binds to nothing: it has to give an originProperty',
        'origin',
      );
    }
    if (bound.failoverConfig && !this.isGroup) {
      throw new IsrError(
        'option-invalid',
        'origin fails over by itself: EdgeIsr has to know that beforehand, give it an OriginGroup',
        'origin',
      );
    }
    return {
      ...bound,
      originProperty: this.recorded(bound.originProperty),
      ...(bound.failoverConfig && {
        failoverConfig: {
          ...bound.failoverConfig,
          failoverOrigin: new RecordedOrigin(bound.failoverConfig.failoverOrigin, this.settings),
        },
      }),
    };
  }

  private recorded(
    property: cloudfront.CfnDistribution.OriginProperty,
  ): cloudfront.CfnDistribution.OriginProperty {
    const { shieldRegion, originShield: isShielded } = this.settings;
    // an origin that says something of its own about a shield keeps it
    const originShield =
      property.originShield ??
      (isShielded ? { enabled: true, originShieldRegion: shieldRegion } : undefined);
    const isOn = originShield && 'originShieldRegion' in originShield && originShield.enabled;
    this.edgeRegion = isOn ? originShield.originShieldRegion : undefined;
    const isNear = this.edgeRegion !== undefined && this.edgeRegion === shieldRegion;
    return {
      ...property,
      originShield,
      originCustomHeaders: [
        ...headersOf(property),
        { headerName: CONFIG, headerValue: recorderConfig(this.settings, isNear) },
      ],
    };
  }
}

function headersOf({
  originCustomHeaders = [],
}: cloudfront.CfnDistribution.OriginProperty): cloudfront.CfnDistribution.OriginCustomHeaderProperty[] {
  const headers = Array.isArray(originCustomHeaders) ? originCustomHeaders : [originCustomHeaders];
  return headers.map((header) => {
    if (!('headerName' in header)) {
      throw new IsrError(
        'option-invalid',
        `origin has custom headers that are known at deployment only: ${CONFIG} cannot be added to them`,
        'origin',
      );
    }
    if (header.headerName.toLowerCase() === CONFIG) {
      throw new IsrError(
        'option-invalid',
        `origin already has the custom header ${header.headerName}: EdgeIsr sets it`,
        'origin',
      );
    }
    return header;
  });
}
