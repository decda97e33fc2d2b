/**
 * edge-isr for the AWS CDK.
 * @module
 */
export type { AlarmOptions } from './alarms';
export { ApiAuth, type ApiDomain, type ApiOptions, type ApiThrottle } from './api-options';
export { type CachingDefaults, Device, type Variants } from './caching';
export { EdgeIsr, type EdgeIsrProps, type WarmOptions } from './edge-isr';
export { JobEnd, Metered } from './metrics';
export { type PurgeBudget, PurgeBy, WhenExceeded } from './purge';
