/**
 * edge-isr for the AWS CDK.
 * @module
 */
export { ApiAuth, type ApiDomain, type ApiOptions, type ApiThrottle } from './api-options';
export { EdgeIsr, type EdgeIsrProps, type WarmOptions } from './edge-isr';
export { type PurgeBudget, PurgeBy, WhenExceeded } from './purge';
